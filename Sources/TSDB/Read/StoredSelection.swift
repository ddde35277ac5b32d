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
        var assembler = assembler(for: positions)
        let wanted = Array(series[positions])
        if request.needsOnlyNewest {
            return labelled(try assembler.newest(wanted, sampleLimit: request.sampleLimit).columns, positions)
        }
        return labelled(try assembler.run(wanted, sampleLimit: request.sampleLimit), positions)
    }

    func newest(_ positions: Range<Int>) throws(StorageError) -> NewestSamples {
        if positions.isEmpty { return .columns([]) }
        var assembler = assembler(for: positions)
        let wanted = positions.count == series.count ? series : Array(series[positions])
        let found = try assembler.newest(wanted, sampleLimit: request.sampleLimit)
        guard found.histograms.isEmpty else { return .columns(labelled(found.columns, positions)) }
        if !found.times.contains(.min) {
            // Where all labels are wanted nobody copies them one by one.
            let own = positions.count == labels.count ? labels : Array(labels[positions])
            return .floats(own, times: found.times, values: found.values)
        }
        let present = found.times.indices.filter { found.times[$0] != .min }
        return .floats(
            present.map { labels[positions.lowerBound + $0] },
            times: present.map { found.times[$0] },
            values: present.map { found.values[$0] }
        )
    }

    private func assembler(for positions: Range<Int>) -> Assembler {
        var assembler = Assembler(capture, source: source, start: request.start, end: request.end)
        assembler.parts = (series.count + positions.count - 1) / positions.count
        return assembler
    }

    /// The columns with their labels; those that are empty are left out.
    private func labelled(_ unlabelled: consuming [SeriesColumns], _ positions: Range<Int>) -> [SeriesColumns] {
        // Taken over: shared for a moment they would all be copied.
        var columns = unlabelled
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
