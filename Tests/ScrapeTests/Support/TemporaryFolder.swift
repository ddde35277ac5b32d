#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A folder that is gone when nobody holds it any more.
final class TemporaryFolder {
    let path: String

    init() {
        path = "/tmp/promenade-test-\(UInt64.random(in: 0 ... .max))"
        mkdir(path, 0o700)
    }

    deinit {
        var found = glob_t()
        if glob(path + "/*", 0, nil, &found) == 0 {
            for index in 0..<Int(found.gl_pathc) { if let file = found.gl_pathv[index] { unlink(file) } }
        }
        globfree(&found)
        rmdir(path)
    }

    static func / (folder: TemporaryFolder, name: String) -> String { folder.path + "/" + name }

    func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    func rename(_ path: String, to other: String) {
        #if canImport(Darwin)
            _ = Darwin.rename(path, other)
        #else
            _ = Glibc.rename(path, other)
        #endif
    }

    func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let next = fgetc(file)
            if next == EOF { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(UInt8(next))
        }
    }
}
