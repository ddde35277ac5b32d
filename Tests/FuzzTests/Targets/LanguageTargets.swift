import MetricModel
import PromQL
import RE2
import RuleTemplates

extension FuzzTarget {
    private static let data = TemplateData(
        labels: ["alertname": "a", "instance": "localhost:9090", "job": "é"],
        externalURL: "http://localhost:9090/",
        value: 1.5,
        time: 1_700_000_000_000
    )

    /// Answers of every query that a template can ask.
    private static func expand(_ template: TextTemplate) {
        var answers = TemplateAnswers()
        for _ in 0..<4 {
            guard case .needs(let query) = template.expand(data, answers: answers) else { return }
            answers.answers[query] = .samples([
                TemplateSample(labels: ["__name__": "m", "a": "b"], value: .nan),
                TemplateSample(labels: ["__name__": "m", "a": "c"], value: -7),
            ])
        }
    }

    static let language: [FuzzTarget] = [
        FuzzTarget("promql") { body in
            let parser = PromQLParser(options: .all)
            guard let tree = try? parser.parse(text(body)) else { return nil }
            let printed = "\(tree)"
            guard let again = try? parser.parse(printed) else { return "is printed as nonsense: \(printed)" }
            if let found = difference("printed again", printed, "\(again)") { return found }
            let pretty = tree.prettified
            guard let third = try? parser.parse(pretty) else { return "is made pretty as nonsense: \(pretty)" }
            return difference("made pretty", printed, "\(third)")
        },
        FuzzTarget(surviving: "series-description") { body in
            let parser = PromQLParser(options: .all)
            _ = try? parser.parseSeriesDescription(text(body))
            _ = try? parser.parseSelector(text(body))
            _ = try? parser.parseMetric(text(body))
        },
        // The first line is the pattern, the second what it is replaced by, and the rest the text.
        FuzzTarget("regex") { body in
            let lines = body.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false).map { text($0) }
            let (template, subject) = (lines.count > 1 ? lines[1] : "", lines.count > 2 ? lines[2] : "")
            guard let whole = try? RegularExpression(lines[0], anchored: true) else { return nil }
            let found = whole.captures(in: subject) != nil
            if found != whole.matches(subject) { return "matches only in one of two ways" }
            _ = whole.expand(template, in: subject)
            let part = try? RegularExpression(lines[0], anchored: false, dotMatchesNewline: false)
            var work = 1 << 24
            _ = part?.replacingAll(in: subject, with: template, limit: 1 << 20, work: &work)
            return nil
        },
        FuzzTarget(surviving: "template") { body in
            if let template = try? TextTemplate(alert: "a", text: text(body)) { expand(template) }
        },
    ]
}
