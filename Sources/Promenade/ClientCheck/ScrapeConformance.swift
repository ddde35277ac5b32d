import Exposition
import MetricModel

/// Judges a client's endpoint by its answers: bytes in, findings out.
package struct ScrapeConformance: Sendable {
    let answers: [ClientProbe: ProbeAnswer]
    /// The bodies that could be unpacked and have a known type.
    let figures: [ClientProbe: ScrapedFigures]
    /// The same bodies, unpacked.
    let bodies: [ClientProbe: [UInt8]]

    package init(_ answers: [ClientProbe: ProbeAnswer]) {
        self.answers = answers
        var figures: [ClientProbe: ScrapedFigures] = [:]
        var bodies: [ClientProbe: [UInt8]] = [:]
        for (probe, answer) in answers where answer.status == 200 && probe != .head {
            guard let body = Self.unpacked(answer) else { continue }
            bodies[probe] = body
            let choice = ScrapeFormat.choose(contentType: answer.header("Content-Type") ?? "", fallback: nil)
            if let format = choice.format { figures[probe] = ScrapedFigures(body, format) }
        }
        self.figures = figures
        self.bodies = bodies
    }

    private static func unpacked(_ answer: ProbeAnswer) -> [UInt8]? {
        switch answer.header("Content-Encoding")?.lowercased() {
        case nil, "", "identity": answer.body
        case "gzip": try? GzipDecoder.decode(answer.body, limit: 1 << 28)
        default: nil
        }
    }

    /// All findings about scraping.
    package var findings: [ClientFinding] {
        let reachable = reachable
        // Where nothing answers there is nothing else to see.
        if reachable.verdict == .fail { return [reachable] }
        return [reachable, contentType, defaultFormat, bodyMatches, unknownAccept, prometheus]
            + [text0, text1, openMetrics0, openMetrics1, protobuf, escaping, charset, end, textLint, openMetricsLint]
            + [sameSeries, escapes, timestamps, gzip, unaskedCoding, head, query, timeoutHeader, keepAlive, concurrent]
            + repeats
    }

    func answer(_ probe: ClientProbe) -> ProbeAnswer { answers[probe] ?? ProbeAnswer(failure: "not asked") }

    /// The media type of an answer; `nil` where it has none that can be read.
    func type(_ probe: ClientProbe) -> MediaType? {
        answer(probe).header("Content-Type").flatMap { try? MediaType(parsing: $0) }
    }

    private var reachable: ClientFinding {
        let plain = answer(.plain)
        return ClientFinding(.reachable, plain.status == 200 ? .pass : .fail, plain.summary)
    }

    /// Every answer that is an exposition, in the order of the probes.
    private var good: [(ClientProbe, ProbeAnswer)] {
        ClientProbe.allCases.compactMap { probe in
            answers[probe].flatMap { $0.status == 200 && probe != .head ? (probe, $0) : nil }
        }
    }

    private var contentType: ClientFinding {
        let problems = good.compactMap { probe, answer -> String? in
            let type = answer.header("Content-Type") ?? ""
            let choice = ScrapeFormat.choose(contentType: type, fallback: nil)
            return choice.problem.map { "Accept: \(probe.accept ?? "(none)"): \($0.message)" }
        }
        return .unless(.contentType, problems, else: "\(good.count) answers, all with a type that is known")
    }

    private var defaultFormat: ClientFinding { expectText(.defaultFormat, .plain) }

    private var unknownAccept: ClientFinding { expectText(.unknownAccept, .unknownAccept) }

    private func expectText(_ rule: ClientRule, _ probe: ClientProbe) -> ClientFinding {
        let isText = answer(probe).status == 200 && type(probe)?.essence == "text/plain"
        return ClientFinding(rule, isText ? .pass : .fail, answer(probe).summary)
    }

    private var bodyMatches: ClientFinding {
        var problems: [String] = []
        for (probe, answer) in good {
            if bodies[probe] == nil {
                problems.append("the body is not \(answer.header("Content-Encoding") ?? ""), as its header says")
            } else if let figures = figures[probe], !figures.error.isEmpty {
                problems.append("read as \(figures.format.mediaType): \(figures.error)")
            }
        }
        let count = figures[.plain]?.samples.count ?? 0
        return .unless(.bodyMatches, problems, else: "\(figures.count) bodies read, \(count) series in the first")
    }

    private var prometheus: ClientFinding {
        let answer = answer(.prometheus)
        let isKnown = figures[.prometheus] != nil && type(.prometheus)?.essence != "application/vnd.google.protobuf"
        return ClientFinding(.prometheus, isKnown ? .pass : .fail, answer.summary)
    }

    private var timestamps: ClientFinding {
        let count = figures[.plain]?.timestamps ?? 0
        let total = figures[.plain]?.samples.count ?? 0
        return ClientFinding(.timestamps, count == 0 ? .pass : .warn, "\(count) of \(total) samples have one")
    }

    private var escapes: ClientFinding {
        // A raw quote or line feed inside a value cannot be read; what is left to see is whether escapes occur.
        guard let figures = figures[.plain], figures.format == .text, let body = bodies[.plain] else {
            return ClientFinding(.escapes, .skip, "no text to look at")
        }
        if !figures.error.isEmpty { return ClientFinding(.escapes, .fail, figures.error) }
        let count = body.count { $0 == UInt8(ascii: "\\") }
        if count == 0 {
            return ClientFinding(
                .escapes,
                .skip,
                "nothing to escape in this exposition: add a label value such as a\\b\"c"
            )
        }
        let escaped = figures.samples.keys.filter { labels in
            labels.contains { $0.value.contains { "\\\"\n".contains($0) } }
        }
        return ClientFinding(.escapes, .pass, "\(escaped.count) series with such characters, read back whole")
    }

    /// The text of a rule about series that every form tells of.
    private var sameSeries: ClientFinding {
        guard let plain = figures[.plain] else { return ClientFinding(.sameSeries, .skip, "no plain exposition") }
        var problems: [String] = []
        for probe in [ClientProbe.text0, .openMetrics0, .openMetrics1, .protobuf, .gzip] {
            guard let other = figures[probe], other.error.isEmpty else { continue }
            let missing = plain.names.subtracting(other.names).sorted()
            if let first = missing.first {
                problems.append("\(first) is not in \(other.format.mediaType) (\(missing.count) names differ)")
            }
        }
        return .unless(.sameSeries, problems, else: "\(plain.names.count) names in every form", .warn)
    }
}
