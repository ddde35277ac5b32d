import ConfigTree
import Exposition
public import MetricModel
public import Scrape

/// Reads samples from an engine elsewhere: by remote read where it has that, else by queries `selector[span]`, which every engine answers
/// with its samples as they are. Those have neither stale markers nor native histograms.
public final class EngineReader: SampleReader {
    private let client: EngineClient
    private let remote: RemoteReadClient?
    private let clock: any StackClock

    /// A reader over an engine.
    public init(
        _ client: EngineClient,
        clock: any StackClock,
        version: String,
        environment: [String: String]
    ) throws(TransportError) {
        self.client = client
        self.clock = clock
        if let read = client.config.read {
            remote = try RemoteReadClient(read, clock: clock, version: version, environment: environment)
        } else {
            remote = nil
        }
    }

    /// Where the engine is, without a password.
    var address: String { RecordedTraffic.url(client.base) }

    /// How far ahead of the clock samples may be, in milliseconds.
    private static let greatestLead: Int64 = 86_400_000
    /// The most values and names of fields in an answer; each takes about a hundred bytes while it is read.
    private static let nodeLimit = 20_000_000

    /// Closes connections.
    public func close() async {
        await remote?.close()
        await client.close()
    }

    /// Conditions of which one leaves something out: without, a selector is refused, and remote read answers nothing.
    private static func narrowed(_ matchers: [LabelMatcher]) -> [LabelMatcher] {
        guard matchers.allSatisfy(\.matchesEmpty), let any = try? LabelMatcher(Labels.metricName, .notEqual, "") else {
            return matchers
        }
        return matchers + [any]
    }

    /// The selector of such conditions.
    static func selector(_ matchers: [LabelMatcher]) -> String {
        let matchers = narrowed(matchers)
        let parts = matchers.map { matcher in
            let name = Label.isLegacyName(matcher.name) ? matcher.name : GoText.quoted(matcher.name)
            return name + matcher.operation.rawValue + GoText.quoted(matcher.value)
        }
        return "{" + parts.joined(separator: ",") + "}"
    }

    /// The samples of the span.
    public func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        guard request.start <= request.end else { return [] }
        let start = EngineForm.bounded(request.start)
        // Nobody has samples of the days to come, and a span of more than 292 years is none for an engine.
        let end = max(start, min(EngineForm.bounded(request.end), clock.now + Self.greatestLead))
        var found: [SeriesColumns]
        if let remote {
            do throws(RemoteReadFailure) {
                found = try await remote.read(
                    Self.narrowed(request.matchers),
                    start: start,
                    end: end,
                    externalLabels: []
                )
            } catch {
                if error.isCancelled { throw StorageError(.cancelled, "context canceled") }
                throw StorageError(.inputOutput, "remote_read: \(error.message)")
            }
        } else {
            var form = EngineForm()
            // The span of a range selector begins behind its start.
            form.add("query", Self.selector(request.matchers) + "[\(end - start + 1)ms]")
            form.add("time", EngineForm.seconds(end))
            let data = try await data("/api/v1/query", form)
            guard let rows = data["result"]?.items else { throw Self.unknown("query") }
            found = []
            for row in rows {
                guard let series = Self.series(row, start...end) else { throw Self.unknown("query") }
                if !series.isEmpty { found.append(series) }
            }
            found.sort { $0.labels < $1.labels }
        }
        try request.checkLimit(of: found)
        return found
    }

    /// A row of a matrix.
    private static func series(_ row: ConfigNode, _ span: ClosedRange<Timestamp>) -> SeriesColumns? {
        guard let labels = row["metric"].flatMap(Self.labels) else { return nil }
        var columns = SeriesColumns(labels: labels)
        for pair in row["values"]?.items ?? [] {
            guard let pair = pair.items, pair.count == 2, let time = pair[0].text.flatMap(milliseconds),
                let value = pair[1].text.flatMap(number)
            else { return nil }
            columns.timestamps.append(time)
            columns.values.append(value)
        }
        return columns.orderedByTime.clipped(to: span)
    }

    private static func labels(_ node: ConfigNode) -> Labels? {
        guard case .mapping(let entries) = node.content else { return nil }
        var labels: [Label] = []
        for entry in entries {
            guard let name = entry.key.text, let value = entry.value.text else { return nil }
            labels.append(Label(name: name, value: value))
        }
        return Labels(labels)
    }

    /// `1700000000.123` in milliseconds.
    static func milliseconds(_ text: String) -> Timestamp? {
        guard let seconds = Double(text), abs(seconds) < 1e15 else { return nil }
        return Timestamp((seconds * 1000).rounded())
    }

    private static func number(_ text: String) -> Double? {
        switch text {
        case "NaN": SpecialValue.nan
        case "+Inf", "Inf": .infinity
        case "-Inf": -.infinity
        default: Double(text)
        }
    }

    private static func unknown(_ what: String) -> StorageError {
        StorageError(.inputOutput, "the store elsewhere answered \(what) in a form that is not Prometheus's")
    }

    /// The field `data` of an answer.
    private func data(_ path: String, _ form: EngineForm, isPosted: Bool = true) async throws(StorageError)
        -> ConfigNode
    {
        let answer =
            isPosted
            ? try await client.ask(path, form: form.text)
            : try await client.ask(form.text.isEmpty ? path : "\(path)?\(form.text)", form: nil)
        let root: ConfigNode
        do throws(ConfigError) {
            root = try JSONReader.parse(answer.body, file: path, limit: Self.nodeLimit)
        } catch {
            let text = String(decoding: answer.body.prefix(200), as: UTF8.self)
            throw StorageError(
                .inputOutput,
                "the store elsewhere answered \(path) with status \(answer.status): \(text)"
            )
        }
        guard root["status"]?.text == "success", let data = root["data"] else {
            throw StorageError(
                .inputOutput,
                "the store elsewhere answered \(path) with status \(answer.status): \(root["error"]?.text ?? "")"
            )
        }
        return data
    }

    private func form(_ matcherSets: [[LabelMatcher]], _ span: TimeSpan) -> EngineForm {
        var form = EngineForm()
        for matchers in matcherSets { form.add("match[]", Self.selector(matchers)) }
        form.add("start", time: span.start)
        form.add("end", time: span.end)
        return form
    }

    /// Label sets, as the engine knows them.
    public func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        let sets = matcherSets.isEmpty ? [[]] : matcherSets
        guard let rows = try await data("/api/v1/series", form(sets, span)).items else {
            throw Self.unknown("series")
        }
        return LabelSets(Set(rows.compactMap(Self.labels)).sorted())
    }

    /// Names of labels, as the engine knows them.
    public func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [String] {
        let names = try await data("/api/v1/labels", form(matcherSets, span))
        return names.items?.compactMap(\.text).sorted() ?? []
    }

    /// Values of a label, as the engine knows them.
    public func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan)
        async throws(StorageError) -> [String]
    {
        let path = "/api/v1/label/\(URLText.host(name))/values"
        let values = try await data(path, form(matcherSets, span), isPosted: false)
        return values.items?.compactMap(\.text).sorted() ?? []
    }
}
