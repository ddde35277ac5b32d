internal import MetricModel

/// What a query tells beside its result: warnings and infos, each once.
public struct Annotations: Sendable {
    /// How serious an annotation is.
    public enum Severity: Sendable, Hashable {
        /// The result may be wrong.
        case warning
        /// The result is right but may not be what was meant.
        case info
    }

    /// One annotation.
    struct Entry: Sendable {
        var severity: Severity
        /// The text without position; entries with the same text are one.
        var text: String
        var position: PositionRange
        var details: Details = .none

        init(
            severity: Severity,
            text: String,
            position: PositionRange,
            details: Details = .none
        ) {
            self.severity = severity
            self.text = text
            self.position = position
            self.details = details
        }

        /// A warning of who was asked for samples.
        init(outside text: String) {
            self.init(severity: .warning, text: text, position: PositionRange(start: 0, end: 0), details: .outside)
        }
    }

    /// What is counted over all occurrences of an entry.
    enum Details: Sendable {
        case none
        /// It is about no place in the query.
        case outside
        case monotonicity(
            from: Timestamp,
            to: Timestamp,
            lowest: Double,
            highest: Double,
            greatestDifference: Double,
            count: Int
        )
        case overlap(count: Int)
    }

    private(set) var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    /// No annotations.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { entries.isEmpty }

    mutating func add(_ entry: Entry) {
        if let known = positions[entry.text] {
            entries[known].absorb(entry)
        } else {
            positions[entry.text] = entries.count
            entries.append(entry)
        }
    }

    mutating func merge(_ other: Annotations) {
        if entries.isEmpty {
            self = other
            return
        }
        for entry in other.entries { add(entry) }
    }

    /// The texts with positions in the query, as clients get them: at most so many of each kind, and then how many there
    /// are beyond. 0 for no limit.
    public func rendered(query: String, limit: Int = 10) -> (warnings: [String], infos: [String]) {
        (render(.warning, query, limit), render(.info, query, limit))
    }

    private func render(_ severity: Severity, _ query: String, _ limit: Int) -> [String] {
        let chosen = entries.filter { $0.severity == severity }
        guard limit > 0, chosen.count > limit else { return chosen.map { $0.rendered(query: query) } }
        let kind = severity == .warning ? "warning" : "info"
        return chosen[..<limit].map { $0.rendered(query: query) }
            + ["\(chosen.count - limit) more \(kind) annotations omitted"]
    }
}

extension Annotations.Entry {
    mutating func absorb(_ other: Self) {
        switch (details, other.details) {
        case (
            .monotonicity(let from, let to, let lowest, let highest, let difference, let count),
            .monotonicity(let from2, let to2, let lowest2, let highest2, let difference2, let count2)
        ):
            details = .monotonicity(
                from: min(from, from2),
                to: max(to, to2),
                lowest: min(lowest, lowest2),
                highest: max(highest, highest2),
                greatestDifference: max(difference, difference2),
                count: count + count2
            )
        case (.overlap(let count), .overlap(let count2)):
            details = .overlap(count: count + count2)
        default:
            // The last one tells where.
            position = other.position
        }
    }

    func rendered(query: String) -> String {
        if query.isEmpty { return text }
        let place = position.lineAndColumn(in: query)
        switch details {
        case .none: return "\(text) (\(place))"
        case .outside: return text
        case .overlap(let count): return count > 1 ? "\(text) (\(count) occurrences) (\(place))" : "\(text) (\(place))"
        case .monotonicity(let from, let to, let lowest, let highest, let difference, let count):
            let bounds = "\(GoNumber.text(lowest, .shortest)) to \(GoNumber.text(highest, .shortest))"
            return "\(text), from buckets \(bounds), with a max diff of \(NumberText.twoDigits(difference)), "
                + "over \(count) samples from \(CivilTime.rfc3339(seconds: from / 1000)) to \(CivilTime.rfc3339(seconds: to / 1000)) (\(place))"
        }
    }
}
