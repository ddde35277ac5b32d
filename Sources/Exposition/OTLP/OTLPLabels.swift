import MetricModel

/// Labels of series: attributes of the point, what the resource and the scope add, names and values as they have to be.
struct OTLPLabels {
    /// The family at hand with what is said of it.
    var family: (name: String, metadata: MetricMetadata) = ("", MetricMetadata())
    /// Attributes of different names that became one label, in words.
    private(set) var collisions: [String] = []
    /// How often that was so.
    private(set) var collisionCount = 0

    private let settings: OTLPTranslator.Settings
    private var namer: OTLPLabelNamer
    private var job = ""
    private var instance = ""
    private var promoted: [Label] = []
    private var scope: [Label] = []
    private var collided: Set<String> = []

    /// So many labels are looked through one by one.
    private static let listed = 32
    private static let identifying = ["service.namespace", "service.name", "service.instance.id"]

    init(_ settings: OTLPTranslator.Settings) {
        self.settings = settings
        namer = OTLPLabelNamer(
            escapes: settings.strategy.escapes,
            marksUnderscores: settings.marksUnderscores,
            keepsUnderscores: settings.keepsUnderscores
        )
    }

    /// Whether an attribute is told by `job` and `instance`.
    static func isIdentifying(_ key: String) -> Bool { identifying.contains { $0.hasSameBytes(as: key) } }

    // MARK: Where the points are

    mutating func enter(_ resource: OTLPMetrics.Resource) throws(ExpositionError) {
        func value(_ key: String) -> String? { resource.attributes.first { $0.name.hasSameBytes(as: key) }?.value }
        job = value("service.name") ?? ""
        if value("service.name") != nil, let namespace = value("service.namespace") { job = namespace + "/" + job }
        instance = value("service.instance.id") ?? ""
        scope = []
        var found = LabelsBuilder()
        for attribute in resource.attributes {
            let isPromoted =
                settings.promotesAll
                ? !settings.ignored.contains(attribute.name) : settings.promoted.contains(attribute.name)
            if isPromoted { found.set(try namer.name(attribute.name), attribute.value) }
        }
        promoted = found.current
    }

    mutating func enter(_ new: OTLPMetrics.Scope) throws(ExpositionError) {
        scope = []
        guard settings.promotesScope, !new.name.isEmpty else { return }
        var found = LabelsBuilder()
        for attribute in new.attributes {
            found.set(try namer.name("otel_scope_" + attribute.name), attribute.value)
        }
        found.set("otel_scope_name", new.name)
        found.set("otel_scope_version", new.version)
        found.set("otel_scope_schema_url", new.schemaURL)
        scope = found.current
    }

    // MARK: Sets

    /// The labels of a point of the family at hand, without its name.
    mutating func base(_ attributes: [Label]) throws(ExpositionError) -> [Label] {
        var result = try named(attributes) { Labels.metricName.hasSameBytes(as: $0) }
        if promoted.count + scope.count > Self.listed {
            addMany(to: &result)
        } else {
            for label in promoted where !result.contains(where: { $0.name.hasSameBytes(as: label.name) }) {
                result.append(label)
            }
            addIdentity(to: &result)
            for label in scope { Self.set(label.name, label.value, in: &result) }
        }
        if settings.addsTypeAndUnit {
            let metadata = family.metadata
            if metadata.type != .unknown { Self.set("__type__", metadata.type.rawValue, in: &result) }
            if !metadata.unit.isEmpty { Self.set("__unit__", metadata.unit, in: &result) }
        }
        return result
    }

    /// Adds what the resource and the scope have, where that is much.
    private func addMany(to labels: inout [Label]) {
        var builder = LabelsBuilder()
        for label in promoted { builder.set(label.name, label.value) }
        for label in labels { builder.set(label.name, label.value) }
        if !job.isEmpty { builder.set("job", job) }
        if !instance.isEmpty { builder.set("instance", instance) }
        for label in scope { builder.set(label.name, label.value) }
        labels = builder.current
    }

    /// A base with the name of a series and one more label.
    static func series(_ base: [Label], name: String, _ extra: Label? = nil) -> Labels {
        var labels = base
        if let extra { set(extra.name, extra.value, in: &labels) }
        set(Labels.metricName, name, in: &labels)
        return LabelsBuilder.encoded(&labels)
    }

    /// The labels of the series that tells about a resource; `nil` where nobody could find it.
    mutating func info(_ resource: OTLPMetrics.Resource, name: String) throws(ExpositionError) -> Labels? {
        let keepsIdentifying = settings.keepsIdentifying
        var result = try named(resource.attributes) { key in !keepsIdentifying && Self.isIdentifying(key) }
        addIdentity(to: &result)
        guard result.contains(where: { $0.name == "job" || $0.name == "instance" }) else { return nil }
        return Self.series(result, name: name)
    }

    private func addIdentity(to labels: inout [Label]) {
        if !job.isEmpty { Self.set("job", job, in: &labels) }
        if !instance.isEmpty { Self.set("instance", instance, in: &labels) }
    }

    /// Attributes as labels, sorted by key. Where several become one, their values stand in a row.
    private mutating func named(
        _ attributes: [Label],
        without isLeftOut: (String) -> Bool
    ) throws(ExpositionError) -> [Label] {
        var kept = attributes.filter { !isLeftOut($0.name) }
        if !Self.isSorted(kept) {
            kept.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        }
        var labels: [Label] = []
        labels.reserveCapacity(kept.count + promoted.count + scope.count + 4)
        // The places of the labels, where there are many.
        var places: [ExactText: Int] = [:]
        func place(of name: String) -> Int? {
            if kept.count > Self.listed { return places[ExactText(name)] }
            return labels.firstIndex { $0.name.hasSameBytes(as: name) }
        }
        for attribute in kept {
            if !settings.strategy.escapes {
                // Those of the same name stand together.
                if let last = labels.last, last.name.hasSameBytes(as: attribute.name) { labels.removeLast() }
                if !attribute.value.isEmpty { labels.append(attribute) }
                continue
            }
            let name = try namer.name(attribute.name)
            if let index = place(of: name) {
                labels[index].value += ";" + attribute.value
                note(collisionOf: kept, in: name)
            } else if !attribute.value.isEmpty {
                if kept.count > Self.listed { places[ExactText(name)] = labels.count }
                labels.append(Label(name: name, value: attribute.value))
            }
        }
        return labels
    }

    private mutating func note(collisionOf attributes: [Label], in name: String) {
        collisionCount += 1
        guard collided.count < 100, collided.insert(name).inserted else { return }
        let keys = attributes.map(\.name).filter { key in (try? namer.name(key)).map { $0 == name } ?? false }
        collisions.append(
            "OTLP attributes \(keys.map(GoText.quoted).joined(separator: ", ")) collide as label \(GoText.quoted(name)) "
                + "after name sanitization, values are concatenated with ';'"
        )
    }

    private static func isSorted(_ attributes: [Label]) -> Bool {
        for index in attributes.indices.dropFirst()
        where attributes[index].name.utf8.lexicographicallyPrecedes(attributes[index - 1].name.utf8) { return false }
        return true
    }

    /// Sets a label; an empty value removes it.
    static func set(_ name: String, _ value: String, in labels: inout [Label]) {
        if let index = labels.firstIndex(where: { $0.name.hasSameBytes(as: name) }) {
            if value.isEmpty { labels.remove(at: index) } else { labels[index].value = value }
        } else if !value.isEmpty {
            labels.append(Label(name: name, value: value))
        }
    }
}
