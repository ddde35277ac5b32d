/// Times of rules in nanoseconds; what does not fit stays at the end of what does.
enum RuleTime {
    /// Milliseconds as nanoseconds.
    static func nanoseconds(milliseconds: Int64) -> Int64 {
        let (value, isOver) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return isOver ? (milliseconds < 0 ? .min : .max) : value
    }

    /// A time so much later.
    static func later(_ time: Int64, by span: Int64) -> Int64 {
        let (value, isOver) = time.addingReportingOverflow(span)
        return isOver ? (span < 0 ? .min : .max) : value
    }

    /// The time from one moment to another.
    static func span(from start: Int64, to end: Int64) -> Int64 {
        let (value, isOver) = end.subtractingReportingOverflow(start)
        return isOver ? (end < start ? .min : .max) : value
    }
}
