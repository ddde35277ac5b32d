/// Times of rules in nanoseconds; what does not fit stays at the end of what does.
enum RuleTime {
    /// Milliseconds as nanoseconds.
    static func nanoseconds(milliseconds: Int64) -> Int64 {
        let (value, isOver) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return isOver ? (milliseconds < 0 ? .min : .max) : value
    }
}
