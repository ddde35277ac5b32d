import Foundation
import Promenade
import Simulation
import Testing

/// The scenarios that the project ships.
@Suite(.timeLimit(.minutes(5))) struct ScenarioTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "scenarios")

    static let files: [String] = {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        // What belongs to them are rules and unit tests of rules.
        return all.filter { $0.hasSuffix(".yml") && !["ci/alerts.yml", "ci/promtool.yml"].contains($0) }.sorted()
    }()

    @Test func `there are enough to learn from`() { #expect(Self.files.count >= 15) }

    @Test(arguments: files) func `holds what it expects`(_ name: String) async throws {
        let scenario = try ScenarioFile.read(Self.folder.path + "/" + name)
        #expect(!scenario.expectations.isEmpty)
        let options = World.Options(seed: scenario.seed)
        let report = try await WorldThread.run { try await WorldStudy.report(scenario, options) }
        #expect(report.isGood, "\(report.text)")
    }
}
