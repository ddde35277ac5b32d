import Foundation
import Testing

/// What the fuzzer starts from, and every input that once made trouble: `make fuzz` looks for more.
@Suite(.timeLimit(.minutes(5))) struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpora")

    @Test(arguments: FuzzTarget.all.map(\.name))
    func eachInputIsRead(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.folder.appending(path: name),
            includingPropertiesForKeys: nil
        )
        #expect(!files.isEmpty && files.count <= 20)
        for file in files {
            let found = target.contradiction([UInt8](try Data(contentsOf: file)))
            #expect(found == nil, "\(file.lastPathComponent)")
        }
    }

    @Test func theCorporaAreSmall() throws {
        let keys: [URLResourceKey] = [.fileSizeKey, .isRegularFileKey]
        let walker = FileManager.default.enumerator(at: Self.folder, includingPropertiesForKeys: keys)
        var bytes = 0
        while let file = walker?.nextObject() as? URL {
            let values = try file.resourceValues(forKeys: Set(keys))
            if values.isRegularFile == true { bytes += values.fileSize ?? 0 }
        }
        #expect(bytes <= 100_000)
    }
}
