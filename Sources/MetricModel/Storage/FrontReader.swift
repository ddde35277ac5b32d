/// A reader in front of another one, which is asked for whatever this one does not answer by itself.
public protocol FrontReader: SampleReader {
    /// The one behind.
    var base: any SampleReader { get }
}

extension FrontReader {
    /// What the one behind selects.
    public func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        try await base.select(request)
    }
    /// The series of the one behind.
    public func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        try await base.series(matcherSets, in: span)
    }
    /// The names of the one behind.
    public func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [String] {
        try await base.labelNames(matcherSets, in: span)
    }
    /// The values of the one behind.
    public func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan)
        async throws(StorageError) -> [String]
    {
        try await base.labelValues(name, matcherSets, in: span)
    }
    /// The exemplars of the one behind.
    public func exemplars(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [SeriesExemplars]
    {
        try await base.exemplars(matcherSets, in: span)
    }
}
