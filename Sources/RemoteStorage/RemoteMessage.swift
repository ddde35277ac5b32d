import Exposition
import HTTPCalling
import MetricModel
import NIOCore
import Scrape

/// What a request carries, and what an answer means.
enum RemoteMessage {
    /// Labels of a series as a receiver gets them; `nil` for a series that a rule drops.
    struct Series: Sendable {
        var labels: Labels
        /// The same as version 1 has them.
        var encoded: [UInt8]

        init?(_ labels: Labels, external: [Label], rules: [RelabelRule]) {
            var builder = LabelsBuilder(labels)
            for label in external where builder[label.name] == nil { builder.set(label.name, label.value) }
            if !rules.isEmpty, !Relabeller.apply(rules, to: &builder) { return nil }
            self.labels = external.isEmpty && rules.isEmpty ? labels : builder.build()
            encoded = RemoteWriteParts.labels(self.labels)
        }
    }

    /// Samples as version 1 has them.
    static func version1(_ items: [RemoteItem], _ series: [UInt32: Series]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(items.count * 96)
        for item in items {
            guard let known = series[item.series] else { continue }
            switch item.payload {
            case .float(let value):
                RemoteWriteParts.append(series: known.encoded, value, at: item.timestamp, to: &output)
            case .histogram(let histogram):
                RemoteWriteParts.append(
                    series: known.encoded,
                    .init(timestamp: item.timestamp, histogram: histogram),
                    to: &output
                )
            case .exemplar(let exemplar): RemoteWriteParts.append(series: known.encoded, exemplar, to: &output)
            }
        }
        return output
    }

    /// Samples as version 2 has them, with what is known of their families.
    static func version2(
        _ items: [RemoteItem],
        _ series: [UInt32: Series],
        _ metadata: [String: MetricMetadata]
    ) -> [UInt8] {
        var request = RemoteWriteRequest()
        // Who takes an exemplar wants a sample of its series with it.
        var exemplars: [Exemplar] = []
        for (index, item) in items.enumerated() {
            guard let known = series[item.series] else { continue }
            let told = Self.metadata(of: known.labels.name, metadata)
            exemplars.removeAll(keepingCapacity: true)
            for next in items[(index + 1)...] {
                guard next.series == item.series, case .exemplar(let exemplar) = next.payload else { break }
                exemplars.append(exemplar)
            }
            switch item.payload {
            case .float(let value):
                request.append(
                    known.labels,
                    timestamps: [item.timestamp],
                    values: [value],
                    startTimestamps: [item.start],
                    exemplars: exemplars,
                    metadata: told
                )
            case .histogram(let histogram):
                request.append(
                    known.labels,
                    histograms: [
                        .init(timestamp: item.timestamp, startTimestamp: item.start, histogram: histogram)
                    ],
                    exemplars: exemplars,
                    metadata: told
                )
            case .exemplar(let exemplar):
                if index > 0, items[index - 1].series == item.series { continue }
                request.append(known.labels, exemplars: [exemplar] + exemplars, metadata: told)
            }
        }
        return request.encoded(as: .version2)
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
        func header(_ name: String) -> Int? { Int(answer.header("X-Prometheus-Remote-Write-\(name)-Written")) }
        let told = (header("Samples"), header("Histograms"), header("Exemplars"))
        if told == (nil, nil, nil) { return nil }
        var written = RemoteCounts()
        (written.samples, written.histograms, written.exemplars) = (told.0 ?? 0, told.1 ?? 0, told.2 ?? 0)
        return written
    }

    /// The pause that an answer asks for, in nanoseconds; at most a day.
    static func retryAfter(_ text: String, now: Int64) -> Int64? {
        let longest: Int64 = 86_400
        if let seconds = Int64(text), seconds > 0 { return min(longest, seconds) * 1_000_000_000 }
        guard let moment = HTTPMoment.seconds(text) else { return nil }
        let pause = moment * 1_000_000_000 - now
        return pause > 0 ? min(longest * 1_000_000_000, pause) : nil
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
        guard time.count == 3 else { return nil }
        // Days since 1970 by years that begin in March.
        let shifted = month < 2 ? year - 1 : year
        let era = shifted / 400
        let inEra = shifted - era * 400
        let dayOfYear = (153 * Int64((month + 10) % 12) + 2) / 5 + day - 1
        let days = era * 146_097 + inEra * 365 + inEra / 4 - inEra / 100 + dayOfYear - 719_468
        return days * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
    }
}
