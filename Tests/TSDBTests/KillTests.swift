import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// A process that writes is killed at random moments; everything that it was told is stored has to be there.
@Suite(.timeLimit(.minutes(5))) struct KillTests {
    private static let streams = 3
    /// The program beside the tests.
    private static let writer: String? = {
        let folders = [
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path,
            Bundle.main.bundlePath, Bundle.main.bundlePath + "/..",
        ]
        return folders.map { $0 + "/TSDBKillWriter" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// What a run acknowledged, by stream: the last step of samples, and of records.
    private struct Acknowledged {
        var samples = [Int64](repeating: -1, count: KillTests.streams)
        var records = [Int64](repeating: -1, count: KillTests.streams)
        var errors: [String] = []

        mutating func read(_ line: Substring) {
            let words = line.split(separator: " ")
            guard words.count == 3, let stream = Int(words[1]), let step = Int64(words[2]) else {
                errors.append(String(line))
                return
            }
            if words[0] == "s" { samples[stream] = max(samples[stream], step) }
            if words[0] == "r" { records[stream] = max(records[stream], step) }
        }
    }

    private static func runAndKill(_ program: String, _ path: String, after lines: Int) throws -> Acknowledged {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [path, "\(streams)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var text = ""
        var seen = 0
        try pipe.fileHandleForWriting.close()
        let descriptor = pipe.fileHandleForReading.fileDescriptor
        var buffer = [UInt8](repeating: 0, count: 4096)
        var isKilled = false
        while true {
            if seen >= lines, !isKilled {
                kill(process.processIdentifier, SIGKILL)
                isKilled = true
            }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            seen += buffer[..<count].count { $0 == 10 }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        process.waitUntilExit()
        var acknowledged = Acknowledged()
        // A last line without its end was cut off by the kill.
        let whole = text.lastIndex(of: "\n").map { text[..<$0] } ?? ""
        for line in whole.split(separator: "\n") { acknowledged.read(line) }
        return acknowledged
    }

    @Test(.enabled(if: writer != nil), .timeLimit(.minutes(5)))
    func nothingAcknowledgedIsLost() async throws {
        let program = try #require(Self.writer)
        var generator = SeededGenerator(seed: 2024)
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            var options = StoreOptions()
            options.retention = nil
            for round in 0..<220 {
                let acknowledged = try Self.runAndKill(program, path, after: Int(generator.next() % 120))
                #expect(acknowledged.errors.isEmpty, "round \(round)")
                let store = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
                #expect(try await store.problems().isEmpty)
                let records = try await store.records(in: "t")
                for stream in 0..<Self.streams {
                    let matcher = LabelMatcher("stream", equals: "\(stream)")
                    let found = try await store.all([matcher])
                    let last = acknowledged.samples[stream]
                    if last >= 0 { #expect(found.count == 5, "round \(round)") }
                    for columns in found {
                        let steps = columns.timestamps.map { ($0 - base) / 1000 }
                        #expect(steps == Array(0..<Int64(steps.count)), "round \(round): no gaps")
                        #expect((steps.last ?? -1) >= last, "round \(round): \(columns.labels)")
                        let factor = Double(Int(columns.labels.name.dropFirst()) ?? 0) + 1
                        #expect(columns.values == steps.map { Double($0) * factor + 0.25 })
                    }
                    if acknowledged.records[stream] >= 0 {
                        let record = records.first { $0.key == [UInt8(stream)] }
                        let step = record.flatMap { Int64(String(decoding: $0.value, as: UTF8.self)) } ?? -1
                        #expect(step >= acknowledged.records[stream], "round \(round)")
                    }
                }
                try await store.close()
            }
        }
    }
}
