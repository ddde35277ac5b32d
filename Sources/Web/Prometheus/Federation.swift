import MetricModel
import PromQL

extension PrometheusServer {
    /// `/federate`: the newest sample of each selected series, for another Prometheus to scrape.
    func federate(_ request: WebRequest) async -> WebResponse {
        let form = FormValues(request)
        if let error = form.error { return .error("error parsing form values: \(error)", status: 400) }
        let end = clock.now
        let start = end - settings.lookbackDelta
        var newest: [Labels: (time: Timestamp, value: Double)] = [:]
        for text in form.values("match[]") {
            let found: [SeriesColumns]
            do {
                let matchers = try parser.parseSelector(text)
                found = try await store.select(SelectRequest(matchers: matchers, start: start, end: end))
            } catch let error as ParseError {
                return .error(error.description, status: 400)
            } catch {
                return .error("\(error)", status: 500)
            }
            for series in found {
                guard let time = series.timestamps.last, let value = series.values.last, !SpecialValue.isStale(value)
                else { continue }
                newest[series.labels] = (time, value)
            }
        }
        return MetricsAnswer.response(to: request, families: families(of: newest))
    }

    /// Untyped families by name; labels that outsiders are told of are added where a series has none of that name.
    private func families(of newest: [Labels: (time: Timestamp, value: Double)]) -> [MetricFamily] {
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
            guard !name.isEmpty else { continue }
            if families.last?.name != name { families.append(MetricFamily(name: name)) }
            let own = labels.filter { $0.name != Labels.metricName }
            let added = outer.filter { labels[$0.name] == nil }
            families[families.count - 1].metrics.append(
                MetricFamily.Metric(labels: own + added, value: .untyped(sample.value), timestamp: sample.time)
            )
        }
        return families
    }
}
