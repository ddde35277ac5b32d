import ConfigTree
import MetricModel

/// Reads what goes wrong, and where.
extension EventReader {
    /// The fields that say where something goes wrong.
    private static let placeFields = ["service", "target", "pushes", "remote_write", "part"]

    /// Where something goes wrong, or is well again.
    private func place() -> EventSpec.FaultPlace? {
        let (pushes, sends) = (section.flag("pushes"), section.flag("remote_write"))
        let named = Self.placeFields.filter { field in
            section.has(field) && !(field == "pushes" && pushes == false || field == "remote_write" && sends == false)
        }
        if section.has("instance"), !named.contains("service"), !named.isEmpty {
            section.fail("instance goes with service", at: "instance", hint: "service: shop, or target: shop-1 alone")
        }
        guard named.count < 2 else {
            let words = named.joined(separator: " and ")
            section.fail("\(words) stand together", at: named.last, hint: "leave one of them out")
            return nil
        }
        switch named.first {
        case "service":
            guard let name = service() else { return nil }
            return .service(name, which(name))
        case "target":
            guard let target = section.string("target"), !target.isEmpty else {
                section.missing("target", hint: "target: shop-1, target: localhost:9091")
                return nil
            }
            return .target(target)
        case "pushes": return pushes == nil ? nil : .pushes
        case "remote_write": return sends != nil && sendsOn() ? .remoteWrite : nil
        case "part":
            if section.string("part") == "pushgateway" { return .pushes }
            section.fail(
                "a part goes wrong for those who push to it",
                at: "part",
                hint: "part: pushgateway; of scrapes: target: localhost:9090; or do: kill, part: prometheus"
            )
            return nil
        case _:
            if section.hasUnknown(besides: EventSpec.timeFields + EventSpec.Word.fault.fields) { return nil }
            section.fail(
                "nobody is named",
                hint: "service: shop, target: localhost:9091, pushes: true, or remote_write: true"
            )
            return nil
        }
    }

    func fault(heals: Bool) -> EventSpec.Action? {
        let place = place()
        if heals { return place.map { .fault($0, nil) } }
        guard let node = section.node("fault"), !node.isNull else {
            section.missing("fault", hint: "fault: {latency: 3s}, fault: refused")
            return nil
        }
        guard let spec = spec(node) else { return nil }
        switch place {
        case nil: return nil
        case .service, .target: break
        case .pushes, .remoteWrite:
            if spec.node["fault"]?.text == "reset_counters" {
                section.fail("only what is scraped has counters of its own", at: "fault", hint: "service: shop")
                return nil
            }
        }
        return place.map { .fault($0, spec) }
    }

    /// A value on one line of the log; one that is empty is to be seen, too.
    private static func shown(_ value: String) -> String {
        value.isEmpty ? GoText.quoted(value) : GoText.escaped(value)
    }

    private static let allFaults = faults + ["truncated", "refused", "closed", "reset_counters"]
    private static let faults = ["latency", "status", "body", "content_type", "flapping"]

    /// The fields of a fault on one line of the log.
    private static func text(_ fields: [ConfigNode.Entry]) -> String {
        let texts = fields.map { field in
            let (name, value) = (field.key.text ?? "", Self.shown(field.value.text ?? ""))
            return name == "times" ? "\(value) times" : "\(name) \(value)"
        }
        return texts.isEmpty ? "" : ", " + texts.joined(separator: ", ")
    }

    private static func example(_ fault: String) -> String {
        switch fault {
        case "latency": "fault: {latency: 3s}"
        case "status": "fault: {status: 503}"
        case "body": #"fault: {body: "no metrics at all"}"#
        case "content_type": "fault: {content_type: text/html}"
        case "flapping": "fault: {flapping: {good: 3, bad: 1}}"
        case _: "fault: \(fault), fault: {\(fault): {times: 2}}"
        }
    }

    /// Reads `refused`, `{latency: 3s}`, `{status: 503, times: 2}`, `{flapping: {good: 2, bad: 1}}`, or the fixture's own form.
    func spec(_ node: ConfigNode) -> FaultSpec? {
        func text(_ value: String) -> ConfigNode {
            ConfigNode(.scalar(.init(value)), line: node.line, column: node.column)
        }
        var entries: [ConfigNode.Entry] = []
        var words = ""
        switch node.content {
        case .scalar(let scalar):
            entries = [.init(key: text("fault"), value: text(scalar.text))]
            words = scalar.text
        case .mapping(let given):
            if node["fault"] != nil {
                entries = given
                words = given.compactMap { $0.value.text }.map(Self.shown).joined(separator: " ")
                break
            }
            let names = given.compactMap(\.key.text).filter { $0 != "times" }
            if names == ["skew"] {
                section.fail("a clock is no fault of answers", at: "fault", hint: "do: skew, by: 90s")
                return nil
            }
            if let slip = names.first(where: { !Self.faults.contains($0) }), names.count > 1,
                DidYouMean.nearest(slip, among: ["times"]) != nil
            {
                let words = "field \(slip) not found in type fault"
                section.fail(words, at: "fault", entry: slip, hint: "did you mean times?")
                return nil
            }
            if names.count > 1 {
                section.fail(
                    "\(names.joined(separator: " and ")) stand together",
                    at: "fault",
                    hint: "a fault is one: \(Self.example(names[0])), and an event more"
                )
                return nil
            }
            for entry in given {
                let name = entry.key.text ?? ""
                if name == "times" {
                    entries.append(entry)
                    words += ", \(entry.value.text ?? "") times"
                    continue
                }
                entries.insert(.init(key: text("fault"), value: text(name)), at: 0)
                words = name + words
                if case .mapping(let more) = entry.value.content {
                    entries += more
                    words += Self.text(more)
                } else if ["latency", "status", "body", "content_type"].contains(name) {
                    entries.append(entry)
                    words += " \(Self.shown(entry.value.text ?? ""))"
                } else if !entry.value.isNull, Self.allFaults.contains(name) {
                    let words = "\(entry.value.kindInWords) is not a mapping of fields"
                    section.fail(words, at: "fault", entry: name, hint: Self.example(name))
                    return nil
                }
            }
        case .sequence:
            section.fail("a fault is one", at: "fault", hint: "fault: {latency: 3s}")
            return nil
        }
        let whole = ConfigNode(.mapping(entries), line: node.line, column: node.column)
        do throws(ConfigError) {
            try context.checkFault(whole)
        } catch {
            let place = section.problem(.meaning, "", at: "fault")
            for problem in error.problems {
                let isMissing = problem.hint?.hasPrefix("for example") ?? true
                var told = problem
                told.hint = isMissing ? Self.example(whole["fault"]?.text ?? "") : problem.hint
                if problem.path == "times" { told.hint = "times: 2" }
                (told.path, told.line, told.column) = (place.path, place.line, place.column)
                // Where it is about a field that stands in the file it has its own place.
                if let inner = Self.way(to: problem.path, in: node) {
                    told.path += inner.path
                    (told.line, told.column) = (inner.key.line, inner.key.column)
                }
                section.problems.add(told)
            }
            return nil
        }
        return FaultSpec(node: whole, text: words)
    }

    /// The field of a fault, in it or in what stands below its name.
    private static func way(to name: String, in node: ConfigNode) -> (path: String, key: ConfigNode)? {
        guard case .mapping(let entries) = node.content else { return nil }
        if let entry = entries.last(where: { $0.key.name == name }) { return (".\(name)", entry.key) }
        for entry in entries {
            guard let inner = way(to: name, in: entry.value) else { continue }
            return (".\(entry.key.name ?? "")\(inner.path)", inner.key)
        }
        return nil
    }
}
