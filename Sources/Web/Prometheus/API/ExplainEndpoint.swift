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
            explanation = try await engine.explain(query: query, over: span, reader: reader, options: options)
        } catch {
            throw Self.failure(error)
        }
        try ExplanationJSON.check(explanation)
        let (warnings, infos) = explanation.annotations.rendered(query: query)
        var writer = ExplanationJSON(query: Array(query.utf8))
        writer.elsewhere = environment.elsewhere
        if explanation.emptyReason != nil, let survey = environment.survey {
            writer.pushed = await survey.reason(explanation.root.expression, at: explanation.time) { selector in
                let found = try? await engine.instant(
                    InstantQuery(.vectorSelector(selector)),
                    at: clock.now,
                    reader: reader,
                    options: options
                )
                guard case .vector(let rows)? = found?.value else { return true }
                return !rows.labels.isEmpty
            }
        }
        return .json(writer.json(explanation), warnings: warnings, infos: infos)
    }
}

/// Writes an explanation of a query.
struct ExplanationJSON {
    /// The longest answer.
    private static let sizeLimit = 32 << 20
    /// The longest text of a part: whoever wants all of it has the query and the part's position.
    private static let textLimit = 1024

    let query: [UInt8]
    /// What the Pushgateway has to do with the answer being empty.
    var pushed: PushedReason?
    /// The store elsewhere that was read.
    var elsewhere: StoreElsewhere?

    /// Refuses what would be too long.
    static func check(_ explanation: Explanation) throws(APIFailure) {
        if explanation.root.toldBytes <= sizeLimit { return }
        throw APIFailure(.execution, "the explanation would be longer than \(sizeLimit >> 20)MiB")
    }

    func json(_ explanation: Explanation) -> JSONObject {
        var object: JSONObject = ["time": JSONTime(explanation.time), "node": json(explanation.root)]
        if let error = explanation.error { object += ["errorType": error.code.rawValue, "error": error.message] }
        object.add(
            "store",
            elsewhere.map { store -> JSONObject in
                ["url": store.url, "pushedDown": store.isExact ? "selectors" : "expression"]
            }
        )
        object.add("emptyReason", pushed.map(json) ?? explanation.emptyReason.map(json))
        return object
    }

    /// A part of the query, no more of it than is shown.
    private func slice(from start: Int, to end: Int) -> ArraySlice<UInt8> {
        let start = min(max(0, start), query.count)
        let end = min(max(start, end), query.count)
        return query[start..<min(end, start + Self.textLimit + 4)]
    }

    private func text(_ bytes: some RandomAccessCollection<UInt8>) -> String {
        if bytes.count <= Self.textLimit { return String(decoding: bytes, as: UTF8.self) }
        var shown = bytes.prefix(Self.textLimit + 1)
        // Not within a character.
        while let last = shown.popLast(), last & 0xC0 == 0x80 {}
        return String(decoding: shown, as: UTF8.self) + "…"
    }

    /// The node's text with an ellipsis for each part below it.
    private func head(_ node: ExplainedNode) -> String {
        var result: [UInt8] = []
        var position = node.position.start
        for child in node.children.map(\.position).sorted(by: { $0.start < $1.start })
        where child.start >= position && child.end <= node.position.end {
            if result.count > Self.textLimit { break }
            result += slice(from: position, to: child.start) + Array("…".utf8)
            position = child.end
        }
        result += slice(from: position, to: node.position.end)
        return text(result)
    }

    private func json(_ node: ExplainedNode) -> JSONObject {
        var object: JSONObject = ["kind": node.kind]
        if case .call(let call) = node.expression { object.add("function", call.function.name.rawValue) }
        if case .binary(let binary) = node.expression { object.add("operator", binary.operation.rawValue) }
        object += [
            "position": json(node.position),
            "text": text(slice(from: node.position.start, to: node.position.end)),
            "head": head(node),
            "type": node.type.rawValue,
            "series": node.series,
            "samples": node.samples,
            "samplesRead": node.samplesRead,
            "seconds": node.seconds,
            "labels": node.labels.map { label -> JSONObject in
                ["name": label.name, "count": label.count, "values": label.values]
            },
            "gained": node.gained,
            "lost": node.lost,
            "examples": node.examples.map(json),
        ]
        object.add("matching", node.matching.map(json))
        if let greatest = node.greatestWindow {
            object += ["greatestWindow": greatest, "windows": node.windows.map(json)]
        }
        if !node.warnings.isEmpty { object.add("annotations", node.warnings) }
        object.add("error", node.error)
        object.add("children", node.children.map(json))
        return object
    }

    private func json(_ position: PositionRange) -> JSONObject { ["start": position.start, "end": position.end] }

    private func json(_ series: ExplainedSeries) -> JSONObject {
        var object: JSONObject = ["metric": series.labels]
        if let histogram = series.histogram {
            object.add("histogram", JSONPart { $0.histogram(histogram) })
        } else {
            object.add("value", series.value.map(JSONSample.init))
        }
        return object
    }

    private func json(_ matching: ExplainedMatching) -> JSONObject {
        [
            "matchedLeft": matching.matchedLeft,
            "matchedRight": matching.matchedRight,
            "unmatchedLeft": matching.unmatchedLeft,
            "unmatchedRight": matching.unmatchedRight,
            "groups": matching.groups.map { group -> JSONObject in
                ["labels": group.labels, "left": group.left, "right": group.right]
            },
            "onlyLeft": matching.onlyLeft,
            "onlyRight": matching.onlyRight,
            "apart": matching.apart,
            "shared": matching.shared,
        ]
    }

    private func json(_ window: ExplainedWindow) -> JSONObject {
        var object: JSONObject = [
            "metric": window.labels,
            "start": JSONTime(window.start),
            "end": JSONTime(window.end),
            "count": window.count,
            "histograms": window.histograms,
            "values": JSONPart { text in
                text.list(zip(window.timestamps, window.values)) { sample, text in
                    text.raw("[")
                    text.timestamp(sample.0)
                    text.raw(",")
                    text.value(sample.1)
                    text.raw("]")
                }
            },
            "resets": window.resets.map(JSONTime.init),
        ]
        object.add("result", window.result.map(JSONSample.init))
        switch window.terms {
        case nil: break
        case .line(let slope, let atEnd):
            object.add("line", ["slope": JSONSample(slope), "atEnd": JSONSample(atEnd)] as JSONObject)
        case .change(let terms): object.add("change", json(terms))
        }
        return object
    }

    private func json(_ terms: RateTerms) -> JSONObject {
        let numbers: KeyValuePairs = [
            "first": terms.first, "last": terms.last, "lost": terms.lost, "change": terms.change,
            "sampled": terms.sampled, "averageGap": terms.averageGap, "threshold": terms.threshold,
            "distanceToStart": terms.distanceToStart, "distanceToEnd": terms.distanceToEnd,
            "toStart": terms.toStart, "toEnd": terms.toEnd, "factor": terms.factor,
        ]
        var object = JSONObject(numbers.map { ($0.key, JSONSample($0.value)) })
        object.add("stopsAtZero", terms.stopsAtZero)
        object.add("seconds", terms.seconds.map(JSONSample.init))
        return object
    }

    private func json(_ reason: PushedReason) -> JSONObject {
        var object = json(
            kind: reason.kind.rawValue,
            title: reason.title,
            details: reason.details,
            position: reason.position,
            suggestions: reason.query.map { [["label": "Ask so", "query": $0, "now": false]] } ?? []
        )
        object.add("retry", reason.retry.map { Double($0) / 1000 })
        return object
    }

    private func json(_ reason: EmptyReason) -> JSONObject {
        json(
            kind: reason.kind.rawValue,
            title: reason.title,
            details: reason.details,
            position: reason.position,
            suggestions: reason.suggestions.map { suggestion in
                var object: JSONObject = ["label": suggestion.label]
                object.add("query", suggestion.expression)
                object.add("time", suggestion.time.map(JSONTime.init))
                object.add("now", suggestion.looksAtNow)
                return object
            }
        )
    }

    /// Why an answer is empty, whatever the reason.
    private func json(
        kind: String,
        title: String,
        details: [String],
        position: PositionRange,
        suggestions: [JSONObject]
    ) -> JSONObject {
        ["kind": kind, "title": title, "details": details, "position": json(position), "suggestions": suggestions]
    }
}
