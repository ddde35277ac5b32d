public import ConfigTree
public import MetricModel
import PromQL

extension Scenario {
    /// What reading a scenario needs of its surroundings.
    public struct Surroundings {
        /// Reads a file; `nil` where it cannot be.
        public var read: (String) -> [UInt8]?
        /// Reads a moment as people write it.
        public var moment: (String) -> Timestamp?
        /// Reads a fault in the fixture's form; what is wrong with it goes to the problems.
        public var checkFault: (ConfigNode) throws(ConfigError) -> Void
        /// Whether somebody made the scenario shorter than its file has it: then what comes after its end is no mistake.
        public var isShortened = false
        /// Events that do not happen, by their places in the list: they are taken as they are here, whatever stands there.
        public var leftOut: [Int: EventSpec] = [:]

        /// The surroundings.
        public init(
            read: @escaping (String) -> [UInt8]?,
            moment: @escaping (String) -> Timestamp?,
            checkFault: @escaping (ConfigNode) throws(ConfigError) -> Void
        ) {
            self.read = read
            self.moment = moment
            self.checkFault = checkFault
        }
    }

    /// The longest scenario: ten years.
    static let longest: Int64 = 3653 * 86_400_000_000_000

    /// The most series of all services together: each takes some hundred bytes before anything happens.
    static let seriesLimit = 2_000_000

    /// When a scenario can begin, in milliseconds since 1970: nanoseconds are counted to the year 2262, and it may last long.
    static let starts: ClosedRange<Timestamp> = 0...7_258_118_400_000

    /// Reads a scenario.
    /// - Throws: `ConfigError` with everything that is wrong in it.
    public init(reading node: ConfigNode, file: String, _ surroundings: Surroundings) throws(ConfigError) {
        let problems = ConfigProblems(file: file)
        self.init(reading: node, surroundings, problems)
        try problems.throwIfAny()
    }

    /// Reads what can be read of a scenario.
    /// - Parameter problems: where everything goes that is wrong in it.
    public init(reading node: ConfigNode, _ surroundings: Surroundings, _ problems: ConfigProblems) {
        self.init()
        file = problems.file
        let isShortened = surroundings.isShortened
        let root = ConfigSection(node, type: "scenario", path: "", problems: problems)
        name = root.string("name") ?? ""
        if name.isEmpty { name = String(file.split(separator: "/").last ?? "") }
        seed = root.quantity("seed", "a whole number such as 7", { UInt64($0) }) ?? seed
        if let text = root.string("start") {
            if let moment = surroundings.moment(text) {
                if Self.starts.contains(moment) {
                    start = moment
                } else {
                    root.fail("\(GoText.quoted(text)) is not between the years 1970 and 2200", at: "start")
                }
            } else {
                root.fail("\(GoText.quoted(text)) is not a moment such as 2026-01-05T09:00:00Z", at: "start")
            }
        }
        let given = root.time("duration")
        // Where that is wrong, nothing else is late.
        duration = given.flatMap { $0 > 0 && $0 <= Self.longest ? $0 : nil } ?? Self.longest
        if !root.has("duration") {
            root.missing("duration", hint: "how long the scenario lasts, for example duration: 30m")
        } else if let given, given <= 0 {
            root.fail("duration has to be more than 0 and at most ten years", at: "duration", hint: "duration: 30m")
        }
        (stackFile, isStackKnown) = (file, !root.hasSlip(of: ["stack"]))
        if let section = root.node("stack"), !section.isNull {
            if let source = StackSource(reading: root, of: self, surroundings.read) {
                (stack, stackFile, stackPath) = (source.node, source.file, source.path)
            } else {
                isStackKnown = false
            }
        }
        let latest = isShortened ? Int64.max : duration
        services = root.named("services", type: "service").map {
            ServiceSpec(reading: $0.section, name: $0.name, start: start, latest: latest)
        }
        let batchSections = root.named("batches", type: "batch")
        batches = batchSections.map { BatchSpec(reading: $0.section, name: $0.name) }
        areServicesKnown = !root.hasSlip(of: ["services"]) && !problems.tells(at: "services")
        areBatchesKnown = !root.hasSlip(of: ["batches"]) && !problems.tells(at: "batches")
        checkNames(root)
        var scaled: [String: Int] = [:]
        for item in node["events"]?.items ?? [] where item["do"]?.text == "scale" {
            // Where the number is wrong, no instance is one too many as well.
            let count = item["instances"]?.text.flatMap { Int($0) } ?? ServiceSpec.instanceLimit
            let service = item["service"]?.text ?? ""
            scaled[service] = max(count, scaled[service] ?? 0)
        }
        let context = EventSpec.Context(
            scenario: self,
            latest: latest,
            checkFault: surroundings.checkFault,
            read: surroundings.read,
            scaled: scaled,
            isSending: isSending(node)
        )
        for (index, section) in root.list("events", type: "event").enumerated() {
            if let event = surroundings.leftOut[index] {
                events.append(event)
            } else if let event = EventSpec(reading: section, context) {
                events.append(event)
            } else {
                refusedEvents.append(section.node)
            }
        }
        if problems.problems.isEmpty { checkSize(root, scaled) }
        checkBatches(batchSections, latest: latest)
        let span = ExpectationSpec.Span(duration: duration, latest: latest)
        expectations = root.list("expect", type: "expectation").compactMap {
            ExpectationSpec(reading: $0, span, isSending: context.isSending)
        }
        readStudies(root)
        readRecording(root, surroundings)
        _ = root.string("description")
        hasSockets = root.flag("sockets") ?? false
        root.finish(isListing: true)
    }

    /// Tells where all services together have more series than a world may.
    private func checkSize(_ root: ConfigSection, _ scaled: [String: Int]) {
        let count = services.reduce(0) { sum, service in
            let instances = max(service.instances, min(scaled[service.name] ?? 0, ServiceSpec.instanceLimit))
            return sum + instances * service.metrics.reduce(0) { $0 + $1.mostSeries }
        }
        if count <= Self.seriesLimit { return }
        root.fail(
            "all instances together have \(count) series, and there may be \(Self.seriesLimit)",
            at: "services",
            hint: "fewer instances, or labels with fewer values"
        )
    }

    /// A time in people's units: `1m30s`.
    static func text(_ time: Int64) -> String { PrometheusDuration(milliseconds: time / 1_000_000).description }

    /// How long a scenario lasts, for who wants to be in time.
    static func lasts(_ duration: Int64) -> String {
        "it lasts \(text(duration))"
    }

    /// Whether the stack, or one that is loaded later, sends samples on.
    private func isSending(_ node: ConfigNode) -> Bool {
        if !isStackKnown { return true }
        let later = node["events"]?.items?.compactMap { $0["do"]?.text == "reload" ? $0["stack"] : nil } ?? []
        return ([stack] + later).contains { !($0["remote_write"]?.isBlank ?? true) || $0["file"] != nil }
    }

    private func checkNames(_ root: ConfigSection) {
        var seen: Set<String> = []
        for (name, what) in services.map({ ($0.name, "services") }) + batches.map({ ($0.name, "batches") }) {
            let isGood = name.utf8.allSatisfy { byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            }
            func fail(_ words: String, hint: String) { root.fail(words, at: what, entry: name, hint: hint) }
            if !isGood {
                fail("\(GoText.quoted(name)) is an address", hint: "letters, digits, -, _ and . only")
            }
            if name == "localhost" { fail("localhost is the stack itself", hint: "another name") }
            if let service = services.first(where: { $0.name != name && $0.hasInstance(name) }) {
                fail("\(GoText.quoted(name)) is an instance of \(service.name)", hint: "another name")
            }
            if !seen.insert(name).inserted {
                fail("there are two called \(GoText.quoted(name))", hint: "another name for one of them")
            }
        }
    }

    /// A batch that nothing lets run is a mistake.
    private func checkBatches(_ sections: [(name: String, section: ConfigSection)], latest: Int64) {
        var isRun: Set<String> = []
        for event in events { if case .run(let batch) = event.action { isRun.insert(batch) } }
        for node in refusedEvents { node["batch"]?.text.map { _ = isRun.insert($0) } }
        for (index, (name, section)) in sections.enumerated() {
            switch batches[index].schedule {
            case .every(_, let first) where section.has("first"):
                section.checkTime(first, at: "first", latest: latest)
            case .every(_, let first) where first > latest && !isRun.contains(name):
                let hint = "first: 1m, or a shorter interval; \(Self.lasts(latest))"
                section.fail("its first run would be after the end of the scenario", at: "every", hint: hint)
            case .cron(let table) where !isRun.contains(name):
                let next = BatchCourse.first(table, start)
                guard let next, next > latest else { continue }
                let moment = CivilTime.rfc3339(nanoseconds: start * 1_000_000 + next)
                let hint =
                    "it begins at \(CivilTime.rfc3339(nanoseconds: start * 1_000_000)), and \(Self.lasts(latest))"
                section.fail("its first run would be at \(moment), after the end", at: "cron", hint: hint)
            case .every, .cron, .never: break
            }
            // What is wrong with a schedule is told already.
            let isTold = section.has("every") || section.has("cron") || section.hasToldUnknown
            if isTold || isRun.contains(name) { continue }
            section.fail(
                "it never runs",
                hint: "every: 10m, cron: \"0 3 * * *\", or an event: {at: 5m, do: run, batch: \(name)}"
            )
        }
    }

    private mutating func readRecording(_ root: ConfigSection, _ surroundings: Surroundings) {
        guard let name = root.string("recording") else { return }
        func path(_ name: String) -> String { name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name }
        guard let index = surroundings.read(path(name)) else {
            return root.fail(
                "the file \(path(name)) cannot be read",
                at: "recording",
                hint: "the command record writes it beside the scenario"
            )
        }
        do throws(ConfigError) {
            recording = try Recording(index: index, file: path(name)) { surroundings.read(path($0)) }
        } catch {
            root.problems.add(error)
        }
    }

    private mutating func readStudies(_ root: ConfigSection) {
        guard let node = root.node("study"), !node.isNull else { return }
        var list: [ConfigSection] = []
        if case .sequence = node.content {
            list = root.list("study", type: "study")
        } else if let section = root.section("study", type: "study") {
            list = [section]
        }
        let hasEvents = root.has("events") || !root.hasSlip(of: ["events"])
        studies = list.compactMap { StudySpec(reading: $0, self, hasEvents: hasEvents) }
    }
}

extension StudySpec {
    /// Reads `{alert: InstanceDown, should_fire_for: {kill: shop}}`.
    /// - Parameter hasEvents: whether the events are known.
    init?(reading section: ConfigSection, _ scenario: Scenario, hasEvents: Bool) {
        guard section.isReadable else { return nil }
        let alert = section.string("alert") ?? ""
        if alert.isEmpty { section.missing("alert", hint: "the name of an alerting rule") }
        var outages: [Outage] = []
        let services = scenario.services.map(\.name)
        let node = section.node("should_fire_for")
        let parts: [ConfigSection] =
            switch node?.content {
            case .sequence: section.list("should_fire_for", type: "outage")
            case .mapping, .scalar, nil: section.section("should_fire_for", type: "outage").map { [$0] } ?? []
            }
        var read: [(outage: Outage, part: ConfigSection)] = []
        for part in parts {
            let known = outages.count
            for word in ["kill", "fault"] {
                guard let name = part.string(word) else { continue }
                guard services.contains(name) else {
                    if scenario.areServicesKnown { part.unknown(name, "service", services, at: word) }
                    continue
                }
                outages.append(word == "kill" ? .kill(service: name) : .fault(service: name))
            }
            if let name = part.string("failure") {
                let batches = scenario.batches.map(\.name)
                if batches.contains(name) {
                    outages.append(.failure(batch: name))
                } else if scenario.areBatchesKnown {
                    part.unknown(name, "batch", batches, at: "failure")
                }
            }
            if let text = part.string("event") {
                if let word = EventSpec.Word(rawValue: text) {
                    outages.append(.event(word: word))
                } else {
                    part.unknown(text, "event", EventSpec.words, at: "event")
                }
            }
            part.finish(isListing: true)
            for outage in outages[known...] { read.append((outage, part)) }
        }
        if outages.isEmpty, parts.allSatisfy(\.node.isBlank) {
            section.fail(
                "should_fire_for names no outage",
                at: "should_fire_for",
                hint: "kill: SERVICE, fault: SERVICE, failure: BATCH or event: WORD"
            )
        }
        self.init(alert: alert, outages: outages, slack: section.time("slack") ?? 60_000_000_000)
        place = section.fieldPlaces["alert"] ?? FieldPlace(section.node)
        section.finish(isListing: true)
        path = section.path("alert")
        if hasEvents { Self.checkOutages(read, scenario, section.problems) }
        if alert.isEmpty { return nil }
    }

    /// An outage that never comes is a mistake.
    private static func checkOutages(
        _ outages: [(outage: Outage, part: ConfigSection)],
        _ scenario: Scenario,
        _ problems: ConfigProblems
    ) {
        /// Whether a word is that of an event that could not be read: nobody knows what it was to be.
        func isOpen(_ word: EventSpec.Word) -> Bool {
            let isRefused = scenario.refusedEvents.contains { node in
                let given = EventSpec.Word(rawValue: node["do"]?.text ?? "")
                return given == word || given == nil
            }
            return isRefused || scenario.events.contains { $0.word == word && problems.tells(within: $0.path) }
        }
        for (outage, part) in outages {
            switch outage {
            case .failure(let batch):
                if ["fails", "hangs"].contains(where: { problems.tells(at: "batches.\(batch).\($0)") }) { continue }
                guard let spec = scenario.batches.first(where: { $0.name == batch }), spec.failing == 0,
                    spec.hanging == 0
                else { continue }
                let hint = "fails: 5% or hangs: 1% for \(batch)"
                part.fail("\(batch) neither fails nor hangs", at: "failure", hint: hint)
            case .kill(let service), .fault(let service):
                let word = outage == .kill(service: service) ? EventSpec.Word.kill : .fault
                if scenario.events.contains(where: { $0.isOutage(word, of: service, scenario) }) { continue }
                if isOpen(word) { continue }
                part.fail(
                    "no event is such an outage",
                    at: word.rawValue,
                    hint: "{at: 5m, do: \(word), service: \(service)\(word == .fault ? ", fault: refused" : "")}"
                )
            case .event(let word):
                if scenario.events.contains(where: { $0.word == word }) || isOpen(word) { continue }
                part.fail("no event is such an outage", at: "event", hint: "{at: 5m, do: \(word), …}")
            }
        }
    }
}

extension EventSpec {
    /// Whether it kills an instance of a service, or lets its scrapes go wrong.
    fileprivate func isOutage(_ word: EventSpec.Word, of service: String, _ scenario: Scenario) -> Bool {
        switch action {
        case .kill(service, _): word == .kill
        case .fault(.service(service, _), .some): word == .fault
        case .fault(.target(let target), .some):
            word == .fault && scenario.services.contains { $0.name == service && $0.hasInstance(Scenario.host(target)) }
        case _: false
        }
    }
}
