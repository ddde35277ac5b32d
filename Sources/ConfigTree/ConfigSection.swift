public import MetricModel

/// Strict reading of one mapping of a configuration file.
///
/// Ask for every field the section can have, then call ``finish()``: what is there and was not asked for is unknown. Whatever is
/// wrong goes to the collection of problems; the reading functions then answer as if the field were absent.
public final class ConfigSection {
    /// The fields by name, the last of a repeated one.
    private var fields: [String: ConfigNode.Entry] = [:]
    private var order: [ConfigNode.Entry] = []
    /// Entries whose name was there before.
    private var repeated: [ConfigNode.Entry] = []
    private var known: [String] = []
    private var knownSet: Set<String> = []
    /// The name of the section's type in Prometheus's messages, such as `config.ScrapeConfig`.
    public let type: String
    /// The way to the section, such as `scrape_configs[2]`; empty for the whole file.
    public let path: String
    /// Where the section stands.
    public let node: ConfigNode
    /// Where problems go.
    public let problems: ConfigProblems

    /// A section; a node that is no mapping is a problem and reads as an empty one.
    public init(_ node: ConfigNode, type: String, path: String, problems: ConfigProblems) {
        self.node = node
        self.type = type
        self.path = path
        self.problems = problems
        switch node.content {
        case .mapping(let entries): if !problems.refusesRepetitions(entries, path) { entries.forEach(take) }
        case .scalar, .sequence:
            if !node.isNull { mismatch(node, type, at: path) }
        }
    }

    private func take(_ entry: ConfigNode.Entry) {
        guard let name = entry.key.name else { return mismatch(entry.key, "string", at: path) }
        let known = fields.updateValue(entry, forKey: folded(name))
        guard let known else { return order.append(entry) }
        // What is merged and what is said override each other, and in JSON the last one counts.
        if node.format == .json || known.isMerged || entry.isMerged { return }
        repeated.append(entry)
    }

    /// The name as it is looked up: in JSON its case does not count, and the long s is an s.
    private func folded(_ name: String) -> String {
        node.format == .json ? name.lowercased().replacing("ſ", with: "s") : name
    }

    /// The way to a field of the section.
    public func path(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// Whether the field is there, be it empty.
    public func has(_ name: String) -> Bool {
        know(name)
        return fields[name] != nil
    }

    /// The node of a field, as it stands; `nil` where it is absent.
    public func node(_ name: String) -> ConfigNode? {
        know(name)
        return fields[name]?.value
    }

    private func know(_ name: String) {
        if knownSet.insert(name).inserted { known.append(name) }
    }

    // MARK: Fields of a simple type: nil where absent or wrong, the zero value where empty, as Prometheus reads them

    /// A text; numbers and truth values count as their text.
    /// - Parameter type: the type's name in messages.
    public func string(_ name: String, type: String = "string") -> String? {
        guard let node = node(name) else { return nil }
        if let text = node.string { return text }
        mismatch(node, type, at: path(name))
        return nil
    }

    /// A truth value.
    public func bool(_ name: String) -> Bool? {
        scalar(name, "bool", empty: false) { _, meaning in
            if case .bool(let value) = meaning { value } else { nil }
        }
    }

    /// A whole number that is not negative.
    public func uint(_ name: String, type: String = "uint") -> UInt64? {
        scalar(name, type, empty: 0) { _, meaning in
            switch meaning {
            case .int(let value) where value >= 0: UInt64(value)
            case .uint(let value): value
            // What is behind the point is cut off. Of a negative one each of Go's processors makes something else, which is refused here.
            case .float(let value) where value >= 0 && value < 0x1p64: UInt64(value)
            // The largest number and one is the largest number to go-yaml: a float64 does not tell them apart.
            case .float(0x1p64): .max
            default: nil
            }
        }
    }

    /// A whole number.
    public func int(_ name: String, type: String = "int") -> Int? {
        scalar(name, type, empty: 0) { _, meaning in
            switch meaning {
            case .int(let value): Int(value)
            // Go cuts off what follows the point.
            case .float(let value) where value.magnitude < 0x1p63: Int(value)
            default: nil
            }
        }
    }

    /// A number.
    public func double(_ name: String) -> Double? {
        scalar(name, "float64", empty: 0) { _, meaning in
            switch meaning {
            case .int(let value): Double(value)
            case .uint(let value): Double(value)
            case .float(let value): value
            default: nil
            }
        }
    }

    /// A duration such as `1m30s`.
    public func duration(_ name: String) -> PrometheusDuration? {
        let zero = PrometheusDuration(milliseconds: 0)
        guard let node = node(name) else { return nil }
        if problems.isPassedOver(node) { return zero }
        guard let text = string(name) else { return nil }
        do throws(PrometheusDurationError) {
            return try PrometheusDuration(parsing: text)
        } catch {
            let isBare = text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } && !text.isEmpty
            let hint = isBare ? "a duration needs a unit; did you mean \(text)s?" : "such as 1m30s"
            fail(error.message, at: name, hint: hint)
            return nil
        }
    }

    /// A size such as `10MB` (powers of 1024, with or without the `i`).
    public func size(_ name: String) -> ByteSize? {
        guard let node = node(name) else { return nil }
        if node.isNull { return ByteSize(bytes: 0) }
        guard let text = string(name, type: "units.Base2Bytes") else { return nil }
        do throws(ByteSizeError) {
            return try ByteSize(parsing: text)
        } catch {
            fail(error.message, at: name)
            return nil
        }
    }

    /// A list of texts.
    /// - Parameters:
    ///   - type: the list's type in messages.
    ///   - itemType: that of its items.
    public func strings(_ name: String, type: String = "[]string", itemType: String = "string") -> [String]? {
        items(name, type).map { texts($0, itemType, at: path(name)) }
    }

    private func texts(_ items: [ConfigNode], _ type: String, at path: String) -> [String] {
        items.enumerated().compactMap { index, item in
            if let text = item.string { return text }
            mismatch(item, type, at: "\(path)[\(index)]")
            return nil
        }
    }

    /// Names with lists of texts, in the order of the file; `nil` where absent or wrong.
    /// - Parameters:
    ///   - type: the type's name in messages.
    ///   - listType: that of its values.
    ///   - itemType: that of their items.
    public func stringLists(
        _ name: String,
        type: String,
        listType: String = "[]string",
        itemType: String = "string"
    ) -> [(key: String, values: [String])]? {
        named(name, type: type)?.map { key, node in
            guard !node.isNull else { return (key, []) }
            guard let items = node.items else {
                mismatch(node, listType, at: "\(path(name)).\(key)")
                return (key, [])
            }
            return (key, texts(items, itemType, at: "\(path(name)).\(key)"))
        }
    }

    /// Sections with names, in the order of the file.
    /// - Parameters:
    ///   - type: the type's name in messages.
    ///   - sectionType: that of its sections.
    public func namedSections(
        _ name: String,
        type: String,
        sectionType: String
    ) -> [(key: String, section: ConfigSection)] {
        (named(name, type: type) ?? []).map { key, node in
            (key, ConfigSection(node, type: sectionType, path: "\(path(name)).\(key)", problems: problems))
        }
    }

    /// Names with texts, in the order of the file.
    /// - Parameters:
    ///   - type: the type's name in messages.
    ///   - valueType: that of its values.
    public func stringMap(
        _ name: String,
        type: String,
        valueType: String = "string"
    ) -> [(key: String, value: String)]? {
        named(name, type: type)?.compactMap { key, node in
            if let value = node.string { return (key, value) }
            mismatch(node, valueType, at: "\(path(name)).\(key)")
            return nil
        }
    }

    /// What stands under each name of a mapping whose names are free, in the order of the file; `nil` where absent or wrong.
    private func named(_ name: String, type: String) -> [(key: String, node: ConfigNode)]? {
        guard let node = node(name) else { return nil }
        if node.isNull { return [] }
        guard case .mapping(let entries) = node.content else {
            mismatch(node, type, at: path(name))
            return nil
        }
        if problems.refusesRepetitions(entries, path(name)) { return [] }
        var places: [String: Int] = [:]
        var result: [(key: String, node: ConfigNode)] = []
        for entry in entries {
            guard let key = entry.key.name else {
                mismatch(entry.key, "string", at: path(name))
                continue
            }
            guard let place = places[key] else {
                places[key] = result.count
                result.append((key, entry.value))
                continue
            }
            if node.format == .json {
                result[place].node = entry.value
                continue
            }
            problems.add(
                ConfigProblem(
                    .structure,
                    "key \(GoText.quoted(key)) already set in map",
                    line: entry.key.line,
                    column: entry.key.column,
                    path: "\(path(name)).\(key)"
                )
            )
        }
        return result
    }

    // MARK: Fields that are sections

    /// A section; `nil` where the field is absent or empty.
    public func section(_ name: String, type: String) -> ConfigSection? {
        guard let node = node(name), !Self.isPassedOver(node, type) else { return nil }
        return ConfigSection(node, type: type, path: path(name), problems: problems)
    }

    /// Whether nothing is said. Types that read themselves do so through a plain one, and are handed `Null` and `NULL`.
    private static func isPassedOver(_ node: ConfigNode, _ type: String) -> Bool {
        type.hasSuffix(".plain") ? node.isPassedOver : node.isNull
    }

    /// A list of sections, `nil` for an empty item; an absent or empty field is an empty list.
    /// - Parameters:
    ///   - sectionType: the type's name in messages about the sections' own fields, where it is another one.
    ///   - listType: the list's type in messages, where it has a name.
    ///   - ofValues: whether Prometheus has a list of values and not, as mostly, of pointers: in messages.
    public func sections(
        _ name: String,
        type: String,
        sectionType: String? = nil,
        listType: String? = nil,
        ofValues: Bool = false
    ) -> [ConfigSection?] {
        (items(name, listType ?? "[]\(ofValues ? "" : "*")\(type)") ?? []).enumerated().map { index, item in
            if Self.isPassedOver(item, sectionType ?? type) { return nil }
            let path = "\(path(name))[\(index)]"
            return ConfigSection(item, type: sectionType ?? type, path: path, problems: problems)
        }
    }

    /// The sections of a text that is a list, `nil` for an empty item; a text that says nothing is an empty list.
    public static func list(of node: ConfigNode, type: String, _ problems: ConfigProblems) -> [ConfigSection?] {
        if node.isNull { return [] }
        let whole = ConfigSection(
            ConfigNode(.mapping([]), format: node.format),
            type: type,
            path: "",
            problems: problems
        )
        guard case .sequence(let items) = node.content else {
            whole.mismatch(node, "[]*\(type)", at: "")
            return []
        }
        return items.enumerated().map { index, item in
            item.isNull ? nil : ConfigSection(item, type: type, path: "[\(index)]", problems: problems)
        }
    }

    // MARK: What is wrong

    /// Reports that values do not make sense, in Prometheus's words.
    /// - Parameter entry: the entry of the field that it is about, where that is a mapping.
    public func fail(_ message: String, at name: String? = nil, entry: String? = nil, hint: String? = nil) {
        problems.add(problem(.meaning, message, at: name, entry: entry, hint: hint))
    }

    /// Refuses a field that Prometheus knows and this server does not do, if it is there and not empty.
    public func refuse(_ name: String, because reason: String) {
        guard let node = node(name), !node.isBlank else { return }
        problems.add(problem(.unsupported, "field \(name) is not supported: \(reason)", at: name))
    }

    /// Tells something about a field without refusing the file.
    public func warn(_ message: String, at name: String? = nil) {
        problems.warn(problem(.meaning, message, at: name))
    }

    /// Reports every field that nobody asked for, and those that are there twice.
    /// - Parameter isListing: whether it is told which fields there are where none is near.
    public func finish(isListing: Bool = false) {
        for entry in repeated {
            guard let name = entry.key.name, knownSet.contains(folded(name)) else { continue }
            problems.add(
                ConfigProblem(
                    .structure,
                    "field \(name) already set in type \(type)",
                    line: entry.key.line,
                    column: entry.key.column,
                    path: path(name),
                    hint: "leave one of them out"
                )
            )
        }
        // Nobody who has written a field means it by another name.
        let missing = known.filter { fields[$0] == nil }
        for entry in order + repeated {
            guard let name = entry.key.name, !knownSet.contains(folded(name)) else { continue }
            let isJSON = node.format == .json
            var problem = ConfigProblem(
                isJSON ? .decoding : .structure,
                isJSON ? "json: unknown field \(GoText.quoted(name))" : "field \(name) not found in type \(type)",
                line: entry.key.line,
                column: entry.key.column,
                path: path(name),
                hint: (DidYouMean.nearest(name, among: missing) ?? missing.first { $0.hasPrefix(name + "_") })
                    .map { "did you mean \($0)?" }
                    ?? (isListing ? "there is " + known.joined(separator: ", ") : nil)
            )
            problem.known = known
            problems.add(problem)
        }
    }

    /// A problem with its place, for those who tell it in several forms.
    /// - Parameter entry: the entry of the field that it is about, where that is a mapping.
    public func problem(
        _ kind: ConfigProblem.Kind,
        _ message: String,
        at name: String? = nil,
        entry: String? = nil,
        hint: String? = nil
    ) -> ConfigProblem {
        let field = name.flatMap { fields[$0] }
        var place = field?.key ?? node
        var path = name.map(path(_:)) ?? path
        if let entry, case .mapping(let entries)? = field?.value.content,
            let found = entries.last(where: { $0.key.name == entry })
        {
            place = found.key
            path += ".\(entry)"
        }
        return ConfigProblem(kind, message, line: place.line, column: place.column, path: path, hint: hint)
    }

    private func mismatch(_ node: ConfigNode, _ type: String, at path: String) {
        let isJSON = node.format == .json
        let field = path.lastIndex(of: ".").map { path[path.index(after: $0)...] } ?? path[...]
        let place = field.isEmpty ? "Go value" : "Go struct field .\(field)"
        var problem = ConfigProblem(
            isJSON ? .decoding : .structure,
            isJSON
                ? "json: cannot unmarshal \(node.kindForMessages) into \(place) of type \(type)"
                : "cannot unmarshal \(node.kindForMessages) into \(type)",
            line: node.line,
            column: node.column,
            path: path
        )
        problem.expectedType = type
        problem.given = node.kindInWords
        problems.add(problem)
    }

    private func scalar<Value>(
        _ name: String,
        _ type: String,
        empty: Value,
        _ read: (ConfigNode.Scalar, ConfigNode.Meaning) -> Value?
    ) -> Value? {
        guard let node = node(name) else { return nil }
        if case .scalar(let scalar) = node.content {
            let meaning = scalar.meaning
            if meaning == .null { return empty }
            if let value = read(scalar, meaning) { return value }
        }
        mismatch(node, type, at: path(name))
        return nil
    }

    private func items(_ name: String, _ type: String) -> [ConfigNode]? {
        guard let node = node(name) else { return nil }
        if node.isNull { return [] }
        guard case .sequence(let items) = node.content else {
            mismatch(node, type, at: path(name))
            return nil
        }
        return items
    }
}
