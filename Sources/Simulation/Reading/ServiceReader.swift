import ConfigTree
import MetricModel

extension ServiceSpec {
    /// - Parameter latest: the moment after which nothing happens any more.
    init(reading section: ConfigSection, name: String, start: Timestamp, latest: Int64) {
        self.init(name: name)
        place = FieldPlace(section.node)
        if section.has("instances") {
            let count = section.whole("instances")
            if let count, !(0...Self.instanceLimit).contains(count) {
                section.fail("instances has to be between 0 and \(Self.instanceLimit)", at: "instances")
            }
            // Where that is wrong, no instance is one too many as well.
            instances = count.flatMap { (0...Self.instanceLimit).contains($0) ? $0 : nil } ?? Self.instanceLimit
        }
        labels = section.labels("labels")
        if section.has("labels") { place = section.fieldPlaces["labels"] ?? place }
        if section.has("skew") { skew = Self.skew(section, "skew", start: start) ?? 0 }
        (metrics, refusedMetrics) = MetricSpec.readAll(section, latest: latest)
        section.finish(isListing: true)
    }

    /// How far a clock is ahead, in milliseconds: `90s`, or `-90s` for one that is behind.
    static func skew(_ section: ConfigSection, _ name: String, start: Timestamp) -> Int64? {
        let skew = section.quantity(name, "a time such as 90s or -90s") { text in
            let isBehind = text.hasPrefix("-")
            return Quantity.time(isBehind ? String(text.dropFirst()) : text).map {
                ($0 / 1_000_000) * (isBehind ? -1 : 1)
            }
        }
        guard let skew else { return nil }
        if abs(skew) > Scenario.longest / 1_000_000 {
            section.fail("\(GoText.quoted(section.string(name) ?? "")) is more than ten years", at: name)
            return nil
        }
        if start + skew >= 0 { return skew }
        section.fail("such a clock shows a time before 1970, which no exposition has", at: name)
        return nil
    }
}

extension MetricSpec.Kind {
    /// With its article.
    var inWords: String { self == .info ? "an info" : "a \(rawValue)" }
}

extension MetricSpec {
    /// Reads the field `metrics` of a service or a batch.
    /// - Returns: the metrics, and the names of those that could not be read.
    static func readAll(
        _ section: ConfigSection,
        isOfBatch: Bool = false,
        latest: Int64 = .max
    ) -> (metrics: [MetricSpec], refused: [String]) {
        var (metrics, refused): ([MetricSpec], [String]) = ([], [])
        for (name, part) in section.named("metrics", type: "metric") {
            if let metric = MetricSpec(reading: part, name: name, isOfBatch: isOfBatch, latest: latest) {
                metrics.append(metric)
            } else {
                refused.append(name)
            }
        }
        check(metrics, section)
        return (metrics, refused)
    }

    /// Tells where two metrics would have series of the same name.
    private static func check(_ metrics: [MetricSpec], _ section: ConfigSection) {
        var makers: [String: String] = [:]
        for metric in metrics {
            for name in metric.seriesNames {
                guard let other = makers.updateValue(metric.name, forKey: name) else { continue }
                section.fail(
                    "\(other) and \(metric.name) both have series called \(name)",
                    at: "metrics",
                    entry: metric.name,
                    hint: "another name for one of them"
                )
            }
        }
    }

    /// Reads a metric.
    /// - Parameters:
    ///   - isOfBatch: whether values that a run gives may be named.
    ///   - latest: the moment after which nothing happens any more.
    init?(reading section: ConfigSection, name: String, isOfBatch: Bool = false, latest: Int64 = .max) {
        let isName = name.utf8.enumerated().allSatisfy { index, byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: ":") || index > 0 && UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        }
        if !isName { section.fail("\(GoText.quoted(name)) is no name of a metric", hint: "letters, digits, _ and :") }
        // What is no mapping is told already.
        if case .mapping = section.node.content {} else if !section.node.isNull { return nil }
        guard section.has("type") else {
            section.missing("type", hint: "there is " + Kind.allCases.map(\.rawValue).joined(separator: ", "))
            return nil
        }
        guard let kind = section.word("type", Kind.self) else { return nil }
        self.init(name: name, kind: kind)
        place = FieldPlace(section.node)
        help = section.string("help") ?? ""
        readParts(section)
        switch kind {
        case .counter where isOfBatch:
            // Without a value it counts as long as the run takes.
            value = .counted
            readValue(section, isOfBatch)
            if case .number(let number) = value, number < 0 {
                let field = section.has("value") ? "value" : "start"
                section.fail("a counter is not negative", at: field, hint: "\(field): 5")
            }
            rate = section.rate("rate") ?? rate
            noise = section.share("noise") ?? 0
            if section.has("rate"), value != .counted {
                section.fail("value and rate stand together", at: "rate", hint: "leave one of them out")
            }
        case .counter:
            readRate(section, latest)
            hasExemplars = section.flag("exemplars") ?? false
        case .gauge:
            readValue(section, isOfBatch)
            readGauge(section, isOfBatch, latest)
        case .histogram where isOfBatch, .summary where isOfBatch:
            rate = section.rate("rate") ?? rate
            readLatency(section, isOfBatch)
        case .histogram, .summary:
            readRate(section, latest)
            readLatency(section, isOfBatch)
        case .info: value = .number(1)
        }
        section.finish(isListing: true)
    }

    private mutating func readRate(_ section: ConfigSection, _ latest: Int64) {
        rate = section.rate("rate") ?? rate
        daily = section.share("daily") ?? 0
        noise = section.share("noise") ?? 0
        readSteps(section, latest, isRate: true) { $0.rate("to") }
        readGrowth(section)
    }

    private mutating func readGauge(_ section: ConfigSection, _ isOfBatch: Bool, _ latest: Int64) {
        walk = section.amount("walk") ?? 0
        least = section.amount("min") ?? least
        most = section.amount("max") ?? most
        noise = section.share("noise") ?? 0
        if !isOfBatch {
            daily = section.share("daily") ?? 0
            leak = section.quantity("leak", "a change such as 1/h or -2/m", Quantity.drift) ?? 0
            readSteps(section, latest) { $0.amount("to") }
            readGrowth(section)
        }
        if least > most {
            let hint = "at most \(GoNumber.text(most, .shortest))"
            section.fail("min is greater than max", at: "min", hint: hint)
        } else if case .number(let number) = value, section.has("value") || section.has("start") {
            checkBounds(section, number, at: section.has("value") ? "value" : "start")
        }
        if walk < 0 { section.fail("walk cannot be negative", at: "walk", hint: "walk: 2") }
        let start: Double
        if case .number(let number) = value { start = number } else { start = 0 }
        let isWhole = [start, walk].allSatisfy { $0 == $0.rounded() } && noise == 0 && daily == 0
        decimals = section.whole("decimals") ?? (isWhole && walk > 0 ? 0 : 3)
        if !(0...9).contains(decimals) { section.fail("decimals has to be between 0 and 9", at: "decimals") }
    }

    /// Tells of a value that the gauge never shows, as it is beyond its bounds.
    func checkBounds(_ section: ConfigSection, _ number: Double, at field: String) {
        let (least, most) = (GoNumber.text(least, .shortest), GoNumber.text(most, .shortest))
        if number < self.least { section.fail("\(field) is less than min", at: field, hint: "at least \(least)") }
        if number > self.most { section.fail("\(field) is greater than max", at: field, hint: "at most \(most)") }
    }

    private mutating func readValue(_ section: ConfigSection, _ isOfBatch: Bool) {
        if section.has("value"), section.has("start") {
            section.fail("value and start mean the same", at: "start", hint: "leave one of them out")
        }
        for field in ["start", "value"] {
            guard let text = section.string(field) else { continue }
            switch text {
            case "took" where isOfBatch: value = .took
            case "now" where isOfBatch: value = .now
            case "now_on_success" where isOfBatch: value = .nowOnSuccess
            case "now_on_failure" where isOfBatch: value = .nowOnFailure
            case "succeeded" where isOfBatch: value = .succeeded
            default:
                if let number = Quantity.value(text) {
                    value = .number(number)
                } else {
                    let words = isOfBatch ? ", or one of " + Value.words.joined(separator: ", ") : ""
                    section.fail("\(GoText.quoted(text)) is not a number such as 12 or 80ms\(words)", at: field)
                }
            }
        }
    }

    private mutating func readLatency(_ section: ConfigSection, _ isOfBatch: Bool) {
        let (median, p99) = (section.amount("median"), section.amount("p99"))
        if let median { latency = LatencyDistribution(median: median, p99: median * 10) }
        Self.check(section, median: median, p99: p99, known: latency.median)
        if let p99 { latency = LatencyDistribution(median: latency.median, p99: p99) }
        if kind == .summary {
            quantiles = numbers(section, "quantiles") ?? quantiles
            if !quantiles.allSatisfy({ (0...1).contains($0) }) {
                section.fail("quantiles are between 0 and 1", at: "quantiles", hint: "quantiles: [0.5, 0.99]")
            } else if Set(quantiles).count < quantiles.count {
                section.fail("a quantile is there twice", at: "quantiles", hint: "each once")
            }
            return
        }
        if isOfBatch, section.has("native") {
            section.fail("a batch pushes text, which has no native histograms", at: "native", hint: "buckets: [0.1, 1]")
        }
        if !isOfBatch {
            isNative = section.flag("native") ?? false
            hasExemplars = section.flag("exemplars") ?? false
        }
        buckets = numbers(section, "buckets") ?? buckets
        if section.node("buckets")?.isBlank ?? false {
            section.fail("there is no bucket", at: "buckets", hint: "buckets: [0.1, 1]")
        }
        if zip(buckets, buckets.dropFirst()).contains(where: { $0 >= $1 }) {
            section.fail("buckets have to rise", at: "buckets", hint: "buckets: [0.1, 0.5, 1]")
        }
        if isNative, section.has("buckets") {
            section.fail("a native histogram needs no buckets", at: "buckets", hint: "leave out native or buckets")
        }
    }

    /// Tells of a median and a 99th percentile that no observations have.
    /// - Parameter known: the median where none is given.
    static func check(_ section: ConfigSection, median: Double?, p99: Double?, known: Double) {
        if let median, median <= 0 { section.fail("median has to be more than 0", at: "median", hint: "median: 80ms") }
        for (field, value) in [("median", median), ("p99", p99)] {
            if let value, value > latencyLimit { section.fail("\(field) is more than 1e9 seconds", at: field) }
        }
        if let p99, p99 <= 0 {
            section.fail("p99 has to be more than 0", at: "p99", hint: "p99: 900ms")
        } else if let p99, p99 < median ?? known {
            let hint = "at least \(Quantity.seconds(median ?? known))"
            section.fail("p99 is less than the median", at: "p99", hint: hint)
        }
    }

    private func numbers(_ section: ConfigSection, _ name: String) -> [Double]? {
        if let node = section.node(name), !node.isNull, node.items == nil {
            section.fail("\(node.kindInWords) is not a list of numbers", at: name, hint: "\(name): [0.1, 0.5]")
            return nil
        }
        guard let texts = section.strings(name) else { return nil }
        return texts.compactMap { text in
            if let number = Quantity.value(text) { return number }
            section.fail("\(GoText.quoted(text)) is not a number such as 0.5 or 80ms", at: name)
            return nil
        }
    }

    private mutating func readSteps(
        _ section: ConfigSection,
        _ latest: Int64,
        isRate: Bool = false,
        _ to: (ConfigSection) -> Double?
    ) {
        let isList: Bool
        if case .sequence = section.node("step")?.content { isList = true } else { isList = false }
        let parts =
            isList
            ? section.list("step", type: "step")
            : section.section("step", type: "step").map { [$0] } ?? []
        for part in parts where part.isReadable {
            let at = part.time("at")
            part.checkTime(at, at: "at", latest: latest)
            if let at, steps.contains(where: { $0.at == at }) {
                part.fail("there are two steps at this moment", at: "at", hint: "another moment for one of them")
            }
            let to = to(part)
            let by = part.amount("by")
            if isRate, let by, by < 0 { part.fail("what counts does not go back", at: "by", hint: "by: 0.5") }
            if at == nil, !part.has("at") { part.missing("at", hint: "step: {at: 10m, to: 50/s}") }
            if part.has("to") == part.has("by"), part.has("to") || !part.hasUnknown(besides: ["at", "to", "by"]) {
                let place = part.has("by") ? "by" : nil
                part.fail("a step has to, the new value, or by, a factor", at: place, hint: "step: {at: 10m, by: 2}")
            }
            if let to, kind == .gauge { checkBounds(part, to, at: "to") }
            steps.append(Step(at: at ?? 0, to: to, by: by ?? 1))
            part.finish(isListing: true)
        }
        steps.sort { $0.at < $1.at }
    }

    private mutating func readGrowth(_ section: ConfigSection) {
        guard let part = section.section("grows", type: "growth"), part.isReadable else { return }
        let most = part.whole("max") ?? 10_000
        if !(1...Self.partLimit).contains(most) {
            part.fail("max has to be between 1 and \(Self.partLimit)", at: "max")
        }
        let label = part.string("label") ?? ""
        if label.isEmpty { part.missing("label", hint: "grows: {label: user, rate: 5/m, max: 1000}") }
        if most <= Self.partLimit, parts.count * most > Self.partLimit {
            part.fail("that makes more than \(Self.partLimit) series", at: "max")
        }
        if parts.contains(where: { $0.labels.contains { $0.name == label } }) {
            part.fail("the metric has the label \(label) already", at: "label", hint: "leave it out of labels")
        }
        if !label.isEmpty { part.checkLabel(label, at: "label") }
        if hasOwnLabel(label) {
            part.fail("\(kind.inWords) has the label \(label) already", at: "label", hint: "another name")
        }
        let rate = part.rate("rate")
        if rate == 0 { part.fail("with a rate of 0 it never grows", at: "rate", hint: "rate: 5/m") }
        growth = Growth(label: label, rate: rate ?? 1 / 60, most: min(max(1, most), Self.partLimit))
        part.finish(isListing: true)
    }

    /// Labels: `{code: {"200": 95%, "500": 5%}}`, `{zone: [a, b]}`, `{path: 1..100}`, `{version: "1.2"}`.
    private mutating func readParts(_ section: ConfigSection) {
        guard let node = section.node("labels"), !node.isNull else { return }
        guard case .mapping(let entries) = node.content else {
            let words = "\(node.kindInWords) is not a mapping from names to values"
            section.fail(words, at: "labels", hint: "labels: {zone: [a, b]}")
            return
        }
        var last: [String: Int] = [:]
        for (index, entry) in entries.enumerated() { last[entry.key.name ?? ""] = index }
        for (index, entry) in entries.enumerated() {
            guard let label = entry.key.name else {
                let words = "\(entry.key.kindInWords) is not a name"
                section.fail(words, at: "labels", hint: "labels: {zone: [a, b]}")
                continue
            }
            if last[label] != index {
                // What is merged is what others may be said in place of.
                if entry.isMerged { continue }
                section.fail("the label \(label) is there twice", at: "labels", entry: label, hint: "each once")
                continue
            }
            func fail(_ words: String, hint: String? = nil) {
                section.fail(words, at: "labels", entry: label, hint: hint)
            }
            section.checkLabel(label, at: "labels")
            if hasOwnLabel(label) { fail("\(kind.inWords) has the label \(label) already", hint: "another name") }
            let values = values(of: label, entry.value, section)
            if values.isEmpty {
                fail("the label \(label) has no value", hint: "\(label): [a, b]")
                continue
            }
            let texts = values.map(\.text)
            if texts == [""], entry.value.text == "" {
                fail("a label without a value is none", hint: "\(label): a, or leave it out")
                continue
            }
            if Set(texts).count < texts.count {
                fail("the label \(label) has a value twice", hint: "each value once")
                continue
            }
            if parts.count * values.count > Self.partLimit {
                fail("that makes more than \(Self.partLimit) series", hint: "fewer values")
                continue
            }
            parts = parts.flatMap { part in
                values.map { value in
                    Part(
                        labels: part.labels + [Label(name: label, value: value.text)],
                        share: part.share * value.share
                    )
                }
            }
        }
    }

    /// Whether a label is one that the kind of metric has by itself.
    private func hasOwnLabel(_ label: String) -> Bool {
        kind == .histogram && label == "le" || kind == .summary && label == "quantile"
    }

    private func values(of label: String, _ node: ConfigNode, _ section: ConfigSection) -> [(
        text: String, share: Double
    )] {
        func fail(_ words: String, hint: String? = nil) {
            section.fail(words, at: "labels", entry: label, hint: hint)
        }
        switch node.content {
        case .scalar(let scalar):
            guard let dots = scalar.text.firstRange(of: ".."), let first = Int(scalar.text[..<dots.lowerBound]),
                let last = Int(scalar.text[dots.upperBound...])
            else { return [(scalar.text, 1)] }
            let (span, isTooLong) = last.subtractingReportingOverflow(first)
            if first > last {
                fail("\(GoText.quoted(scalar.text)) goes down", hint: "\(label): \(last)..\(first)")
                return [(scalar.text, 1)]
            }
            if isTooLong || span >= Self.partLimit {
                fail("\(GoText.quoted(scalar.text)) makes more than \(Self.partLimit) series", hint: "a shorter span")
                return [(scalar.text, 1)]
            }
            let share = 1 / Double(span + 1)
            return (first...last).map { ("\($0)", share) }
        case .sequence(let items):
            if let item = items.first(where: { $0.text == nil || $0.isNull }) {
                section.problems.add(
                    ConfigProblem(
                        .meaning,
                        "\(item.kindInWords) is not a text",
                        line: item.line,
                        column: item.column,
                        path: "\(section.path("labels")).\(label)",
                        hint: "\(label): [a, b]"
                    )
                )
            }
            let share = 1 / Double(max(1, items.count))
            return items.enumerated().map { ($1.text ?? "\($0)", share) }
        case .mapping(let entries):
            var isWrong = false
            let values = entries.map { entry -> (text: String, share: Double) in
                let text = entry.value.text ?? ""
                let share = Quantity.share(text)
                if share == nil || !(0...1).contains(share ?? 0) {
                    let name = entry.key.text ?? ""
                    isWrong = true
                    section.problems.add(
                        ConfigProblem(
                            .meaning,
                            "the share of \(label)=\(name) is \(GoText.quoted(text)), not such as 5%",
                            line: entry.key.line,
                            column: entry.key.column,
                            path: "\(section.path("labels")).\(label).\(name)",
                            hint: "all shares add up to 100%"
                        )
                    )
                }
                return (entry.key.text ?? "", share ?? 0)
            }
            let sum = values.reduce(0) { $0 + $1.share }
            if abs(sum - 1) > 1e-6, !isWrong, !entries.isEmpty {
                let text = GoNumber.text((sum * 10000).rounded() / 100, .shortest)
                fail("the shares of \(label) add up to \(text)%, not to 100%")
            }
            return values
        }
    }
}
