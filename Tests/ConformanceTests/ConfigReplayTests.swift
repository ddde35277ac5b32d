import ConfigTree
import Foundation
import Scrape
import Testing

/// How a real Prometheus shows configurations.
@Suite(.timeLimit(.minutes(5))) struct ConfigReplayTests {
    struct Row: Decodable, Sendable {
        var config: String
        var shown: String
    }

    private func shown(_ text: String) throws -> String {
        let problems = ConfigProblems(file: "/c/config.yml")
        let node = try YAMLReader.parse(Array(text.utf8), file: "/c/config.yml")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        let config = PrometheusConfig(reading: root, context: ConfigContext(directory: "/c"))
        root.finish()
        try problems.throwIfAny()
        return config.yaml
    }

    @Test func `configurations are shown as Prometheus shows them`() throws {
        let recording = try Recording<Row>("configs")
        let known = try Differences.known.get()
        #expect(recording.rows.count > 150)
        for row in recording.rows {
            let ours = known.rewritten(config: try shown(row.config))
            let theirs = known.rewritten(config: row.shown)
            #expect(ours == theirs, "\(row.config)")
        }
    }

    @Test func `what is shown reads as what it was made of`() throws {
        for row in try Recording<Row>("configs").rows {
            let once = try shown(row.config)
            #expect(try shown(once) == once, "\(row.config)")
        }
    }
}
