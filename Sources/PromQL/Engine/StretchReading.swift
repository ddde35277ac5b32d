internal import MetricModel
internal import Synchronization

/// What a selector reads.
struct SelectorRequest: Sendable {
    let matchers: [LabelMatcher]
    let start: Timestamp
    let end: Timestamp
    /// Whether only counts and sums of histograms are wanted.
    let reducesHistograms: Bool
    /// Whether of each series only the newest sample is looked at.
    var needsOnlyNewest = false
}

extension Evaluation {
    /// So many samples are read at once, as far as their number can be told in advance: they stay in the processor's caches.
    private static var samplesAtOnce: Int { 256 << 10 }
    /// What it takes to put a series together, in samples that could be looked at meanwhile.
    private static var workOfSeries: Int { 48 }

    /// Reads series a few at a time, on several cores where there are many, and answers what `body` makes of each stretch, in
    /// order. Only that is held.
    /// - Returns: the answers, and what rows of so many steps for the series hold.
    func read<Result: Sendable>(
        _ request: SelectorRequest,
        steps: Int,
        _ body: @escaping @Sendable ([SeriesColumns]) -> Result
    ) async throws(PromQLError) -> (answers: [Result], charge: MemoryCharge) {
        let reduces = request.reducesHistograms
        return try await read(request, steps: steps) { selection, positions, charge throws(PromQLError) in
            var series = try Self.read(selection, positions)
            if reduces { series = series.map(HistogramStatistics.reduced) }
            try charge.add(series.count * (8 * steps + 16))
            return body(series)
        }
    }

    /// Reads the newest samples of series a few at a time. As ``read(_:steps:_:)``.
    func readNewest<Result: Sendable>(
        _ request: SelectorRequest,
        _ body: @escaping @Sendable (NewestSamples) -> Result
    ) async throws(PromQLError) -> (answers: [Result], charge: MemoryCharge) {
        let reduces = request.reducesHistograms
        return try await read(request, steps: 1) { selection, positions, charge throws(PromQLError) in
            var newest = try Self.readNewest(selection, positions)
            try charge.add(positions.count * 24)
            if reduces, case .columns(let series) = newest {
                newest = .columns(series.map(HistogramStatistics.reduced))
            }
            return body(newest)
        }
    }

    private func read<Result: Sendable>(
        _ request: SelectorRequest,
        steps: Int,
        _ body: @escaping @Sendable (any SeriesSelection, Range<Int>, MemoryCharge) throws(PromQLError) -> Result
    ) async throws(PromQLError) -> (answers: [Result], charge: MemoryCharge) {
        let charge = try limits.charge()
        guard request.start <= request.end else { return ([], charge) }
        let selection = try await selection(request)
        let count = selection.count
        // Most series have a sample every fifteen seconds or so.
        let samplesPerSeries =
            request.needsOnlyNewest ? 1 : Int(clamping: (request.end - request.start) / 15_000) + 1
        let workOfSeries = request.needsOnlyNewest ? 0 : Self.workOfSeries
        let work = count.multipliedReportingOverflow(
            by: min(samplesPerSeries, 100_000) + min(steps, 100_000) + workOfSeries
        )
        let isParallel = work.overflow || work.partialValue >= ParallelRows.threshold
        let size = max(16, min(Self.samplesAtOnce / (samplesPerSeries + steps), isParallel ? (count + 1) / 2 : count))
        let limits = limits
        let answers = await ParallelRows.map(count, work: isParallel ? .max : 0) { rows in
            var answers: [Result] = []
            var failure: PromQLError?
            var position = rows.lowerBound
            do throws(PromQLError) {
                while position < rows.upperBound, !limits.isOver {
                    let end = min(position + size, rows.upperBound)
                    answers.append(try body(selection, position..<end, charge))
                    position = end
                }
            } catch { failure = error }
            return (answers, failure)
        }
        try limits.check()
        for case (_, let failure?) in answers { throw failure }
        return (answers.flatMap(\.0), charge)
    }

    /// The series at these positions of a selection.
    static func read(
        _ selection: any SeriesSelection,
        _ positions: Range<Int>
    ) throws(PromQLError) -> [SeriesColumns] {
        do throws(StorageError) {
            return try selection.read(positions)
        } catch {
            throw .from(error)
        }
    }

    private static func readNewest(
        _ selection: any SeriesSelection,
        _ positions: Range<Int>
    ) throws(PromQLError) -> NewestSamples {
        do throws(StorageError) {
            return try selection.newest(positions)
        } catch {
            throw .from(error)
        }
    }

    func selection(_ request: SelectorRequest) async throws(PromQLError) -> any SeriesSelection {
        do throws(StorageError) {
            return try await reader.selection(
                SelectRequest(
                    matchers: request.matchers,
                    start: request.start,
                    end: request.end,
                    sampleLimit: sampleLimit,
                    needsOnlyNewest: request.needsOnlyNewest
                )
            )
        } catch {
            try limits.check()
            throw .from(error)
        }
    }
}

/// Rows that were made from a stretch of series.
struct RowStretch<Tally: Sendable>: Sendable {
    var labels: [Labels]
    /// Row after row.
    var values: [Double]
    var tally: Tally

    /// Rows of so many steps, filled by `fill`.
    init(_ series: [SeriesColumns], steps: Int, _ fill: (UnsafeMutablePointer<Double>) -> Tally) {
        labels = series.map(\.labels)
        var tally: Tally?
        values = Array(unsafeUninitializedCapacity: series.count * steps) { buffer, count in
            count = series.count * steps
            guard let base = buffer.baseAddress else { return }
            tally = fill(base)
        }
        guard let tally else {
            // An empty buffer may have no address; there is nothing to be filled in it.
            var nothing = Absent.value
            self.tally = fill(&nothing)
            return
        }
        self.tally = tally
    }
}

extension RowStretch {
    /// Rows of one step.
    init(labels: [Labels], values: [Double], tally: Tally) {
        (self.labels, self.values, self.tally) = (labels, values, tally)
    }
}

extension SeriesMatrix {
    /// Rows of all the stretches, in order.
    init<Tally>(steps: Int, _ stretches: inout [RowStretch<Tally>]) {
        self.init(steps: steps)
        if stretches.count == 1 {
            // Taken over, so that nobody else holds them when names are dropped.
            swap(&labels, &stretches[0].labels)
            swap(&values, &stretches[0].values)
        } else {
            labels.reserveCapacity(stretches.reduce(0) { $0 + $1.labels.count })
            values.reserveCapacity(stretches.reduce(0) { $0 + $1.values.count })
            for index in stretches.indices {
                labels += stretches[index].labels
                stretches[index].labels = []
                values += stretches[index].values
                stretches[index].values = []
            }
        }
        dropsName = Array(repeating: false, count: labels.count)
    }
}
