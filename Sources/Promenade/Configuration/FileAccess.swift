import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The few things that the composition does with files.
package enum FileAccess {
    /// Whether there is a file.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The contents of a file; `nil` where it cannot be read (``failure(reading:)`` says why).
    package static func read(_ path: String) -> [UInt8]? { FileReading.bytes(of: path) }

    /// The contents of a file that whoever started the program names: it may be a pipe, as of `<(command)`.
    /// - Parameter limit: the most bytes, where it may have more than a file that is read otherwise.
    package static func readNamed(_ path: String, limit: Int = FileReading.sizeLimit) -> [UInt8]? {
        FileReading.bytes(of: path, pipes: .endless, limit: limit)
    }

    /// Why a file could not be read, by the last error's number.
    package static func failure(reading path: String) -> String { FileReading.failure(reading: path) }

    /// Writes a file by way of a neighbour, so that a reader sees all of it or nothing.
    package static func replace(_ path: String, with text: String) -> Bool {
        let temporary = path + ".tmp"
        guard let file = fopen(temporary, "w") else { return false }
        let written = fputs(text, file)
        guard fclose(file) == 0, written >= 0 else { return false }
        return rename(temporary, path) == 0
    }

    /// Writes a file; `false` where it cannot be written (`errno` says why).
    package static func write(_ bytes: [UInt8], to path: String) -> Bool {
        guard let file = fopen(path, "w") else { return false }
        let written = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        return fclose(file) == 0 && written == bytes.count
    }

    /// Creates a folder and those above it; `false` where it cannot be (`errno` says why).
    package static func createFolder(_ path: String) -> Bool {
        var built = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            built += part + "/"
            if mkdir(built, built.utf8.count >= path.utf8.count ? 0o700 : 0o777) != 0, errno != EEXIST { return false }
        }
        if let facts = FileFacts(path: path), facts.kind != .folder {
            errno = ENOTDIR
            return false
        }
        return access(path, W_OK | X_OK) == 0
    }

    /// By which a change of a file is noticed; `nil` where there is none.
    static func stamp(_ path: String) -> [Int64]? { FileFacts(path: path)?.stamp }
}
