import ConfigTree
import MetricModel
import Rules
import Scrape
import Simulation

extension FuzzTarget {
    /// The tree of a text in YAML.
    private static func tree(_ body: [UInt8], _ dialect: YAMLReader.Dialect = .configuration) -> ConfigNode? {
        try? YAMLReader.parse(body, file: "fuzz.yml", dialect: dialect)
    }

    /// Nothing is there to be read, and faults are all taken.
    private static var surroundings: Scenario.Surroundings {
        Scenario.Surroundings(
            read: { _ in nil },
            moment: { RFC3339.parse(Array($0.utf8)).map { $0.seconds * 1000 } },
            checkFault: { _ throws(ConfigError) in }
        )
    }

    static let configuration: [FuzzTarget] = [
        FuzzTarget(surviving: "yaml") { body in
            for dialect in [YAMLReader.Dialect.configuration, .rules] {
                do throws(ConfigError) {
                    _ = "\(try YAMLReader.parse(body, file: "fuzz.yml", dialect: dialect))"
                } catch {
                    _ = error.description
                }
            }
        },
        FuzzTarget(surviving: "json") { body in
            do throws(ConfigError) {
                _ = "\(try JSONReader.parse(body, file: "fuzz.json"))"
            } catch {
                _ = error.description
            }
        },
        FuzzTarget(surviving: "config") { body in
            guard let node = tree(body) else { return }
            let problems = ConfigProblems(file: "fuzz.yml")
            let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
            let config = PrometheusConfig(reading: root, context: ConfigContext())
            root.finish()
            do throws(ConfigError) {
                try problems.throwIfAny()
                _ = config.yaml
            } catch {
                _ = error.description
            }
        },
        FuzzTarget(surviving: "target-groups") { body in
            for format in [ConfigNode.Format.json, .yaml] {
                _ = try? TargetGroupFile.groups(body, source: "fuzz", format: format, metaLabel: "__meta_filepath")
            }
        },
        FuzzTarget(surviving: "rules") { body in
            guard let node = tree(body, .rules) else { return }
            do throws(RuleFile.Failure) {
                let file = try RuleFile(reading: node, file: "fuzz.yml")
                _ = RuleLint.duplicates(in: file)
            } catch {
                _ = error.description
            }
        },
        FuzzTarget(surviving: "rule-tests") { body in
            if let node = tree(body, .rules) {
                _ = try? RuleTestFile(reading: node, file: "fuzz.yml", isExtended: true)
            }
        },
        FuzzTarget(surviving: "scenario") { body in
            guard let node = tree(body) else { return }
            do throws(ConfigError) {
                _ = try Scenario(reading: node, file: "fuzz.yml", surroundings)
            } catch {
                _ = error.description
            }
        },
    ]
}
