public import MetricModel

/// What a registry asks for its metrics: a single metric, a vector of them, or something that looks elsewhere (a process).
public protocol MetricCollector: AnyObject, Sendable {
    /// The families that ``collect()`` can answer, with their label names, so that a registry can refuse a conflict at once.
    var descriptors: [MetricDescriptor] { get }
    /// The families as they are now. Families of the same name from several collectors are merged by the registry.
    func collect() -> [MetricFamily]
}

/// Name, meaning and labels of a metric family.
public struct MetricDescriptor: Hashable, Sendable {
    /// The family's name.
    public var name: String
    /// What it means.
    public var help: String
    /// The kind.
    public var type: MetricType
    /// The names of the variable labels, in the order in which values are given.
    public var labelNames: [String]
    /// Labels that every metric of the family has.
    public var constantLabels: [String: String]

    /// A descriptor.
    public init(
        name: String,
        help: String,
        type: MetricType,
        labelNames: [String] = [],
        constantLabels: [String: String] = [:]
    ) {
        self.name = name
        self.help = help
        self.type = type
        self.labelNames = labelNames
        self.constantLabels = constantLabels
    }

    /// The labels of the metric with these values of the variable labels, sorted by name.
    func labels(_ values: [String]) -> [Label] {
        var labels = zip(labelNames, values).map { Label(name: $0, value: $1) }
        labels += constantLabels.map { Label(name: $0.key, value: $0.value) }
        return labels.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// What is wrong with the descriptor; `nil` where nothing is.
    var problem: String? {
        if name.isEmpty { return "a metric needs a name" }
        var seen: Set<String> = []
        for label in labelNames + constantLabels.keys {
            if label.isEmpty || label.hasPrefix("__") {
                return
                    "metric \(name): \(GoText.quoted(label)) is not a label name of your own (those begin with no double underscore)"
            }
            if !seen.insert(label).inserted { return "metric \(name): label \(label) is named twice" }
        }
        return nil
    }
}

/// Something that answers metric families: a registry, or several of them.
public protocol MetricGatherer: Sendable {
    /// All families, sorted by name; their metrics sorted by labels.
    /// - Throws: ``MetricRegistrationError`` where two collectors contradict each other.
    func gather() throws(MetricRegistrationError) -> [MetricFamily]
}
