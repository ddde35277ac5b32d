import MetricModel

/// Reads lists of target groups, as discovery files and discovery servers give them.
enum TargetGroupFile {
    /// The groups of a file.
    /// - Throws: what is wrong, in words.
    static func groups(
        _ bytes: [UInt8],
        file: String,
        source: String,
        metaLabel: String,
        parse: YAMLParser
    ) throws(DiscoveryError) -> [TargetGroup] {
        do throws(ConfigError) {
            let node = try parse(bytes, file)
            if node.isNull { return [] }
            guard case .sequence(let items) = node.content else {
                throw ConfigError(
                    file: file,
                    problems: [ConfigProblem(.structure, "a list of target groups is wanted", line: node.line)]
                )
            }
            let problems = ConfigProblems(file: file)
            var result: [TargetGroup] = []
            for (index, item) in items.enumerated() {
                if item.isNull {
                    problems.add(ConfigProblem(.meaning, "nil target group item found (index \(index))"))
                    continue
                }
                let section = ConfigSection(item, type: "targetgroup.Group", path: "[\(index)]", problems: problems)
                var group = TargetGroup(reading: section, source: "\(source):\(index)")
                group.labels.removeAll { $0.name == metaLabel }
                group.labels.append(Label(name: metaLabel, value: source))
                result.append(group)
            }
            try problems.throwIfAny()
            return result
        } catch {
            throw DiscoveryError(error.description)
        }
    }
}

/// Why discovery failed.
struct DiscoveryError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
