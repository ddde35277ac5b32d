package import MetricModel
import PromQL

/// Conditions that have to hold within a time.
package struct Expectations: Sendable {
    /// What came of one condition.
    package struct Outcome: Sendable, Hashable {
        package var condition: Condition
        /// What was seen last.
        package var last: Observation
        /// How often it was asked for.
        package var attempts = 0
        /// From the beginning until it held or was given up.
        package var nanoseconds: Int64 = 0

        package init(_ condition: Condition, last: Observation, attempts: Int = 0, nanoseconds: Int64 = 0) {
            self.condition = condition
            self.last = last
            self.attempts = attempts
            self.nanoseconds = nanoseconds
        }

        package init(_ expression: String, last: Observation, attempts: Int = 0, nanoseconds: Int64 = 0) {
            self.init(.expression(expression), last: last, attempts: attempts, nanoseconds: nanoseconds)
        }

        /// The condition as people wrote it.
        package var expression: String { condition.text }

        package var isMet: Bool { last.holds }

        var isSettled: Bool {
            if case .refused = last { return true }
            return isMet
        }
    }

    package var conditions: [Condition]
    /// How long to wait; 0 asks once.
    package var within: PrometheusDuration
    /// The pause between two attempts.
    package var interval = PrometheusDuration(milliseconds: 100)

    package init(_ conditions: [Condition], within: PrometheusDuration) {
        self.conditions = conditions
        self.within = within
    }

    package init(_ expressions: [String], within: PrometheusDuration) {
        self.init(expressions.map(Condition.expression), within: within)
    }

    /// The expressions of a file: one a line; blank lines and those that begin with `#` say nothing.
    package static func parse(file text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let bare = line.drop(while: \.isWhitespace)
            let end = bare.lastIndex { !$0.isWhitespace }
            guard let end, bare.first != "#" else { return nil }
            return String(bare[...end])
        }
    }

    /// Asks until each condition has held once, or the time is over.
    /// - Parameter ask: asks a server; it may take no longer than the time that it is given.
    package func wait(
        clock: any StackClock,
        ask: (_ condition: Condition, _ remaining: PrometheusDuration) async -> Observation
    ) async -> [Outcome] {
        let begin = clock.steadyNanoseconds
        let end = begin + within.nanoseconds
        var outcomes = conditions.map { Outcome($0, last: .series([])) }
        while true {
            for index in outcomes.indices where !outcomes[index].isSettled {
                let remaining = max(0, end - clock.steadyNanoseconds) / 1_000_000
                outcomes[index].last = await ask(
                    outcomes[index].condition,
                    PrometheusDuration(milliseconds: remaining)
                )
                outcomes[index].attempts += 1
                outcomes[index].nanoseconds = clock.steadyNanoseconds - begin
            }
            let now = clock.steadyNanoseconds
            if now >= end || outcomes.allSatisfy(\.isSettled) { return outcomes }
            let next = min(end, now.plus(interval.nanoseconds))
            guard (try? await clock.sleep(untilSteady: next)) != nil else { return outcomes }
        }
    }

    /// 0 where all hold, 2 where an expression is wrong, 3 where there was no server, 1 where one does not hold.
    package static func exitCode(_ outcomes: [Outcome]) -> Int32 {
        var code: Int32 = 0
        for outcome in outcomes {
            switch outcome.last {
            case .refused: return 2
            case .unreachable: code = 3
            case .series, .scalar, .notices, .failed: if code == 0, !outcome.isMet { code = 1 }
            }
        }
        return code
    }

    /// The selectors whose series are not to be there, as they stand in `absent` and `absent_over_time`, and the ranges of those
    /// that have one, in nanoseconds.
    static func absences(in tree: Expr) -> [(selector: VectorSelector, range: Int64?)] {
        var found: [(VectorSelector, Int64?)] = []
        tree.walk { node, path in
            guard case .vectorSelector(let selector) = node else { return true }
            let isAbsent = path.contains { outer in
                guard case .call(let call) = outer else { return false }
                return call.function.name == .absent || call.function.name == .absentOverTime
            }
            if isAbsent { found.append((selector, range(of: path))) }
            return true
        }
        return found
    }

    /// The range that is asked of a selector, by the path to it, in nanoseconds.
    static func range(of path: [Expr]) -> Int64? {
        if case .matrixSelector(let outer)? = path.last { outer.range } else { nil }
    }

    /// The selectors that an expression may be met by where they find nothing: those whose series are not to be there, and what stands on the
    /// right of `unless`.
    static func silences(in tree: Expr) -> [VectorSelector] {
        var found = absences(in: tree).map(\.selector)
        tree.walk { node, _ in
            guard case .binary(let binary) = node, binary.operation == .unless else { return true }
            found += allSelectors(in: binary.right)
            return true
        }
        return found
    }

    /// All selectors.
    static func allSelectors(in tree: Expr) -> [VectorSelector] {
        var found: [VectorSelector] = []
        tree.walk { node, _ in
            if case .vectorSelector(let selector) = node { found.append(selector) }
            return true
        }
        return found
    }

    /// Those of them that name a metric; none where the expression cannot be read.
    static func silentSelectors(_ expression: String) -> [NamedSelector] {
        guard let tree = try? PromQLParser().parse(expression) else { return [] }
        return silences(in: tree).compactMap { NamedSelector($0.matchers) }
    }

    /// The selectors of an expression that name a metric; none where it cannot be read.
    package static func selectors(_ expression: String) -> [NamedSelector] {
        guard let tree = try? PromQLParser().parse(expression) else { return [] }
        var seen: Set<NamedSelector> = []
        return allSelectors(in: tree).compactMap { NamedSelector($0.matchers) }.filter { seen.insert($0).inserted }
    }
}

/// A metric's name with conditions on its labels.
package struct NamedSelector: Sendable, Hashable {
    package var name: String
    package var matchers: [LabelMatcher]

    init?(_ all: [LabelMatcher]) {
        guard let name = all.first(where: { $0.name == Labels.metricName && $0.operation == .equal })?.value else {
            return nil
        }
        self.name = name
        matchers = all.filter { $0.name != Labels.metricName }
    }

    /// As it is written in a query.
    package var text: String {
        let conditions = matchers.map { "\($0.name)\($0.operation.rawValue)\(GoText.quoted($0.value))" }
        return conditions.isEmpty ? name : "\(name){\(conditions.joined(separator: ", "))}"
    }

    /// A query for all series with the name.
    package var anySeries: String { "{__name__=\(GoText.quoted(name))}" }
}
