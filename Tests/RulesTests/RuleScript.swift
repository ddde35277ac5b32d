import Foundation
import ConfigTree
import MetricModel
import PromQL
import Rules

/// Rule files and unit tests of rules, written as JSON.
enum RuleScript {
    /// A tree as a configuration file would have it.
    static func node(_ json: String) throws -> ConfigNode {
        node(of: try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed))
    }

    private static func node(of value: Any) -> ConfigNode {
        switch value {
        case let map as [String: Any]:
            ConfigNode(
                .mapping(
                    map.sorted { $0.key < $1.key }.map {
                        .init(key: ConfigNode(.scalar(.init($0.key))), value: node(of: $0.value))
                    }
                )
            )
        case let list as [Any]: ConfigNode(.sequence(list.map(node(of:))))
        case is NSNull: ConfigNode(.scalar(.init("null")))
        case let text as String: ConfigNode(.scalar(.init(text, isPlain: false)))
        default: ConfigNode(.scalar(.init("\(value)")))
        }
    }

    static func rules(_ json: String) throws -> RuleFile { try RuleFile(reading: node(json), file: "rules.yml") }

    /// What fails of a test of rules.
    static func failures(_ rules: String, _ test: String, isExtended: Bool = true) async throws -> [String] {
        let file = try RuleTestFile(reading: node(test), file: "test.yml", isExtended: isExtended)
        let read = try self.rules(rules)
        let results = await RuleTestRunner(clock: ManualClock()).run(file, rules: { .success([read]) })
        return results.flatMap(\.failures)
    }
}
