import Foundation
import MetricModel
import Testing

/// Reading what a path leads to, also where that is no file.
@Suite(.timeLimit(.minutes(5))) struct FileReadingTests {
    private static func failure(_ path: String, limit: Int = FileReading.sizeLimit) -> String? {
        FileReading.bytes(of: path, limit: limit) == nil ? FileReading.failure(reading: path) : nil
    }

    @Test func `what is no file, or has no end, is told at once`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reading-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (pipe, file) = (folder.appending(path: "pipe").path, folder.appending(path: "file").path)
        #expect(mkfifo(pipe, 0o600) == 0)
        try Data("abc".utf8).write(to: URL(filePath: file))
        #expect(Self.failure(pipe) == "open \(pipe): not a regular file")
        #expect(Self.failure("/dev/zero", limit: 1 << 20) == "read /dev/zero: larger than 64 MiB")
        #expect(Self.failure(folder.path) == "read \(folder.path): is a directory")
        #expect(Self.failure(file + "x") == "open \(file)x: no such file or directory")
        #expect(Self.failure(file, limit: 2) == "read \(file): larger than 64 MiB")
        #expect(FileReading.bytes(of: file, limit: 3) == Array("abc".utf8))
        #expect(FileReading.bytes(of: "/dev/null") == [])
    }

    @Test func `a pipe is read to its end where one is wanted`() {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        #expect(write(ends[1], "abc", 3) == 3)
        close(ends[1])
        #expect(FileReading.bytes(of: "/dev/fd/\(ends[0])", pipes: .short) == Array("abc".utf8))
        close(ends[0])
    }
}
