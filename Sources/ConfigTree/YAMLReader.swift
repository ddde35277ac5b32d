/// Reads YAML into nodes that remember their places, as go-yaml reads it: the first document, with anchors, aliases and merge keys
/// carried out.
public enum YAMLReader {
    /// Whose rules count where go-yaml's versions differ.
    public enum Dialect: Sendable, Hashable {
        /// Version 2, which reads Prometheus's configuration: merge keys and fields override each other in the order of the file.
        case configuration
        /// Version 3, which reads rule files: what is said at a place always overrides what is merged into it, and a second
        /// document is passed over.
        case rules
    }

    /// Parses a text. A second document may be there as long as it says nothing.
    /// - Parameter limit: how many nodes may be written in it.
    /// - Throws: ``ConfigError`` where it is not YAML, not UTF-8, or says more than can be read with reason (aliases of aliases).
    public static func parse(
        _ text: [UInt8],
        file: String,
        dialect: Dialect = .configuration,
        limit: Int = ConfigNode.countLimit
    ) throws(ConfigError) -> ConfigNode {
        do throws(ConfigProblem) {
            let stream = YAMLEventStream(text, dialect)
            var composer = YAMLComposer(stream, dialect, limit)
            let root = try composer.document()
            switch dialect {
            case .configuration: try refuseMore(after: stream, dialect, limit)
            case .rules: break
            }
            return root ?? ConfigNode(.scalar(ConfigNode.Scalar("")))
        } catch {
            throw ConfigError(file: file, problems: [error])
        }
    }

    /// Empty documents behind the first one are what templates leave; one that says something would be ignored without a word.
    private static func refuseMore(
        after stream: YAMLEventStream,
        _ dialect: Dialect,
        _ limit: Int
    ) throws(ConfigProblem) {
        while true {
            let next: ConfigNode?
            do throws(ConfigProblem) {
                var composer = YAMLComposer(stream, dialect, limit)
                next = try composer.document()
            } catch {
                throw second(error.line)
            }
            guard let next else { return }
            if !next.isNull { throw second(next.line) }
        }
    }

    private static func second(_ line: Int?) -> ConfigProblem {
        let place = line.map { " in line \($0)" } ?? ""
        let message = "a second document begins\(place), but only the first document of a file is read"
        return ConfigProblem(
            .syntax,
            message,
            line: line,
            hint: "remove it, or the line with --- before it",
            original: "yaml: " + message
        )
    }
}

extension ConfigProblem: Error {}
