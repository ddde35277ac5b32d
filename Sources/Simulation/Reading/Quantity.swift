package import ConfigTree
package import MetricModel

/// Quantities as people write them in a scenario. Each reading function reports what is wrong and what would be right, and then
/// answers `nil`, as for a field that is absent.
enum Quantity {
    private static let perUnits: [(String, Double)] = [
        ("s", 1), ("m", 60), ("min", 60), ("h", 3600), ("d", 86400),
    ]
    private static let timeUnits: [(String, Double)] = [
        ("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400),
    ]

    /// A number and what follows it.
    private static func split(_ text: String) -> (number: Double, unit: String)? {
        let end = text.firstIndex { !"+-.0123456789eE".contains($0) } ?? text.endIndex
        guard let number = Double(text[..<end]), number.isFinite else { return nil }
        return (number, String(text[end...]).filter { $0 != " " })
    }

    /// So often a second: `20/s`, `5/m`, `1/h`, `2/d`; a bare number is a second's.
    static func rate(_ text: String) -> Double? {
        guard let (number, unit) = split(text), number >= 0 else { return nil }
        if unit.isEmpty { return number }
        guard unit.hasPrefix("/"), let per = perUnits.first(where: { $0.0 == unit.dropFirst() }) else { return nil }
        return number / per.1
    }

    /// A change a second, which may be negative: `3/h`, `-1/m`.
    static func drift(_ text: String) -> Double? {
        if text.hasPrefix("-") { return rate(String(text.dropFirst())).map { -$0 } }
        return rate(text)
    }

    /// A share: `60%`, `0.6`.
    static func share(_ text: String) -> Double? {
        guard let (number, unit) = split(text) else { return nil }
        switch unit {
        case "": return number
        case "%": return number / 100
        default: return nil
        }
    }

    /// A value: a number, a percentage, or a time in seconds (`80ms`).
    static func value(_ text: String) -> Double? {
        guard let (number, unit) = split(text) else { return nil }
        if unit.isEmpty { return number }
        if unit == "%" { return number / 100 }
        return timeUnits.first { $0.0 == unit }.map { number * $0.1 }
    }

    /// A number that is a time in seconds, in people's units: `80ms`, `1m30s`, `2.5s`.
    static func seconds(_ value: Double) -> String {
        let milliseconds = value * 1000
        guard milliseconds == milliseconds.rounded(), milliseconds >= 1, milliseconds < 1e15 else {
            return GoNumber.text(value, .shortest) + "s"
        }
        return PrometheusDuration(milliseconds: Int64(milliseconds)).description
    }

    /// So often a second, in the first unit in which few decimals tell it: `20/s`, `2.5/s`, `5/m`.
    static func rateText(_ rate: Double) -> String {
        for (unit, seconds) in [("s", 1.0), ("m", 60), ("h", 3600)] {
            // Products of sixties and quotients by them are a hair beside what was written.
            let number = (rate * seconds * 1e6).rounded() / 1e6
            guard number == (number * 100).rounded() / 100, number > 0 || rate == 0 else { continue }
            return "\(GoNumber.text(number, .shortest))/\(unit)"
        }
        return GoNumber.text(rate, .shortest) + "/s"
    }

    /// A moment or span of the scenario in nanoseconds: `5m`, `1h30m`, `250ms`.
    static func time(_ text: String) -> Int64? {
        guard let span = try? PrometheusDuration(parsing: text) else { return nil }
        let (nanoseconds, isTooLong) = span.milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return isTooLong ? nil : nanoseconds
    }

    /// `2m` or, for any moment between two, `2m..20m`.
    static func times(_ text: String) -> ClosedRange<Int64>? {
        guard let dots = text.firstRange(of: "..") else { return time(text).map { $0...$0 } }
        guard let first = time(String(text[..<dots.lowerBound])), let last = time(String(text[dots.upperBound...])),
            first <= last
        else { return nil }
        return first...last
    }
}

extension ConfigSection {
    /// The text of a field; a list or a mapping in its place is told to be no such thing.
    private func text(_ name: String, _ form: String) -> String? {
        guard let node = node(name) else { return nil }
        if let text = node.string { return text }
        fail("\(node.kindInWords) is not \(form)", at: name)
        return nil
    }

    /// Reads a field of a form.
    func quantity<Value>(_ name: String, _ form: String, _ read: (String) -> Value?) -> Value? {
        guard let text = text(name, form) else { return nil }
        if let value = read(text) { return value }
        fail("\(GoText.quoted(text)) is not \(form)", at: name)
        return nil
    }

    func rate(_ name: String) -> Double? {
        guard let rate = quantity(name, "a rate such as 20/s, 5/m or 1/h", Quantity.rate) else { return nil }
        if rate <= MetricSpec.rateLimit { return rate }
        fail("\(GoText.quoted(string(name) ?? "")) is more than a thousand million a second", at: name)
        return nil
    }

    func share(_ name: String) -> Double? {
        guard let share = quantity(name, "a share such as 5% or 0.05", Quantity.share) else { return nil }
        if (0...1).contains(share) { return share }
        fail("\(GoText.quoted(string(name) ?? "")) is not between 0% and 100%", at: name)
        return nil
    }

    func amount(_ name: String) -> Double? {
        quantity(name, "a number such as 12, 60% or 80ms", Quantity.value)
    }

    func time(_ name: String) -> Int64? {
        guard let time = quantity(name, "a time such as 5m, 1h30m or 250ms", Quantity.time) else { return nil }
        return isShort(time, name) ? time : nil
    }

    func times(_ name: String) -> ClosedRange<Int64>? {
        let form = "a time such as 5m, or a span such as 5m..10m, the shorter first"
        guard let times = quantity(name, form, Quantity.times) else { return nil }
        return isShort(times.upperBound, name) ? times : nil
    }

    /// Reports a time that no scenario has, so that what is reckoned with times stays within their range.
    private func isShort(_ time: Int64, _ name: String) -> Bool {
        if time <= Scenario.longest { return true }
        fail("\(GoText.quoted(string(name) ?? "")) is more than ten years", at: name)
        return false
    }

    func whole(_ name: String) -> Int? { quantity(name, "a whole number such as 3") { Int($0) } }

    func flag(_ name: String) -> Bool? {
        quantity(name, "true or false") { ["true": true, "yes": true, "false": false, "no": false][$0.lowercased()] }
    }

    /// Whether a field was probably meant to be one of these, which are not there.
    func hasSlip(of names: [String]) -> Bool {
        let given = fieldPlaces.keys
        return names.contains { !has($0) && DidYouMean.nearest($0, among: given) != nil }
    }

    /// Whether a field is there that is none of these, which is told of itself.
    func hasUnknown(besides known: [String]) -> Bool { fieldPlaces.keys.contains { !known.contains($0) } }

    /// Whether a field was told that nobody knows, which may have been meant to be another one.
    var hasToldUnknown: Bool {
        problems.problems.contains { problem in
            problem.file == nil && !problem.known.isEmpty && problem.path.hasPrefix(path + ".")
                && !problem.path.dropFirst(path.count + 1).contains(".")
        }
    }

    /// Whether it has fields, or says nothing: what else stands there is told, and no field of it is missing as well.
    var isReadable: Bool {
        if case .mapping = node.content { return true }
        return node.isNull
    }

    /// Reports that a field is missing, or what probably stands in its place.
    func missing(_ name: String, hint: String?) {
        if !isReadable { return }
        if let node = node(name) {
            // What is no text is told by who reads it.
            if node.string != nil { fail("the field is empty", at: name, hint: hint) }
            return
        }
        let given = fieldPlaces.keys.sorted()
        guard let near = DidYouMean.nearest(name, among: given) else {
            return fail("the field \(name) is missing", hint: hint)
        }
        // Asked for, it is not told once more as one that nobody knows.
        guard has(near) else { return }
        fail("field \(near) not found in type \(type)", at: near, hint: "did you mean \(name)?")
    }

    /// A word out of a list.
    func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) -> Word?
    where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue)
        guard let text = text(name, "one of " + words.joined(separator: ", ")) else { return nil }
        if let word = Word(rawValue: text) { return word }
        if text.isEmpty {
            fail("the field is empty", at: name, hint: "there is " + words.joined(separator: ", "))
            return nil
        }
        unknown(text, "\(name)", words, at: name)
        return nil
    }

    /// Reports a word that is not in a list.
    func unknown(_ text: String, _ what: String, _ known: [String], at name: String? = nil) {
        let meant = DidYouMean.nearest(text, among: known).map { "did you mean \($0)? " } ?? ""
        let list = known.isEmpty ? "there is none" : "there is " + Self.list(known)
        fail("there is no \(what) \(GoText.quoted(text))", at: name, hint: meant + list)
    }

    /// Names that there are, of many only some.
    static func list(_ names: [String]) -> String {
        names.prefix(20).joined(separator: ", ") + (names.count > 20 ? " and \(names.count - 20) more" : "")
    }

    /// Labels, sorted by name.
    func labels(_ name: String) -> [Label] {
        if let node = node(name), !node.isNull {
            guard case .mapping = node.content else {
                let words = "\(node.kindInWords) is not a mapping from names to values"
                fail(words, at: name, hint: "\(name): {zone: a}")
                return []
            }
        }
        let labels = (stringMap(name, type: "map[string]string") ?? []).map { Label(name: $0.key, value: $0.value) }
        for label in labels { checkLabel(label.name, at: name) }
        return labels.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Reports a name that no label can have.
    func checkLabel(_ label: String, at field: String) {
        let isGood = label.utf8.enumerated().allSatisfy { index, byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || byte == UInt8(ascii: "_")
                || index > 0 && UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        }
        if isGood, !label.isEmpty, label != Labels.metricName { return }
        let words = "\(GoText.quoted(label)) is no name of a label"
        fail(words, at: field, entry: label, hint: "letters, digits and _, but not __name__")
    }

    /// The entries of a mapping, each as a section.
    func named(_ name: String, type: String) -> [(name: String, section: ConfigSection)] {
        guard let node = node(name), !node.isNull else { return [] }
        guard case .mapping(let entries) = node.content else {
            let words = "\(node.kindInWords) is not a mapping from names to what they are"
            fail(words, at: name, hint: "\(name): {NAME: {…}}")
            return []
        }
        var found: [(name: String, section: ConfigSection)] = []
        // What is merged is overridden by what is said, and the other way round, in the order of the file.
        var places: [String: (index: Int, isMerged: Bool)] = [:]
        for entry in entries {
            func wrong(_ words: String, _ path: String, _ hint: String) {
                problems.add(
                    ConfigProblem(
                        .meaning,
                        words,
                        line: entry.key.line,
                        column: entry.key.column,
                        path: path,
                        hint: hint
                    )
                )
            }
            guard let key = entry.key.name, !key.isEmpty else {
                wrong("a \(type) has no name", path(name), "a text before the colon")
                continue
            }
            if let before = places[key], !before.isMerged, !entry.isMerged {
                wrong("there are two called \(GoText.quoted(key))", "\(path(name)).\(key)", "another name")
                continue
            }
            // Where the section itself is wrong it is told by the place of its name.
            let value = ConfigNode(
                entry.value.content,
                line: entry.key.line,
                column: entry.key.column,
                format: entry.value.format
            )
            let section = ConfigSection(value, type: type, path: "\(path(name)).\(key)", problems: problems)
            if let before = places[key] {
                found[before.index].section = section
            } else {
                found.append((key, section))
            }
            places[key] = (places[key]?.index ?? found.count - 1, entry.isMerged)
        }
        return found
    }

    /// The items of a list, each as a section; one that says nothing is told.
    func list(_ name: String, type: String) -> [ConfigSection] {
        sections(name, type: type).enumerated().compactMap { index, section in
            if let section { return section }
            let item = node(name)?.items?[index]
            problems.add(
                ConfigProblem(
                    .meaning,
                    "nothing stands here",
                    line: item?.line,
                    column: item?.column,
                    path: "\(path(name))[\(index)]",
                    hint: "\(["a", "e", "i", "o"].contains(type.first) ? "an" : "a") \(type), or leave the item out"
                )
            )
            return nil
        }
    }

    /// Where the fields stand, for what can be said of them only when all is read.
    var fieldPlaces: [String: FieldPlace] {
        guard case .mapping(let entries) = node.content else { return [:] }
        return Dictionary(entries.map { ($0.key.name ?? "", FieldPlace($0.key)) }) { $1 }
    }

    /// Reports a moment that never comes.
    /// - Parameter latest: when the scenario ends.
    func checkTime(_ time: Int64?, at name: String, latest: Int64) {
        guard let time, time > latest else { return }
        fail("this is after the end of the scenario", at: name, hint: Scenario.lasts(latest))
    }
}

extension ConfigNode {
    /// The duration that is written here, as configurations have it; `nil` for anything else.
    package var duration: PrometheusDuration? { text.flatMap { try? PrometheusDuration(parsing: $0) } }
}
