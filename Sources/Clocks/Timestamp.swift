/// Milliseconds since 1970-01-01T00:00:00Z, the unit of every stored sample.
public typealias Timestamp = Int64

extension Timestamp {
    /// The time so much later; the end of what there is where that does not fit.
    package func plus(_ span: Int64) -> Int64 {
        let (sum, isOver) = addingReportingOverflow(span)
        return isOver ? (span < 0 ? .min : .max) : sum
    }

    /// The time so much earlier, or the span since another time; the end of what there is where that does not fit.
    package func minus(_ other: Int64) -> Int64 {
        let (difference, isOver) = subtractingReportingOverflow(other)
        return isOver ? (other > 0 ? .min : .max) : difference
    }
}
