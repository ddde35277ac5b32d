import Exposition
import HTTPCalling
import MetricModel
import NIOCore
import Scrape

/// What a request carries, and what an answer means.
package enum RemoteMessage {
    /// Labels of a series as a receiver gets them; `nil` for a series that a rule drops.
    static func labels(_ labels: Labels, external: [Label], rules: [RelabelRule]) -> Labels? {
        if external.isEmpty, rules.isEmpty { return labels }
        var builder = LabelsBuilder(labels)
        for label in external where builder[label.name] == nil { builder.set(label.name, label.value) }
        if !rules.isEmpty, !Relabeller.apply(rules, to: &builder) { return nil }
        return builder.build()
    }

    /// Samples as version 1 has them, packed.
    static func version1(_ items: [RemoteItem], _ extras: RemoteExtras, _ series: inout RemoteSeriesTable) -> [UInt8] {
        // As a rule there is nothing but numbers.
        if items.allSatisfy({ $0.kind == .float }) { return series.packed(items) }
        var output: [UInt8] = []
        for item in items {
            let known = series.encoded(Int(item.known))
            switch extras[item] {
            case nil: RemoteWriteParts.append(series: known, item.value, at: item.timestamp, to: &output)
            case .histogram(let histogram):
                RemoteWriteParts.append(
                    series: known,
                    .init(timestamp: item.timestamp, histogram: histogram),
                    to: &output
                )
            case .exemplar(let exemplar): RemoteWriteParts.append(series: known, exemplar, to: &output)
            }
        }
        return Snappy.encode(output)
    }

    /// Samples as version 2 has them, with what is known of their families, packed.
    static func version2(
        _ items: [RemoteItem],
        _ extras: RemoteExtras,
        _ series: inout RemoteSeriesTable,
        _ metadata: [String: MetricMetadata]
    ) -> [UInt8] {
        series.symbols.begin()
        var start = 0
        while start < items.count {
            let item = items[start]
            // Who takes an exemplar wants a sample of its series with it.
            var end = start + 1
            while end < items.count, items[end].isExemplar(of: item) { end += 1 }
            var exemplars: [Exemplar] = []
            for case .exemplar(let exemplar)? in items[start..<end].lazy.map({ extras[$0] }) {
                exemplars.append(exemplar)
            }
            start = end
            let known = series.symbols(Int(item.known)) { Self.metadata(of: $0, metadata) }
            switch extras[item] {
            case nil:
                series.symbols.add(
                    known.labels,
                    known.family,
                    sample: (item.value, item.timestamp, item.start),
                    exemplars: exemplars
                )
            case .histogram(let histogram):
                series.symbols.add(
                    known.labels,
                    known.family,
                    histogram: .init(timestamp: item.timestamp, startTimestamp: item.start, histogram: histogram),
                    exemplars: exemplars
                )
            case .exemplar: series.symbols.add(known.labels, known.family, exemplars: exemplars)
            }
        }
        return Snappy.encode(series.symbols.finish())
    }

    private static func metadata(of name: String, _ known: [String: MetricMetadata]) -> MetricMetadata {
        if let found = known[name] { return found }
        for suffix in ["_total", "_bucket", "_count", "_sum"] where name.hasSuffix(suffix) {
            if let found = known[String(name.dropLast(suffix.utf8.count))] { return found }
        }
        return MetricMetadata()
    }

    /// What is said of families (version 1).
    static func metadata(_ families: [(family: String, metadata: MetricMetadata)]) -> [UInt8] {
        var request = RemoteWriteRequest()
        request.metadata = families
        return request.encoded(as: .version1)
    }

    /// How a receiver is asked.
    static func request(
        _ config: RemoteWriteConfig,
        isVersion2: Bool,
        attempt: Int,
        version: String
    ) -> TargetRequest {
        var headers: [(name: String, value: String)] = config.headers
        headers += [
            ("Content-Encoding", "snappy"),
            (
                "Content-Type",
                isVersion2
                    ? "application/x-protobuf;proto=io.prometheus.write.v2.Request" : "application/x-protobuf"
            ), ("User-Agent", "Prometheus/\(version)"),
            ("X-Prometheus-Remote-Write-Version", isVersion2 ? "2.0.0" : "0.1.0"),
        ]
        if attempt > 0 { headers.append(("Retry-Attempt", "\(attempt)")) }
        var request = TargetRequest(
            url: config.url,
            headers: headers,
            timeoutMilliseconds: max(1, config.timeout),
            bodyLimit: 1 << 16
        )
        request.secretHeaders = Set(config.headers.map { $0.name.lowercased() })
        // However much is told with a refusal, it is one.
        request.cutsBody = true
        return request
    }

    /// What an answer means.
    struct Verdict: Sendable {
        var result: RemoteQueue.Result
        /// What is wrong; empty where nothing is.
        var problem = ""
        /// What of it was written, where the answer says so.
        var written: RemoteCounts?
    }

    /// The longest text of an answer that is told.
    private static let longestProblem = 1024

    static func verdict(
        _ answer: TargetResponse,
        _ config: RemoteWriteConfig,
        counts: RemoteCounts,
        now: Int64
    ) -> Verdict {
        let written = config.isVersion2 ? Self.written(answer) : nil
        if (200..<300).contains(answer.status) {
            guard config.isVersion2, counts.all > 0 else { return Verdict(result: .taken) }
            // Who knows only version 1 finds nothing in the message and says that all is well.
            guard let written else {
                return Verdict(
                    result: .refused,
                    problem:
                        "the receiver answered \(answer.statusText) without saying what it has written: it does not know "
                        + "version 2 of the protocol; set protobuf_message: prometheus.WriteRequest"
                )
            }
            return Verdict(result: .taken, written: written)
        }
        let text = String(decoding: answer.body.readableBytesView.prefix(longestProblem), as: UTF8.self)
        let line = text.prefix { $0 != "\n" && $0 != "\r\n" }
        let problem = "server returned HTTP status \(answer.statusText): \(line)"
        let passes = answer.status >= 500 || answer.status == 429 && config.queue.retriesTooMany
        guard passes else { return Verdict(result: .refused, problem: problem, written: written) }
        return Verdict(result: .later(retryAfter: retryAfter(answer.header("Retry-After"), now: now)), problem: problem)
    }

    /// What of it was written, as the answer says; a kind that it does not name was not. `nil` where it names none.
    private static func written(_ answer: TargetResponse) -> RemoteCounts? {
        func header(_ name: String) -> Int? {
            Int(answer.header("X-Prometheus-Remote-Write-\(name)-Written")).flatMap { $0 < 0 ? nil : $0 }
        }
        let told = (header("Samples"), header("Histograms"), header("Exemplars"))
        if told == (nil, nil, nil) { return nil }
        var written = RemoteCounts()
        (written.samples, written.histograms, written.exemplars) = (told.0 ?? 0, told.1 ?? 0, told.2 ?? 0)
        return written
    }

    /// The pause that an answer asks for, in nanoseconds; at most a day.
    package static func retryAfter(_ text: String, now: Int64) -> Int64? {
        let longest: Int64 = 86_400
        if let seconds = Int64(text), seconds > 0 { return min(longest, seconds) * 1_000_000_000 }
        guard let moment = HTTPMoment.seconds(text) else { return nil }
        let ahead = moment - now / 1_000_000_000
        if ahead > longest { return longest * 1_000_000_000 }
        let pause = ahead * 1_000_000_000 - now % 1_000_000_000
        return pause > 0 ? pause : nil
    }
}

/// Dates of HTTP (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPMoment {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970; `nil` where the text is anything else.
    static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int64(words[1]), let year = Int64(words[3]),
            let month = months.firstIndex(of: String(words[2])), (1970...9999).contains(year), (1...31).contains(day)
        else { return nil }
        let time = words[4].split(separator: ":").compactMap { Int64($0) }
        guard time.count == 3, (0...23).contains(time[0]), (0...59).contains(time[1]), (0...60).contains(time[2]) else {
            return nil
        }
        let days = CivilTime.days(year, Int64(month) + 1, day)
        return days * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
    }
}
