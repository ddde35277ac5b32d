import Foundation
import Promenade
import Simulation
import Testing

/// What was recorded happens again.
@Suite(.timeLimit(.minutes(5))) struct RecordingTests {
    /// A world with what a scrape can meet with: a kill, a status, a broken body, latency, a batch that pushes.
    private static let scenario = """
        duration: 10m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 30s}
          scrape_configs:
            - {job_name: shop, static_configs: [{targets: [shop-1, shop-2]}]}
            - {job_name: gateway, honor_labels: true, static_configs: [{targets: ['localhost:9091']}]}
        services:
          shop: {instances: 2, metrics: {orders_total: {type: counter, rate: 3/s}, wait_seconds: {type: histogram, native: true}}}
        batches:
          backup: {every: 1m, takes: 5s, metrics: {backup_rows: {type: gauge, value: took}}}
        events:
          - {at: 1m, do: kill, service: shop, instance: 1, for: 1m}
          - {at: 3m, do: fault, service: shop, instance: 2, fault: {status: 503}, for: 1m}
          - {at: 5m, do: fault, service: shop, instance: 1, fault: {latency: 30s}, for: 1m}
          - {at: 7m, do: fault, service: shop, instance: 2, fault: {latency: 1s}, for: 1m}
          - {at: 8m, do: fault, service: shop, instance: 2, fault: {body: "<html>"}, for: 30s}
        """

    @Test func `a recording that is replayed gives the same samples`() async throws {
        let scenario = try ScenarioFile.read(text: Array(Self.scenario.utf8), file: "test.yml")
        let (dump, recording) = try await WorldThread.run {
            let world = try await World(scenario, World.Options(seed: 3))
            let recorder = WorldRecorder()
            try await world.begin()
            while try await world.step() != nil { recorder.look(world) }
            let dump = try await world.dump()
            try await world.stack.close()
            return (dump, recorder.recording)
        }
        #expect(recording.scrapes.count == 3 * 61)
        let (index, bodies) = recording.files()
        let text = recording.scenario(
            name: "again",
            start: scenario.start,
            end: scenario.start + scenario.duration / 1_000_000,
            stack: "stack.yml",
            index: "recording.jsonl"
        )
        try await withFolder { folder in
            func write(_ name: String, _ bytes: [UInt8]) throws {
                try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
            }
            try FileManager.default.createDirectory(atPath: folder + "/bodies", withIntermediateDirectories: true)
            try write("scenario.yml", Array(text.utf8))
            try write("recording.jsonl", Array(index.utf8))
            for body in bodies { try write(body.name, body.bytes) }
            let stack = """
                global: {scrape_interval: 10s, evaluation_interval: 30s}
                scrape_configs:
                  - {job_name: shop, scrape_native_histograms: true, static_configs: [{targets: [shop-1, shop-2]}]}
                  - {job_name: gateway, honor_labels: true, static_configs: [{targets: ['localhost:9091']}]}
                """
            try write("stack.yml", Array(stack.utf8))
            let again = try ScenarioFile.read(folder + "/scenario.yml")
            let copy = try await WorldThread.run {
                let world = try await World(again, World.Options(seed: 99))
                try await world.begin()
                try await world.run()
                let dump = try await world.dump()
                try await world.stack.close()
                return dump
            }
            #expect(copy.count > 100_000)
            #expect(copy == dump)
        }
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "/recording-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    @Test(arguments: [
        ("{\"time\":1}", "a line is a scrape or a push"), ("{\"scrape\":\"x\"}", "time is missing"),
        ("{\"push\":\"/metrics/job/x\",\"time\":1,\"method\":\"GET\"}", "method is PUT"),
        ("{\"scrape\":\"x\",\"time\":1,\"body\":\"../secret\"}", "cannot be read"), ("{", "index.jsonl"),
    ])
    func `a recording with a mistake is told with its line`(_ line: String, _ words: String) {
        let error = #expect(throws: (any Error).self) {
            try Recording(index: Array("\n\(line)\n".utf8), file: "index.jsonl") { _ in [] }
        }
        #expect(error.map { "\($0)" }?.contains(words) == true)
    }
}
