import MetricModel
package import Simulation

/// What is told of a failing world that was made smaller.
extension WorldReport {
    /// The place of the expectation that failed first; `nil` where none did.
    package var firstFailed: Int? {
        states.indices.filter(fails).min { left, right in
            (states[left].verdict?.time ?? 0, left) < (states[right].verdict?.time ?? 0, right)
        }
    }

    /// Whether the expectation at a place failed.
    func fails(_ index: Int) -> Bool { states.indices.contains(index) && !states[index].isMet && !states[index].isOpen }

    /// For people: first what it was made smaller for. What fails only here may rely on what was left out, which is no news.
    package func text(smallerThan whole: WorldReport) -> String {
        guard let first = whole.firstFailed, fails(first) else { return text }
        var lines = ["not met \(states[first].spec.title)"] + details(states[first]).map { "        " + $0 }
        let others = states.indices.filter { $0 != first && fails($0) }
        for index in others where whole.fails(index) { lines.append("not met \(states[index].spec.title)") }
        let new = others.filter { !whole.fails($0) }
        if !new.isEmpty {
            lines.append("only in the smaller world, where events are left out that they may rely on:")
            for index in new { lines.append("not met \(states[index].spec.title)") }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// An object of JSON: what is left of a failing world, and the command that opens the moment of its failure.
    package func json(_ smaller: WorldStudy.Smaller, of scenario: Scenario, leavingOut left: [Int]) -> String {
        func list(_ texts: [String]) -> String { "[\(texts.joined(separator: ","))]" }
        let look = firstFailed.flatMap { states[$0].verdict }.map { command($0.time) } ?? ""
        let kept = list(smaller.kept.map(String.init))
        return "{\"smallest\":{\"seed\":\(seed),\"isDone\":\(smaller.isDone),\"events\":\(kept),"
            + "\"leftOut\":\(list(left.map(String.init))),\"of\":\(scenario.events.count),"
            + "\"settings\":\(list(smaller.settings.map(JSONString.quoted))),\"look\":\(JSONString.quoted(look))}}"
    }
}
