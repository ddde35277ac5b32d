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
        /// Whether some configuration of the scenario sends samples on.
        var isSending: Bool
    }

    init?(reading section: ConfigSection, _ context: Context) {
        guard section.isReadable else { return nil }
        let at = section.times("at")
        if !section.has("at") { section.missing("at", hint: "when it happens: at: 5m") }
        guard let word = Self.word(section) else { return nil }
        let lasting = section.times("for")
        let every = section.time("every")
        let action = EventReader(section: section, context: context).action(word)
        // Of one that cannot be read nobody has asked for all that it may have.
        if action == nil { for field in word.fields { _ = section.has(field) } }
        if lasting?.upperBound == 0 { section.fail("for has to be more than 0", at: "for", hint: "for: 1m") }
        if let every, every <= 0 { section.fail("every has to be more than 0", at: "every", hint: "every: 10m") }
        if let every, let at, every > 0, every < at.upperBound - at.lowerBound {
            section.fail("every is shorter than the span of at", at: "every", hint: "a span of at most that length")
        }
        if section.has("for"), !word.canEnd(isOfPart: word == .restart && section.has("part")) {
            section.fail("\(word) has no end", at: "for", hint: "for goes with kill, fault, pause, skew and set")
        }
        if let at { section.checkTime(at.lowerBound, at: "at", latest: context.latest) }
        section.finish(isListing: true)
        guard let at, let action else { return nil }
        self.init(at: at.lowerBound, action, word: word)
        self.at = at
        self.lasting = lasting
        self.every = every
        place = FieldPlace(section.node)
        path = section.path
        fieldPlaces = section.fieldPlaces
    }

    /// The fields that all events may have.
    static let timeFields = ["at", "do", "for", "every"]

    /// What happens, where that is something that can.
    private static func word(_ section: ConfigSection) -> Word? {
        let known = "there is " + words.joined(separator: ", ")
        if let node = section.node("do"), node.string == nil {
            section.fail("\(node.kindInWords) is not an event", at: "do", hint: known)
            return nil
        }
        guard let text = section.string("do"), !text.isEmpty else {
            section.missing("do", hint: known)
            return nil
        }
        if let word = Word(rawValue: text) { return word }
        section.unknown(text, "event", words, at: "do")
        return nil
    }
}

/// Reads what an event does.
struct EventReader {
    let section: ConfigSection
    let context: EventSpec.Context

    private var services: [String] { context.scenario.services.map(\.name) }
    private var batches: [String] { context.scenario.batches.map(\.name) }

    func action(_ word: EventSpec.Word) -> EventSpec.Action? {
        switch word {
        case .kill:
            if section.has("part") { return part().map { .killPart($0) } }
            return service(hasParts: true).map { .kill(service: $0, which: which($0)) }
        case .start:
            if section.has("part") { return part().map { .startPart($0) } }
            return service(hasParts: true).map { .start(service: $0, which: which($0)) }
        case .restart: return restart()
        case .scale:
            let name = service()
            guard section.has("instances") else {
                section.missing("instances", hint: "how many there are then: instances: 5")
                return nil
            }
            guard let count = section.whole("instances") else { return nil }
            guard (0...ServiceSpec.instanceLimit).contains(count) else {
                section.fail("instances has to be between 0 and \(ServiceSpec.instanceLimit)", at: "instances")
                return nil
            }
            return name.map { .scale(service: $0, to: count) }
        case .deploy: return deploy()
        case .set: return set()
        case .skew:
            let name = service()
            guard let skew = ServiceSpec.skew(section, "by", start: context.scenario.start) else {
                if !section.has("by") { section.missing("by", hint: "how far the clock is ahead: by: 90s") }
                return nil
            }
            guard let name else { return nil }
            return .skew(service: name, which: which(name), milliseconds: skew)
        case .fault: return fault(heals: false)
        case .heal: return fault(heals: true)
        case .deleteGroup:
            let job = job()
            let grouping = section.has("grouping") ? grouping(job) : nil
            return job.map { .deleteGroup(job: $0, grouping: grouping) }
        case .wipe: return .wipe
        case .push:
            let (job, body) = (job(), section.string("body") ?? "")
            if body.isEmpty { section.missing("body", hint: #"body: "rows 42\n""#) }
            let (grouping, adds) = (grouping(job), section.flag("add") ?? false)
            let isRefused = section.flag("refused") ?? false
            guard let job, !body.isEmpty else { return nil }
            let lines = body.hasSuffix("\n") ? body : body + "\n"
            return .push(job: job, grouping: grouping, body: lines, adds: adds, isRefused: isRefused)
        case .run: return batch().map { .run(batch: $0) }
        case .pause: return batch().map { .pause(batch: $0) }
        case .resume: return batch().map { .resume(batch: $0) }
        case .reload: return reload()
        case .remoteWriteOutage:
            guard sendsOn() else { return nil }
            guard let node = section.node("fault"), !node.isNull else {
                let refused = ConfigNode(.scalar(.init("refused")), line: section.node.line)
                return spec(refused).map { .fault(.remoteWrite, $0) }
            }
            return spec(node).map { .fault(.remoteWrite, $0) }
        }
    }

    /// Whether there is something that can fail: in the stack, or in one that comes later.
    func sendsOn() -> Bool {
        if context.isSending { return true }
        section.fail(
            "there is no remote_write in the stack, so it cannot fail",
            at: "do",
            hint: "leave the event out, or add remote_write to the stack"
        )
        return false
    }

    private static func there(_ names: [String]) -> String {
        names.isEmpty ? "there is none" : "there is " + ConfigSection.list(names)
    }

    func service(hasParts: Bool = false) -> String? {
        guard let name = section.string("service"), !name.isEmpty else {
            let more = hasParts ? ", or part: prometheus, pushgateway" : ""
            section.missing("service", hint: Self.there(services) + more)
            return nil
        }
        if services.contains(name) { return name }
        if context.scenario.areServicesKnown { section.unknown(name, "service", services, at: "service") }
        return nil
    }

    private func batch() -> String? {
        guard let name = section.string("batch"), !name.isEmpty else {
            section.missing("batch", hint: Self.there(batches))
            return nil
        }
        if batches.contains(name) { return name }
        if context.scenario.areBatchesKnown { section.unknown(name, "batch", batches, at: "batch") }
        return nil
    }

    private func job() -> String? {
        guard let job = section.string("job"), !job.isEmpty else {
            section.missing("job", hint: "the job of the group")
            return nil
        }
        return job
    }

    private func grouping(_ job: String?) -> [Label] {
        let labels = section.labels("grouping")
        if labels.contains(where: { $0.name == "job" }) {
            section.fail("the label job is the field job", at: "grouping", entry: "job", hint: "job: \(job ?? "NAME")")
        }
        return labels
    }

    func which(_ service: String) -> EventSpec.Which {
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
        let (name, labels) = (service(), section.labels("labels"))
        guard let name else { return nil }
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
        var change = MetricChange()
        change.rate = section.rate("rate")
        change.value = section.amount("value")
        change.median = section.amount("median")
        change.p99 = section.amount("p99")
        // What goes with a median or a percentile of an event before is looked at when all of them are read.
        MetricSpec.check(section, median: change.median, p99: change.p99, known: 0)
        // A field that nobody knows may have been meant to be one of them, and is told.
        if change == MetricChange(), !section.hasUnknown(besides: EventSpec.timeFields + EventSpec.Word.set.fields),
            !MetricChange.Field.allCases.map(\.rawValue).contains(where: section.has)
        {
            section.fail("set changes nothing", hint: "rate: 50/s, value: 3, median: 80ms or p99: 2s")
        }
        guard let name = service() else { return nil }
        let metrics = context.scenario.services.first { $0.name == name }?.metrics ?? []
        guard let metric = section.string("metric"), !metric.isEmpty else {
            section.missing("metric", hint: Self.there(metrics.map(\.name)))
            return nil
        }
        guard let spec = metrics.first(where: { $0.name == metric }) else {
            // One that cannot be read is told of itself.
            let place = "services.\(name).metrics"
            if section.problems.tells(at: place) || section.problems.tells(within: "\(place).\(metric)") { return nil }
            section.unknown(metric, "metric of \(name)", metrics.map(\.name), at: "metric")
            return nil
        }
        if let value = change.value, spec.kind == .gauge { spec.checkBounds(section, value, at: "value") }
        let fields: [String]
        switch spec.kind {
        case .counter: fields = ["rate"]
        case .gauge: fields = ["value"]
        case .histogram, .summary: fields = ["rate", "median", "p99"]
        case .info: fields = []
        }
        for field in ["rate", "value", "median", "p99"] where section.has(field) && !fields.contains(field) {
            let hint = fields.isEmpty ? "deploy changes labels" : fields.joined(separator: ", ")
            section.fail("\(spec.kind.inWords) such as \(metric) has no \(field)", at: field, hint: hint)
        }
        return .set(service: name, metric: metric, change: change)
    }

    private func reload() -> EventSpec.Action? {
        guard let node = section.node("stack"), !node.isNull else {
            section.fail("reload needs a stack", hint: "stack: {…}, the whole new configuration, or stack: {file: …}")
            return nil
        }
        return StackSource(reading: section, of: context.scenario, context.read).map {
            .reload(stack: $0.node, file: $0.file, path: $0.path)
        }
    }
}
