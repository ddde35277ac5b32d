import Exposition
import MetricModel
import PromQL

extension PrometheusServer {
    /// Whether the time of a query that is asked for now is over, or the server ends.
    func timeLimitFromNow() -> @Sendable () -> Bool {
        let (deadline, isEndless) = clock.steadyNanoseconds.addingReportingOverflow(
            engine.options.timeout.multipliedReportingOverflow(by: 1_000_000).partialValue
        )
        return { [clock, queries = engine.activeQueries] in
            queries.isClosed || !isEndless && clock.steadyNanoseconds > deadline
        }
    }

    /// `/federate`: the newest sample of each selected series, for another Prometheus to scrape.
    func federate(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        let form = FormValues(request)
        if let error = form.error { return .error("error parsing form values: \(error)", status: 400) }
        let end = clock.now
        let isOver = timeLimitFromNow()
        var found = FederatedSeries(
            held: MemoryCharge(engine.memoryOfOneQuery()),
            hasSeveralSelectors: form.selectors.count > 1
        )
        for text in form.selectors {
            do {
                if TaskLimit.isOver { throw FederatedSeries.late }
                let matchers = try await engine.reading { parser throws(ParseError) in try parser.parseSelector(text) }
                // `{}` selects nothing here, as in Prometheus.
                if matchers.isEmpty { continue }
                let request = SelectRequest(
                    matchers: matchers,
                    start: end - settings.lookbackDelta,
                    end: end,
                    needsOnlyNewest: true
                )
                try found.add(await store.selection(request))
            } catch let error as PromQLError {
                return .error(error.message, status: error.code == .badData ? 400 : 503)
            } catch {
                if TaskLimit.isOver { return .error(FederatedSeries.late.message, status: 503) }
                ServerFigures.add(1, to: figures.federationErrors)
                return .error("\(error)", status: 500)
            }
        }
        var outer = environment.externalLabels()
        if !outer.contains(where: { $0.name == "instance" }) { outer.append(Label(name: "instance", value: "")) }
        outer.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        do throws(PromQLError) {
            return try found.response(as: MetricsAnswer.format(for: request), outer: outer, unless: isOver)
        } catch {
            return .error(error.message, status: 503)
        }
    }
}

/// What was selected, by name.
private struct FederatedSeries {
    /// So many series are looked at, and written at most, at a time.
    private static let piece = 1000
    /// So many bytes go out at a time.
    private static let pieceSize = 64 << 10

    static let late = PromQLError(.timeout, "federation timed out")

    /// Counts until the client has the answer, where that is long.
    let held: MemoryCharge
    private var families: [String: [Series]] = [:]
    /// Those that were found, where several selectors may find the same.
    private var known: Set<Labels>?

    private typealias Series = (labels: Labels, sample: Newest)

    init(held: MemoryCharge, hasSeveralSelectors: Bool) {
        self.held = held
        known = hasSeveralSelectors ? [] : nil
    }

    /// Adds those of a selector.
    mutating func add(_ selection: any SeriesSelection) throws {
        for start in stride(from: 0, to: selection.count, by: Self.piece) {
            if TaskLimit.isOver { throw Self.late }
            var bytes = 0
            func keep(_ labels: Labels, _ sample: Newest?) {
                guard let sample, !sample.isStale else { return }
                let name = labels.name
                if name.isEmpty || known?.insert(labels).inserted == false { return }
                families[name, default: []].append((labels, sample))
                bytes += labels.encoded.count + sample.heldBytes
            }
            switch try selection.newest(start..<min(start + Self.piece, selection.count)) {
            case .floats(let labels, let times, let values):
                for index in labels.indices { keep(labels[index], Newest(time: times[index], number: values[index])) }
            case .columns(let columns): for series in columns { keep(series.labels, Newest(of: series)) }
            }
            try held.add(bytes)
        }
    }

    /// The series of a name by their labels.
    private static func sorted(_ series: [Series]) throws(PromQLError) -> [Series] {
        var compared = 0
        do {
            return try series.sorted { left, right in
                compared += 1
                if compared & 0xffff == 0, TaskLimit.isOver { throw late }
                return left.labels < right.labels
            }
        } catch {
            throw late
        }
    }

    /// The answer, which is made while it goes out where it is long.
    /// - Parameters:
    ///   - outer: labels that outsiders are told of, for series that have none of that name.
    ///   - isOver: whether no more is to be sent.
    func response(
        as format: ExpositionFormat,
        outer: [Label],
        unless isOver: @escaping @Sendable () -> Bool
    ) throws(PromQLError) -> WebResponse {
        var pieces: [Piece] = []
        for name in families.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            let series = try Self.sorted(families[name] ?? []).filter {
                $0.sample.isShown(inText: format.kind != .protobuf)
            }
            var start = 0
            while start < series.count {
                // A name may be a number here and a histogram there; then it is several families, which Prometheus takes.
                let type = series[start].sample.type
                let isNew = start == 0 || series[start - 1].sample.type != type
                var end = start + 1
                // A family of protobuf is one message.
                while end < series.count, series[end].sample.type == type,
                    format.kind == .protobuf || end - start < Self.piece
                { end += 1 }
                let piece = Piece(name: name, type: type, isNew: isNew, series: series[start..<end])
                if piece.series.count > Self.piece { try held.add(piece.heldBytes) }
                pieces.append(piece)
                start = end
            }
        }
        let headers = [(name: "Content-Type", value: format.contentType)]
        guard pieces.reduce(0, { $0 + $1.series.count }) > Self.piece else {
            var encoder = FamilyEncoder(format)
            for piece in pieces { piece.append(to: &encoder, outer) }
            return WebResponse(headers: headers, body: .bytes(encoder.finish()))
        }
        let (held, all) = (held, pieces)
        return WebResponse(
            headers: headers,
            body: .stream { writer in
                var encoder = FamilyEncoder(format)
                for piece in all {
                    if isOver() { throw Self.late }
                    piece.append(to: &encoder, outer)
                    if encoder.output.count < Self.pieceSize { continue }
                    try await writer.write(encoder.output)
                    encoder.output.removeAll(keepingCapacity: true)
                }
                try await writer.write(encoder.finish())
                withExtendedLifetime(held) {}
            }
        )
    }

    /// Series of a family that are written at once.
    private struct Piece: Sendable {
        let name: String
        let type: MetricType
        /// Whether they are the first of their family.
        let isNew: Bool
        let series: ArraySlice<Series>

        /// How many bytes they take while they are written: labels as text, and all in the answer.
        var heldBytes: Int { series.reduce(0) { $0 + 4 * $1.labels.encoded.count + 200 } }

        func append(to encoder: inout FamilyEncoder, _ outer: [Label]) {
            let isText = encoder.format.kind != .protobuf
            let metrics = series.compactMap { labels, sample -> MetricFamily.Metric? in
                guard let value = sample.value(isText: isText) else { return nil }
                let own = labels.filter { $0.name != Labels.metricName }
                let added = outer.filter { labels[$0.name] == nil }
                return MetricFamily.Metric(labels: own + added, value: value, timestamp: sample.time)
            }
            var family = MetricFamily(name: name, type: type)
            family.metrics = metrics
            if isNew { encoder.append(family) } else { encoder.appendMore(of: family) }
        }
    }
}

/// The newest sample of a series, as other servers get it.
private struct Newest: Sendable {
    var time: Timestamp
    private var number = 0.0
    private var histogram: NativeHistogram?

    init(time: Timestamp, number: Double) {
        self.time = time
        self.number = number
    }

    init?(of series: SeriesColumns) {
        let last = series.timestamps.last
        if let time = series.histogramTimestamps.last, time > last ?? .min, let histogram = series.histograms.last {
            self.time = time
            self.histogram = histogram
        } else if let last, let value = series.values.last {
            time = last
            number = value
        } else {
            return nil
        }
    }

    /// How many bytes it takes.
    var heldBytes: Int { MemoryLayout<Self>.stride + 64 + (histogram?.accountedSize ?? 0) }

    /// Whether there is a form for it.
    func isShown(inText isText: Bool) -> Bool { !isText || (histogram?.usesCustomBounds ?? true) }

    var isStale: Bool { histogram?.isStale ?? SpecialValue.isStale(number) }

    var type: MetricType {
        guard let histogram else { return .unknown }
        return histogram.counterResetHint == .gauge ? .gaugehistogram : .histogram
    }

    /// Text has no native histograms; those with bounds of their own become classic ones.
    func value(isText: Bool) -> MetricFamily.Value? {
        guard let histogram else { return .untyped(number) }
        if histogram.usesCustomBounds {
            var counts: [Int32: Double] = [:]
            for bucket in histogram.positiveBucketList { counts[bucket.index] = bucket.count }
            var total = 0.0
            let buckets = histogram.customValues.enumerated().map { index, bound in
                total += counts[Int32(index)] ?? 0
                return MetricFamily.Histogram.Bucket(upperBound: bound, cumulativeCount: total)
            }
            return .histogram(
                MetricFamily.Histogram(buckets: buckets, sum: histogram.sum, count: histogram.count)
            )
        }
        if isText { return nil }
        var float = histogram
        float.isInteger = false
        return .histogram(MetricFamily.Histogram(sum: histogram.sum, count: histogram.count, native: float))
    }
}
