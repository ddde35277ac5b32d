import MetricModel

/// The series that a query wants, captured at one moment.
struct StoredSelection: SeriesSelection {
    let request: SelectRequest
    /// Ascending.
    let series: [UInt32]
    /// Parallel to ``series``.
    let labels: [Labels]
    let capture: Capture
    let source: any PageSource

    var count: Int { series.count }

    func read(_ positions: Range<Int>) throws(StorageError) -> [SeriesColumns] {
        if positions.isEmpty { return [] }
        var assembler = Assembler(capture, source: source, start: request.start, end: request.end)
        assembler.parts = (series.count + positions.count - 1) / positions.count
        let wanted = Array(series[positions])
        var columns =
            request.needsOnlyNewest
            ? try assembler.newest(wanted, sampleLimit: request.sampleLimit)
            : try assembler.run(wanted, sampleLimit: request.sampleLimit)
        var hasEmptyOnes = false
        for index in columns.indices {
            if columns[index].timestamps.isEmpty, columns[index].histogramTimestamps.isEmpty {
                hasEmptyOnes = true
            } else {
                columns[index].labels = labels[positions.lowerBound + index]
            }
        }
        if hasEmptyOnes { columns.removeAll { $0.timestamps.isEmpty && $0.histogramTimestamps.isEmpty } }
        return columns
    }
}
