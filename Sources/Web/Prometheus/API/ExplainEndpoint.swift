import MetricModel
import PromQL

extension PrometheusServer {
    /// `GET /api/v1/explain?query=&time=`, or with `start`, `end` and `step`: how the query comes to its answer, part by part, as
    /// the engine has evaluated it; and why it has none, where it has none.
    func explain(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let options = try queryOptions(parameters)
        let query = parameters["query"]
        let span: PromQLEngine.ExplainedSpan
        if parameters.form.contains("start") || parameters.form.contains("step") {
            let (start, end, step) = try range(parameters)
            span = .range(from: start.engineMilliseconds, to: end.engineMilliseconds, step: step)
        } else {
            let time = try parameters.time("time", default: APITime(wallNanoseconds: clock.wallNanoseconds))
            span = .instant(at: time.engineMilliseconds)
        }
        let explanation: Explanation
        do throws(PromQLError) {
            explanation = try await engine.explain(query: query, over: span, reader: store, options: options)
        } catch {
            throw Self.failure(error)
        }
        let (warnings, infos) = explanation.annotations.rendered(query: query)
        var writer = ExplanationJSON(query: Array(query.utf8))
        if explanation.emptyReason != nil, let survey = environment.survey {
            writer.pushed = await survey.reason(explanation.root.expression, at: explanation.time) { selector in
                let found = try? await engine.instant(
                    .vectorSelector(selector),
                    at: clock.now,
                    reader: store,
                    options: options
                )
                guard case .vector(let rows)? = found?.value else { return true }
                return !rows.labels.isEmpty
            }
        }
        return .json(warnings: warnings, infos: infos) { writer.write(explanation, to: &$0) }
    }
}

/// Writes an explanation.
private struct ExplanationJSON {
    let query: [UInt8]
    /// What the Pushgateway has to do with the answer being empty.
    var pushed: PushedReason?

    func write(_ explanation: Explanation, to text: inout JSONText) {
        text.raw("{")
        text.field("time", isFirst: true)
        text.timestamp(explanation.time)
        text.field("node")
        write(explanation.root, to: &text)
        if let error = explanation.error {
            text.field("errorType")
            text.string(error.code.rawValue)
            text.field("error")
            text.string(error.message)
        }
        if let pushed {
            text.field("emptyReason")
            write(pushed, to: &text)
        } else if let reason = explanation.emptyReason {
            text.field("emptyReason")
            write(reason, to: &text)
        }
        text.raw("}")
    }

    private func slice(_ range: PositionRange) -> [UInt8] {
        let start = min(max(0, range.start), query.count)
        return Array(query[start..<min(max(start, range.end), query.count)])
    }

    /// The node's text with an ellipsis for each part below it.
    private func head(_ node: ExplainedNode) -> String {
        var result: [UInt8] = []
        var position = node.position.start
        for child in node.children.map(\.position).sorted(by: { $0.start < $1.start })
        where child.start >= position && child.end <= node.position.end {
            result += slice(PositionRange(start: position, end: child.start)) + Array("…".utf8)
            position = child.end
        }
        result += slice(PositionRange(start: position, end: node.position.end))
        return String(decoding: result, as: UTF8.self)
    }

    private func write(_ node: ExplainedNode, to text: inout JSONText) {
        text.raw("{")
        text.field("kind", isFirst: true)
        text.string(node.kind)
        if case .call(let call) = node.expression {
            text.field("function")
            text.string(call.function.name.rawValue)
        }
        if case .binary(let binary) = node.expression {
            text.field("operator")
            text.string(binary.operation.rawValue)
        }
        text.field("position")
        write(node.position, to: &text)
        text.field("text")
        text.string(String(decoding: slice(node.position), as: UTF8.self))
        text.field("head")
        text.string(head(node))
        text.field("type")
        text.string(node.type.rawValue)
        text.field("series")
        text.integer(node.series)
        text.field("samples")
        text.integer(node.samples)
        text.field("samplesRead")
        text.integer(node.samplesRead)
        text.field("seconds")
        text.number(node.seconds)
        list("labels", node.labels, to: &text) { label, text in
            text.raw("{")
            text.field("name", isFirst: true)
            text.string(label.name)
            text.field("count")
            text.integer(label.count)
            text.field("values")
            text.strings(label.values)
            text.raw("}")
        }
        text.field("gained")
        text.strings(node.gained)
        text.field("lost")
        text.strings(node.lost)
        list("examples", node.examples, to: &text) { series, text in write(series, to: &text) }
        if let matching = node.matching { write(matching, to: &text) }
        if let greatest = node.greatestWindow {
            text.field("greatestWindow")
            text.integer(greatest)
            list("windows", node.windows, to: &text) { window, text in write(window, to: &text) }
        }
        if !node.warnings.isEmpty {
            text.field("annotations")
            text.strings(node.warnings)
        }
        if let error = node.error {
            text.field("error")
            text.string(error)
        }
        list("children", node.children, to: &text) { child, text in write(child, to: &text) }
        text.raw("}")
    }

    private func list<Element>(
        _ name: StaticString,
        _ elements: [Element],
        to text: inout JSONText,
        _ write: (Element, inout JSONText) -> Void
    ) {
        text.field(name)
        text.list(elements, write)
    }

    private func write(_ position: PositionRange, to text: inout JSONText) {
        text.raw("{")
        text.field("start", isFirst: true)
        text.integer(position.start)
        text.field("end")
        text.integer(position.end)
        text.raw("}")
    }

    private func write(_ series: ExplainedSeries, to text: inout JSONText) {
        text.raw("{")
        text.field("metric", isFirst: true)
        text.labels(series.labels)
        if let histogram = series.histogram {
            text.field("histogram")
            text.histogram(histogram)
        } else if let value = series.value {
            text.field("value")
            text.value(value)
        }
        text.raw("}")
    }

    private func write(_ matching: ExplainedMatching, to text: inout JSONText) {
        text.field("matching")
        text.raw("{")
        text.field("matchedLeft", isFirst: true)
        text.integer(matching.matchedLeft)
        text.field("matchedRight")
        text.integer(matching.matchedRight)
        list("unmatchedLeft", matching.unmatchedLeft, to: &text) { $1.labels($0) }
        list("unmatchedRight", matching.unmatchedRight, to: &text) { $1.labels($0) }
        list("groups", matching.groups, to: &text) { group, text in
            text.raw("{")
            text.field("labels", isFirst: true)
            text.labels(group.labels)
            text.field("left")
            text.integer(group.left)
            text.field("right")
            text.integer(group.right)
            text.raw("}")
        }
        for (name, names) in [
            ("onlyLeft", matching.onlyLeft), ("onlyRight", matching.onlyRight), ("apart", matching.apart),
            ("shared", matching.shared),
        ] as [(StaticString, [String])] {
            text.field(name)
            text.strings(names)
        }
        text.raw("}")
    }

    private func write(_ window: ExplainedWindow, to text: inout JSONText) {
        text.raw("{")
        text.field("metric", isFirst: true)
        text.labels(window.labels)
        text.field("start")
        text.timestamp(window.start)
        text.field("end")
        text.timestamp(window.end)
        text.field("count")
        text.integer(window.count)
        text.field("histograms")
        text.integer(window.histograms)
        list("values", Array(zip(window.timestamps, window.values)), to: &text) { sample, text in
            text.raw("[")
            text.timestamp(sample.0)
            text.raw(",")
            text.value(sample.1)
            text.raw("]")
        }
        list("resets", window.resets, to: &text) { $1.timestamp($0) }
        if let result = window.result {
            text.field("result")
            text.value(result)
        }
        switch window.terms {
        case nil: break
        case .line(let slope, let atEnd):
            text.field("line")
            text.raw("{")
            text.field("slope", isFirst: true)
            text.value(slope)
            text.field("atEnd")
            text.value(atEnd)
            text.raw("}")
        case .change(let terms): write(terms, to: &text)
        }
        text.raw("}")
    }

    private func write(_ terms: RateTerms, to text: inout JSONText) {
        text.field("change")
        text.raw("{")
        text.field("first", isFirst: true)
        text.value(terms.first)
        for (name, value) in [
            ("last", terms.last), ("lost", terms.lost), ("change", terms.change), ("sampled", terms.sampled),
            ("averageGap", terms.averageGap), ("threshold", terms.threshold),
            ("distanceToStart", terms.distanceToStart), ("distanceToEnd", terms.distanceToEnd),
            ("toStart", terms.toStart), ("toEnd", terms.toEnd), ("factor", terms.factor),
        ] as [(StaticString, Double)] {
            text.field(name)
            text.value(value)
        }
        text.field("stopsAtZero")
        text.bool(terms.stopsAtZero)
        if let seconds = terms.seconds {
            text.field("seconds")
            text.value(seconds)
        }
        text.raw("}")
    }

    private func write(_ reason: PushedReason, to text: inout JSONText) {
        text.raw("{")
        text.field("kind", isFirst: true)
        text.string(reason.kind.rawValue)
        text.field("title")
        text.string(reason.title)
        text.field("details")
        text.strings(reason.details)
        text.field("position")
        write(reason.position, to: &text)
        list("suggestions", reason.query.map { [$0] } ?? [], to: &text) { query, text in
            text.raw("{")
            text.field("label", isFirst: true)
            text.string("Ask so")
            text.field("query")
            text.string(query)
            text.field("now")
            text.bool(false)
            text.raw("}")
        }
        if let retry = reason.retry {
            text.field("retry")
            text.number(Double(retry) / 1000)
        }
        text.raw("}")
    }

    private func write(_ reason: EmptyReason, to text: inout JSONText) {
        text.raw("{")
        text.field("kind", isFirst: true)
        text.string(reason.kind.rawValue)
        text.field("title")
        text.string(reason.title)
        text.field("details")
        text.strings(reason.details)
        text.field("position")
        write(reason.position, to: &text)
        list("suggestions", reason.suggestions, to: &text) { suggestion, text in
            text.raw("{")
            text.field("label", isFirst: true)
            text.string(suggestion.label)
            if let expression = suggestion.expression {
                text.field("query")
                text.string(expression)
            }
            if let time = suggestion.time {
                text.field("time")
                text.timestamp(time)
            }
            text.field("now")
            text.bool(suggestion.looksAtNow)
            text.raw("}")
        }
        text.raw("}")
    }
}
