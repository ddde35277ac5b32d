import Foundation
import MetricModel
import PromQL
import Testing

/// Prometheus's own scripts (`Tests/PromQLTests/Upstream`, where a NOTICE says from where they are).
@Suite(.timeLimit(.minutes(5))) struct UpstreamTests {
    private static let runner = PromQLTestRunner(clock: ManualClock())

    private static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Upstream")

    static let scripts: [String] = {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (files ?? []).filter { $0.hasSuffix(".test") }.sorted()
    }()

    @Test(arguments: scripts) func script(_ name: String) async throws {
        let script = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        let report = await Self.runner.run(script: script, name: name)
        #expect(report.passed, Comment(rawValue: report.text))
        #expect(!report.cases.isEmpty)
    }

    @Test func `all scripts are there`() { #expect(Self.scripts.count == 21) }
}
