/// Compares answers of the query API, with nothing but the known differences masked.
struct AnswerComparison {
    let known: Differences

    /// Where two bodies differ; `nil` where they do not.
    func difference(want: String, got: String, query: String) -> String? {
        if want == got { return nil }
        let first = known.rewritten(want)
        let second = known.rewritten(got)
        if first == second { return nil }
        guard let want = JSONTree(first), let got = JSONTree(second) else {
            return "\(first.prefix(400)) / \(second.prefix(400))"
        }
        let words = ["stddev", "stdvar"]  // What is lost there depends most on the order of sums, which is not defined.
        let tolerance = words.contains { query.contains($0) } ? 1e-6 : 1e-11
        return JSONTree.difference(plain(want, query), plain(got, query), tolerance: tolerance)
    }

    /// An answer without what cannot be the same.
    private func plain(_ answer: JSONTree, _ query: String) -> JSONTree {
        var answer = answer.without(known.fields)
        if case .string(let text) = answer["data"], query.contains("ignoring") {
            // What is lost there makes lines shorter.
            answer["data"] = .string(text.filter { !$0.isWhitespace })
        }
        for name in known.uncounted(in: query) {
            guard var data = answer["data"], var stats = data["stats"], var samples = stats["samples"] else { continue }
            samples[name] = nil
            stats["samples"] = samples
            data["stats"] = stats
            answer["data"] = data
        }
        for name in ["warnings", "infos"] { answer[name] = annotations(answer[name], query) }
        if case .string(let error) = answer["error"] { answer["error"] = .string(known.rewritten(error: error)) }
        let isCut = answer["warnings"]?.array?.contains { $0.string?.contains("truncated") == true } == true
        if isCut {
            // Which series a limit takes depends on an order that is not defined.
            if let result = answer["data"]?["result"]?.array {
                var data = answer["data"]
                data?["result"] = .number(Double(result.count))
                answer["data"] = data
            } else if let names = answer["data"]?.array {
                answer["data"] = .number(Double(names.count))
            }
        } else if !known.comparesOrder(of: query), var data = answer["data"], let result = data["result"]?.array {
            let isSorted = query.hasPrefix("sort(") || query.hasPrefix("sort_desc(")
            if isSorted, result.first?["value"] != nil {
                // Among equal values the order is not defined.
                data["order"] = .array(result.map { $0["value"]?.array?.last ?? .null })
            }
            let byLabels = result.map { ($0["metric"]?.text ?? "", $0) }.sorted { $0.0 < $1.0 }
            data["result"] = .array(byLabels.map(\.1))
            answer["data"] = data
        }
        return answer
    }

    private func annotations(_ texts: JSONTree?, _ query: String) -> JSONTree? {
        guard let items = texts?.array?.compactMap(\.string) else { return texts }
        var kept = items.filter { known.isCompared(annotation: $0) }
        // Of more than ten, which ones are told is not defined.
        if kept.contains(where: { $0.contains("omitted") }) { return .number(Double(kept.count)) }
        if !known.comparesPositions(of: query) {
            kept = kept.map { $0.replacing(#/ \(\d+:\d+\)$/#, with: "") }.sorted()
        }
        return kept.isEmpty ? nil : .array(kept.map { .string($0) })
    }
}
