public import MetricModel
import Yams

/// Reads YAML into nodes that remember their places.
public enum YAMLReader {
    /// Parses a text.
    /// - Throws: ``ConfigError`` where it is not YAML.
    public static func parse(_ text: [UInt8], file: String) throws(ConfigError) -> ConfigNode {
        do {
            guard let root = try compose(yaml: String(decoding: text, as: UTF8.self)) else {
                return ConfigNode(.scalar(ConfigNode.Scalar("")))
            }
            return convert(root)
        } catch let error as YamlError {
            throw ConfigError(file: file, problems: [problem(error)])
        } catch {
            throw ConfigError(file: file, problems: [ConfigProblem(.structure, "\(error)")])
        }
    }

    private static func problem(_ error: YamlError) -> ConfigProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ConfigProblem(.structure, problem, line: mark.line, column: mark.column)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            return ConfigProblem(.structure, "mapping key \(names) already defined", line: context.mark.line)
        default: return ConfigProblem(.structure, "\(error)")
        }
    }

    private static func convert(_ node: Node) -> ConfigNode {
        let mark = node.mark
        let content: ConfigNode.Content =
            switch node {
            case .scalar(let scalar):
                .scalar(
                    ConfigNode.Scalar(
                        scalar.string,
                        isPlain: scalar.style == .plain || scalar.style == .any,
                        tag: scalar.tag.description.isEmpty ? nil : scalar.tag.description
                    )
                )
            case .sequence(let sequence): .sequence(sequence.map(convert))
            case .mapping(let mapping):
                .mapping(mapping.map { ConfigNode.Entry(key: convert($0.key), value: convert($0.value)) })
            case .alias(let alias): .scalar(ConfigNode.Scalar("*" + alias.anchor.rawValue, isPlain: false))
            }
        return ConfigNode(content, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }
}
