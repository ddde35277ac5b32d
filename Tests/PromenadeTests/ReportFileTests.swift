import Foundation
import Promenade
import Testing

/// Files that a command writes when it is done.
@Suite(.timeLimit(.minutes(5))) struct ReportFileTests {
    private static func with(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "/report-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func `what is there stays until all of the new text is there, and nothing is left beside it`() throws {
        try Self.with { folder in
            let path = folder + "/a.xml"
            let first = try ReportFile(path)
            #expect(!FileManager.default.fileExists(atPath: path))
            try first.write("old\u{0}and on")
            #expect(try Self.text(path) == "old\u{0}and on")
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
            let second = try ReportFile(path)
            #expect(try Self.text(path) == "old\u{0}and on")
            try second.write("new")
            #expect(try Self.text(path) == "new")
            let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(permissions == 0o640)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.xml"])
        }
    }

    @Test func `a link leads to the file, which is the one that is written`() throws {
        try Self.with { folder in
            let (path, link) = (folder + "/a.xml", folder + "/link.xml")
            try "old".write(toFile: path, atomically: false, encoding: .utf8)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
            try ReportFile(link).write("new")
            #expect(try Self.text(path) == "new")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
        }
    }

    @Test func `what cannot be written is known before`() throws {
        try Self.with { folder in
            for (path, reason) in [
                (folder + "/none/a.xml", "no such file or directory"), (folder, "is a directory"),
                ("/proc/a.xml", "cannot write /proc/a.xml: "),
            ] {
                let refusal = #expect(throws: ReportFile.Refusal.self) { _ = try ReportFile(path) }
                #expect(refusal?.description.contains(reason) == true, "\(refusal?.description ?? "")")
            }
        }
    }

    #if !canImport(Darwin)
        @Test func `a device is written in place, and says where it is full`() throws {
            try ReportFile("/dev/null").write("anything")
            let full = try ReportFile("/dev/full")
            let refusal = #expect(throws: ReportFile.Refusal.self) { try full.write("anything") }
            #expect(refusal?.description == "cannot write /dev/full: no space left on device")
        }
    #endif
}
