import ConfigTree
import MetricModel
import PromQL

extension EventSpec {
    /// What events are checked against.
    struct Context {
        var scenario: Scenario
        /// The moment after which nothing happens any more.
        var latest: Int64
        var checkFault: (ConfigNode) throws(ConfigError) -> Void
        var read: (String) -> [UInt8]?
        /// Services whose number of instances some event changes, with the most that they get.
        var scaled: [String: Int]
        /// The medians that some event gives to metrics, by service and metric.
        var medians: [String: [Double]]
        /// Whether some configuration of the scenario sends samples on.
        var isSending: Bool
    }

    init?(reading section: ConfigSection, _ context: Context) {
        let at = section.times("at")
        let known = "there is " + Self.words.joined(separator: ", ")
        if let node = section.node("do"), node.string == nil {
            section.fail("\(node.kindInWords) is not an event", at: "do", hint: known)
            return nil
        }
        guard let word = section.string("do"), !word.isEmpty else {
            section.missing("do", hint: known)
            return nil
        }
        guard Self.words.contains(word) else {
            section.unknown(word, "event", Self.words, at: "do")
            return nil
        }
        let lasting = section.times("for")
        let every = section.time("every")
        guard let action = EventReader(section: section, context: context).action(word) else { return nil }
        if !section.has("at") { section.missing("at", hint: "when it happens: at: 5m") }
        section.checkTime(at?.lowerBound, at: "at", latest: context.latest)
        if let every, every <= 0 { section.fail("every has to be more than 0", at: "every", hint: "every: 10m") }
        if let every, let at, every > 0, every < at.upperBound - at.lowerBound {
            section.fail("every is shorter than the span of at", at: "every", hint: "a span of at most that length")
        }
        switch action {
        case .kill, .killPart, .fault, .pause, .skew, .set, .restartPart: break
        case .start, .startPart, .restart, .scale, .deploy, .deleteGroup, .wipe, .push, .run, .resume, .reload:
            if section.has("for") {
                section.fail("\(word) has no end", at: "for", hint: "for goes with kill, fault, pause, skew and set")
            }
        }
        section.finish(isListing: true)
        guard let at else { return nil }
        self.init(at: at.lowerBound, action, word: word)
        self.at = at
        self.lasting = lasting
        self.every = every
        place = FieldPlace(section.node)
        fieldPlaces = section.fieldPlaces
    }
}

/// Reads what an event does.
private struct EventReader {
    let section: ConfigSection
    let context: EventSpec.Context

    private var services: [String] { context.scenario.services.map(\.name) }
    private var batches: [String] { context.scenario.batches.map(\.name) }

    func action(_ word: String) -> EventSpec.Action? {
        switch word {
        case "kill":
            if section.has("part") { return part().map { .killPart($0) } }
            return service(hasParts: true).map { .kill(service: $0, which: which($0)) }
        case "start":
            if section.has("part") { return part().map { .startPart($0) } }
            return service(hasParts: true).map { .start(service: $0, which: which($0)) }
        case "restart": return restart()
        case "scale":
            guard let name = service() else { return nil }
            guard section.has("instances") else {
                section.missing("instances", hint: "how many there are then: instances: 5")
                return nil
            }
            guard let count = section.whole("instances") else { return nil }
            guard (0...ServiceSpec.instanceLimit).contains(count) else {
                section.fail("instances has to be between 0 and \(ServiceSpec.instanceLimit)", at: "instances")
                return nil
            }
            return .scale(service: name, to: count)
        case "deploy": return deploy()
        case "set": return set()
        case "skew":
            guard let name = service() else { return nil }
            guard let skew = ServiceSpec.skew(section, "by", start: context.scenario.start) else {
                if !section.has("by") { section.missing("by", hint: "how far the clock is ahead: by: 90s") }
                return nil
            }
            return .skew(service: name, which: which(name), milliseconds: skew)
        case "fault", "heal": return fault(heals: word == "heal")
        case "delete_group":
            return job().map { .deleteGroup(job: $0, grouping: section.has("grouping") ? grouping($0) : nil) }
        case "wipe": return .wipe
        case "push":
            guard let job = job() else { return nil }
            guard let body = section.string("body"), !body.isEmpty else {
                section.missing("body", hint: #"body: "rows 42\n""#)
                return nil
            }
            return .push(
                job: job,
                grouping: grouping(job),
                body: body.hasSuffix("\n") ? body : body + "\n",
                adds: section.flag("add") ?? false,
                isRefused: section.flag("refused") ?? false
            )
        case "run": return batch().map { .run(batch: $0) }
        case "pause": return batch().map { .pause(batch: $0) }
        case "resume": return batch().map { .resume(batch: $0) }
        case "reload": return reload()
        case "remote_write_outage":
            guard sendsOn() else { return nil }
            guard let node = section.node("fault"), !node.isNull else {
                let refused = ConfigNode(.scalar(.init("refused")), line: section.node.line)
                return spec(refused).map { .fault(.remoteWrite, $0) }
            }
            return spec(node).map { .fault(.remoteWrite, $0) }
        default: return nil
        }
    }

    /// Whether there is something that can fail: in the stack, or in one that comes later.
    private func sendsOn() -> Bool {
        if context.isSending { return true }
        section.fail(
            "there is no remote_write in the stack, so it cannot fail",
            at: "do",
            hint: "leave the event out, or add remote_write to the stack"
        )
        return false
    }

    private static func there(_ names: [String]) -> String {
        names.isEmpty ? "there is none" : "there is " + names.joined(separator: ", ")
    }

    private func service(hasParts: Bool = false) -> String? {
        guard let name = section.string("service") else {
            let more = hasParts ? ", or part: prometheus, pushgateway" : ""
            section.missing("service", hint: Self.there(services) + more)
            return nil
        }
        if services.contains(name) { return name }
        section.unknown(name, "service", services, at: "service")
        return nil
    }

    private func batch() -> String? {
        guard let name = section.string("batch") else {
            section.missing("batch", hint: Self.there(batches))
            return nil
        }
        if batches.contains(name) { return name }
        section.unknown(name, "batch", batches, at: "batch")
        return nil
    }

    private func job() -> String? {
        guard let job = section.string("job"), !job.isEmpty else {
            section.missing("job", hint: "the job of the group")
            return nil
        }
        return job
    }

    private func grouping(_ job: String) -> [Label] {
        let labels = section.labels("grouping")
        if labels.contains(where: { $0.name == "job" }) {
            section.fail("the label job is the field job", at: "grouping", entry: "job", hint: "job: \(job)")
        }
        return labels
    }

    private func which(_ service: String) -> EventSpec.Which {
        guard let text = section.string("instance") else { return .all }
        if text == "all" { return .all }
        if text == "any" { return .any }
        let bare = text.hasPrefix(service + "-") ? String(text.dropFirst(service.utf8.count + 1)) : text
        guard let number = Int(bare), number >= 1, number <= ServiceSpec.instanceLimit else {
            section.fail("\(GoText.quoted(text)) is no instance", at: "instance", hint: "1, 2, … or any, or all")
            return .all
        }
        let first = context.scenario.services.first { $0.name == service }?.instances ?? 0
        let most = max(first, context.scaled[service] ?? 0)
        if number > most {
            let hint = most == 0 ? "there is none" : most == 1 ? "1, or all" : "1 to \(most), any, or all"
            let some = most == 1 ? "1 instance" : "\(most) instances"
            section.fail("\(service) has \(some), not \(number)", at: "instance", hint: hint)
        }
        return .number(number)
    }

    private func part() -> EventSpec.Part? {
        for field in ["service", "instance"] where section.has(field) {
            section.fail("part and \(field) stand together", at: field, hint: "leave one of them out")
        }
        return section.word("part", EventSpec.Part.self)
    }

    private func restart() -> EventSpec.Action? {
        guard section.has("part") else {
            return service(hasParts: true).map { .restart(service: $0, which: which($0)) }
        }
        guard let part = part() else { return nil }
        if section.has("down"), section.has("for") {
            section.fail("down and for mean the same", at: "for", hint: "leave one of them out")
        }
        return .restartPart(part, down: section.time("down") ?? 0, keepsData: section.flag("keep_data") ?? true)
    }

    private func deploy() -> EventSpec.Action? {
        guard let name = service() else { return nil }
        let labels = section.labels("labels")
        for metric in context.scenario.services.first(where: { $0.name == name })?.metrics ?? [] {
            for label in labels where metric.isToldApart(by: label.name) {
                section.fail(
                    "the series of \(metric.name) are told apart by \(label.name), so it cannot be the same for all",
                    at: "labels",
                    entry: label.name,
                    hint: "another label, such as version"
                )
            }
        }
        return .deploy(service: name, labels: labels)
    }

    private func set() -> EventSpec.Action? {
        guard let name = service() else { return nil }
        let metrics = context.scenario.services.first { $0.name == name }?.metrics ?? []
        guard let metric = section.string("metric") else {
            section.missing("metric", hint: Self.there(metrics.map(\.name)))
            return nil
        }
        guard let spec = metrics.first(where: { $0.name == metric }) else {
            section.unknown(metric, "metric of \(name)", metrics.map(\.name), at: "metric")
            return nil
        }
        var change = MetricChange()
        change.rate = section.rate("rate")
        change.value = section.amount("value")
        change.median = section.amount("median")
        change.p99 = section.amount("p99")
        // An event before may have set the median that a p99 alone goes with.
        let medians = [spec.latency.median] + (context.medians["\(name)/\(metric)"] ?? [])
        MetricSpec.check(section, median: change.median, p99: change.p99, known: medians.min() ?? 0)
        if change == MetricChange(), !["rate", "value", "median", "p99"].contains(where: section.has) {
            section.fail("set changes nothing", hint: "rate: 50/s, value: 3, median: 80ms or p99: 2s")
        }
        let fields: [String]
        switch spec.kind {
        case .counter: fields = ["rate"]
        case .gauge: fields = ["value"]
        case .histogram, .summary: fields = ["rate", "median", "p99"]
        case .info: fields = []
        }
        for field in ["rate", "value", "median", "p99"] where section.has(field) && !fields.contains(field) {
            let hint = fields.isEmpty ? "deploy changes labels" : fields.joined(separator: ", ")
            section.fail("a \(spec.kind.rawValue) such as \(metric) has no \(field)", at: field, hint: hint)
        }
        return .set(service: name, metric: metric, change: change)
    }

    private func fault(heals: Bool) -> EventSpec.Action? {
        let place: EventSpec.FaultPlace
        if let target = section.string("target") {
            place = .target(target)
        } else if section.flag("remote_write") ?? false {
            guard sendsOn() else { return nil }
            place = .remoteWrite
        } else if section.flag("pushes") ?? (section.string("part") == "pushgateway") {
            place = .pushes
        } else {
            if section.has("part") {
                section.fail(
                    "a part goes wrong for those who push to it",
                    at: "part",
                    hint: "part: pushgateway; of scrapes: target: localhost:9090; or do: kill, part: prometheus"
                )
                return nil
            }
            guard section.has("service") else {
                // What is wrong with a truth value is told already.
                if section.has("pushes") || section.has("remote_write") { return nil }
                if section.hasSlip(of: ["service", "target", "pushes", "remote_write"]) { return nil }
                section.fail(
                    "nobody is named",
                    hint: "service: shop, target: localhost:9091, pushes: true, or remote_write: true"
                )
                return nil
            }
            guard let name = service() else { return nil }
            place = .service(name, which(name))
        }
        if heals { return .fault(place, nil) }
        guard let node = section.node("fault"), !node.isNull else {
            section.missing("fault", hint: "fault: {latency: 3s}, fault: refused")
            return nil
        }
        guard let spec = spec(node) else { return nil }
        switch place {
        case .service, .target: break
        case .pushes, .remoteWrite:
            if spec.node["fault"]?.text == "reset_counters" {
                section.fail("only what is scraped has counters of its own", at: "fault", hint: "service: shop")
                return nil
            }
        }
        return .fault(place, spec)
    }

    /// A value on one line of the log; one that is empty is to be seen, too.
    private static func shown(_ value: String) -> String {
        value.isEmpty ? GoText.quoted(value) : GoText.escaped(value)
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
    private func spec(_ node: ConfigNode) -> FaultSpec? {
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
                    words += " \(entry.value.text ?? "") times"
                    continue
                }
                entries.insert(.init(key: text("fault"), value: text(name)), at: 0)
                words = name + words
                if case .mapping(let more) = entry.value.content {
                    entries += more
                    words += more.map { " \($0.key.text ?? "") \($0.value.text ?? "")" }.joined()
                } else if ["latency", "status", "body", "content_type"].contains(name) {
                    entries.append(entry)
                    words += " \(Self.shown(entry.value.text ?? ""))"
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

    private func reload() -> EventSpec.Action? {
        guard let node = section.node("stack"), !node.isNull else {
            section.fail("reload needs a stack", hint: "stack: {…}, the whole new configuration, or stack: {file: …}")
            return nil
        }
        guard let name = node["file"]?.text else {
            return .reload(stack: node, file: context.scenario.file, path: section.path("stack"))
        }
        let folder = context.scenario.folder
        let path = name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name
        guard let bytes = context.read(path) else {
            section.fail("the file \(path) cannot be read", at: "stack")
            return nil
        }
        do throws(ConfigError) {
            return .reload(stack: try YAMLReader.parse(bytes, file: path), file: path, path: "")
        } catch {
            section.fail("\(error)", at: "stack")
            return nil
        }
    }
}
