import MetricModel
import PromQL

extension RuleGroupState {
    /// What an expression found before it was the rule's turn.
    struct Ahead: Sendable {
        /// What it found.
        var answer: Result<[RuleElement], RuleFailure>
        /// How long that took, in seconds.
        var duration: Double
    }

    /// Whether a rule reads nothing that an earlier one of the group writes: its turn may come at any time.
    static func independence(of rules: [Rule]) -> [Bool] {
        var names: Set<String> = []
        return rules.map { rule in
            let isIndependent = !rule.reads.contains { $0.reads(anyOf: names) }
            switch rule.definition.kind {
            case .recording: names.insert(rule.definition.name)
            case .alerting: names.formUnion([AlertRule.alerts, AlertRule.forState])
            }
            return isIndependent
        }
    }

    /// The rules from one on whose expressions are evaluated at once: no more of them than keep all busy, since what they find has
    /// to wait for its turn.
    func window(from first: Int, _ concurrency: Int) -> Range<Int> {
        first..<min(rules.count, first + 4 * concurrency)
    }

    /// Evaluates the expressions of independent rules, as many at a time as there are places.
    func ask(
        ahead window: Range<Int>,
        at timestamp: Timestamp,
        _ environment: RuleEnvironment
    ) async -> [Int: Ahead] {
        var waiting = window.filter { isIndependent[$0] }.map { ($0, rules[$0].query) }[...]
        if waiting.count < 2 { return [:] }
        return await withTaskGroup(of: (Int, Ahead).self) { group in
            var found: [Int: Ahead] = [:]
            while true {
                if let (index, query) = waiting.first, environment.places.take() {
                    waiting.removeFirst()
                    group.addTask { (index, await Self.ahead(query, at: timestamp, environment)) }
                } else if let (index, answer) = await group.next() {
                    environment.places.giveBack()
                    found[index] = answer
                } else {
                    // Other groups have all the places: what is left is evaluated when its turn comes.
                    break
                }
            }
            return found
        }
    }

    private static func ahead(
        _ query: InstantQuery,
        at timestamp: Timestamp,
        _ environment: RuleEnvironment
    ) async -> Ahead {
        let began = environment.clock.steadyNanoseconds
        let answer: Result<[RuleElement], RuleFailure>
        do throws(RuleFailure) {
            answer = .success(try await environment.elements(query, at: timestamp))
        } catch {
            answer = .failure(error)
        }
        return Ahead(answer: answer, duration: Double(environment.clock.steadyNanoseconds - began) / 1e9)
    }
}
