package import ConfigTree
import MetricModel

/// Reads lists of target groups, as discovery files and discovery servers give them.
package enum TargetGroupFile {
    /// The most bytes of labels that the targets of a text have together, each with those of its group: few bytes can make many.
    private static let labelLimit = 64 << 20
    /// The most values and names of fields that a text has.
    private static let nodeLimit = 1_000_000
    /// The most groups, and the most targets of all groups together.
    private static let targetLimit = 200_000
    /// The most labels of a group.
    private static let groupLimit = 1000

    /// The groups of a text.
    /// - Parameters:
    ///   - source: what the groups are from; it becomes part of their names and the value of their label `metaLabel`.
    ///   - file: how messages call it, where that is not the source: a URL may hold a password.
    /// - Throws: ``ConfigError`` with everything that is wrong.
    package static func groups(
        _ bytes: [UInt8],
        source: String,
        file: String? = nil,
        format: ConfigNode.Format,
        metaLabel: String
    ) throws(ConfigError) -> [TargetGroup] {
        let file = file ?? source
        let problems = ConfigProblems(file: file)
        let node: ConfigNode
        switch format {
        case .json: node = try JSONReader.parse(bytes, file: file, limit: nodeLimit)
        case .yaml: node = try YAMLReader.parse(bytes, file: file, limit: nodeLimit)
        }
        var result: [TargetGroup] = []
        var bytes = 0
        var targets = 0
        func refuse(_ message: String) { problems.add(ConfigProblem(.meaning, message)) }
        for (index, section) in ConfigSection.list(of: node, type: "targetgroup.Group", problems).enumerated() {
            if problems.isFull { break }
            if index & 1023 == 1023, TaskLimit.isOver || Task.isCancelled {
                refuse("reading it was given up")
                break
            }
            if index >= targetLimit {
                refuse("it has more than \(targetLimit) groups")
                break
            }
            guard let section else {
                refuse("nil target group item found (index \(index))")
                continue
            }
            var group = TargetGroup(reading: section, source: "\(source):\(index)")
            if group.labels.count > groupLimit {
                refuse("group \(index) has more than \(groupLimit) labels")
                break
            }
            targets += group.targets.count
            if targets > targetLimit {
                refuse("it has more than \(targetLimit) targets")
                break
            }
            group.labels.removeAll { $0.name == metaLabel }
            group.labels.append(Label(name: metaLabel, value: source))
            result.append(group)
            let shared = group.labels.reduce(0) { $0 + $1.byteCount }
            for target in group.targets { bytes += target.reduce(shared) { $0 + $1.byteCount } }
            if bytes > labelLimit {
                refuse("its targets have more than \(labelLimit >> 20) MiB of labels, each with those of its group")
                break
            }
        }
        try problems.throwIfAny()
        return result
    }

    /// What a file is written in, by its name.
    static func format(of path: String) -> ConfigNode.Format { path.lowercased().hasSuffix(".json") ? .json : .yaml }
}

/// Why discovery failed.
package struct DiscoveryError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
