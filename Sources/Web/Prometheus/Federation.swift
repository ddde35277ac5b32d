import Exposition
import MetricModel
import PromQL

extension PrometheusServer {
    /// `/federate`: the newest sample of each selected series, for another Prometheus to scrape.
    func federate(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        let form = FormValues(request)
        if let error = form.error { return .error("error parsing form values: \(error)", status: 400) }
        let end = clock.now
        let start = end - settings.lookbackDelta
        let format = MetricsAnswer.format(for: request)
        var newest: [Labels: Newest] = [:]
        let deadline = clock.steadyNanoseconds.addingReportingOverflow(
            engine.options.timeout.multipliedReportingOverflow(by: 1_000_000).partialValue
        )
        for text in form.selectors {
            if !deadline.overflow, clock.steadyNanoseconds > deadline.partialValue {
                return .error("federation timed out", status: 503)
            }
            let found: [SeriesColumns]
            do {
                let matchers = try await engine.reading { parser throws(ParseError) in try parser.parseSelector(text) }
                // `{}` selects nothing here, as in Prometheus.
                if matchers.isEmpty { continue }
                found = try await store.select(SelectRequest(matchers: matchers, start: start, end: end))
            } catch let error as PromQLError {
                return .error(error.message, status: error.code == .badData ? 400 : 503)
            } catch {
                ServerFigures.add(1, to: figures.federationErrors)
                return .error("\(error)", status: 500)
            }
            for series in found {
                guard let sample = Newest(of: series), !sample.isStale else { continue }
                newest[series.labels] = sample
            }
        }
        let body = FamilyEncoder.encode(families(of: newest, format), as: format)
        return WebResponse(headers: [("Content-Type", format.contentType)], body: .bytes(body))
    }

    /// Untyped families and families of histograms by name; labels that outsiders are told of are added where a series has
    /// none of that name.
    private func families(of newest: [Labels: Newest], _ format: ExpositionFormat) -> [MetricFamily] {
        var outer = environment.externalLabels()
        if !outer.contains(where: { $0.name == "instance" }) { outer.append(Label(name: "instance", value: "")) }
        outer.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let sorted = newest.sorted { left, right in
            let names = (left.key.name, right.key.name)
            return names.0 == names.1
                ? left.key < right.key : names.0.utf8.lexicographicallyPrecedes(names.1.utf8)
        }
        var families: [MetricFamily] = []
        for (labels, sample) in sorted {
            let name = labels.name
            guard !name.isEmpty, let value = sample.value(isText: format.kind != .protobuf) else { continue }
            // A name may be a number here and a histogram there; then it is several families, which Prometheus takes.
            if families.last?.name != name || families.last?.type != sample.type {
                families.append(MetricFamily(name: name, type: sample.type))
            }
            let own = labels.filter { $0.name != Labels.metricName }
            let added = outer.filter { labels[$0.name] == nil }
            families[families.count - 1].metrics.append(
                MetricFamily.Metric(labels: own + added, value: value, timestamp: sample.time)
            )
        }
        return families
    }
}

/// The newest sample of a series, as other servers get it.
private struct Newest {
    var time: Timestamp
    private var number = 0.0
    private var histogram: NativeHistogram?

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
