/// A part of the time that a query takes.
public enum QuerySlice: String, Sendable, CaseIterable {
    /// Waiting among other queries.
    case queueTime = "queue_time"
    /// Getting ready to evaluate.
    case prepareTime = "prepare_time"
    /// Reading samples and evaluating.
    case innerEvaluation = "inner_eval"
    /// Sorting the result of a range query.
    case resultSort = "result_sort"
}
