import Exposition
import MetricModel

/// What a client answers to those who ask for a form.
extension ScrapeConformance {
    private enum Form {
        static let text = "text/plain"
        static let openMetrics = "application/openmetrics-text"
        static let protobuf = "application/vnd.google.protobuf"
    }

    var text0: ClientFinding {
        guard let type = type(.text0) else { return ClientFinding(.text0, .fail, answer(.text0).summary) }
        let version = type.parameters["version"] ?? "0.0.4"
        let isGood = type.essence == Form.text && version == "0.0.4"
        return ClientFinding(.text0, isGood ? .pass : .fail, answer(.text0).summary)
    }

    var text1: ClientFinding {
        guard let type = type(.allowUTF8), type.essence == Form.text else {
            return ClientFinding(.text1, .fail, answer(.allowUTF8).summary)
        }
        switch type.parameters["version"] {
        case "1.0.0": return ClientFinding(.text1, .pass, answer(.allowUTF8).summary)
        case "0.0.4", nil:
            return ClientFinding(.text1, .skip, "answered as before: \(answer(.allowUTF8).summary)")
        default: return ClientFinding(.text1, .fail, answer(.allowUTF8).summary)
        }
    }

    var openMetrics0: ClientFinding { openMetrics(.openMetrics0, .openMetrics0, "0.0.1") }

    var openMetrics1: ClientFinding { openMetrics(.openMetrics1, .openMetrics1, "1.0.0") }

    private func openMetrics(_ rule: ClientRule, _ probe: ClientProbe, _ version: String) -> ClientFinding {
        let summary = answer(probe).summary
        guard let type = type(probe) else { return ClientFinding(rule, .fail, summary) }
        if type.essence == Form.text { return ClientFinding(rule, .skip, "not offered: \(summary)") }
        guard type.essence == Form.openMetrics, let answered = type.parameters["version"] else {
            return ClientFinding(rule, .fail, summary)
        }
        // Prometheus reads both versions alike.
        return ClientFinding(rule, answered == version ? .pass : .warn, summary)
    }

    var protobuf: ClientFinding {
        let summary = answer(.protobuf).summary
        guard let type = type(.protobuf) else { return ClientFinding(.protobuf, .fail, summary) }
        if type.essence == Form.text { return ClientFinding(.protobuf, .skip, "not offered: \(summary)") }
        let isDelimited =
            type.essence == Form.protobuf && type.parameters["encoding"] == "delimited"
            && type.parameters["proto"] == "io.prometheus.client.MetricFamily"
        let isRead = figures[.protobuf]?.error.isEmpty == true
        return ClientFinding(.protobuf, isDelimited && isRead ? .pass : .fail, summary)
    }

    var escaping: ClientFinding {
        var problems: [String] = []
        var named = 0
        for probe in ClientProbe.escapings {
            guard let type = type(probe), let figures = figures[probe] else {
                problems.append("escaping=\(probe.scheme): \(answer(probe).summary)")
                continue
            }
            let told = type.parameters["escaping"]
            if let told {
                named += 1
                if told != probe.scheme { problems.append("asked for \(probe.scheme), answered \(told)") }
            } else if type.parameters["version"] == "1.0.0" {
                problems.append("asked for \(probe.scheme), and the answer does not say how names are escaped")
            }
            // Without a word about it names are those of before.
            if told != "allow-utf-8",
                let odd = figures.samples.keys.first(where: { !Label.isLegacyMetricName($0.name) })
            {
                problems.append("\(GoText.quoted(odd.name)) is not escaped, although \(probe.scheme) was asked for")
            }
        }
        if problems.isEmpty, named == 0 {
            return ClientFinding(.escaping, .skip, "escaping is not offered, and no name needs it")
        }
        return .unless(.escaping, problems, else: "\(named) of 4 schemes answered as asked for")
    }

    /// The probes that got OpenMetrics.
    private var openMetricsProbes: [ClientProbe] {
        [.openMetrics1, .openMetrics0, .prometheus].filter { type($0)?.essence == Form.openMetrics }
    }

    var charset: ClientFinding {
        if openMetricsProbes.isEmpty { return ClientFinding(.charset, .skip, "OpenMetrics is not offered") }
        let problems = openMetricsProbes.filter { type($0)?.parameters["charset"]?.lowercased() != "utf-8" }.map {
            answer($0).summary
        }
        return .unless(.charset, problems, else: answer(openMetricsProbes[0]).summary)
    }

    var end: ClientFinding {
        if openMetricsProbes.isEmpty { return ClientFinding(.end, .skip, "OpenMetrics is not offered") }
        let problems = openMetricsProbes.compactMap { probe -> String? in
            let tail = (bodies[probe] ?? []).suffix(6)
            return tail.elementsEqual("# EOF\n".utf8)
                ? nil : "the body ends with \(GoText.quoted(String(decoding: tail, as: UTF8.self)))"
        }
        return .unless(.end, problems, else: "\(openMetricsProbes.count) bodies end with # EOF")
    }

    var textLint: ClientFinding { lint(.textLint, figures[.plain]?.format == .text ? .plain : nil, .text) }

    var openMetricsLint: ClientFinding { lint(.openMetricsLint, openMetricsProbes.first, .openmetrics) }

    private func lint(
        _ rule: ClientRule,
        _ probe: ClientProbe?,
        _ format: ExpositionLinter.Format
    ) -> ClientFinding {
        guard let probe, let body = bodies[probe] else { return ClientFinding(rule, .skip, "not offered") }
        let findings = ExpositionLinter.check(body, as: format).findings
        let errors = findings.filter { $0.severity == .error }
        guard let first = errors.first ?? findings.first else {
            return ClientFinding(rule, .pass, "nothing to say about \(body.count) bytes")
        }
        let verdict = errors.isEmpty ? ClientFinding.Verdict.warn : .fail
        let others = findings.count > 1 ? " (and \(findings.count - 1) more)" : ""
        let metric = first.metric.isEmpty ? "" : first.metric + ": "
        return ClientFinding(
            rule,
            verdict,
            "line \(first.line): \(metric)\(first.message) [\(first.rule.rawValue)]\(others)"
        )
    }
}
