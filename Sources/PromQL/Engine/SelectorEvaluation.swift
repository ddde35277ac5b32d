internal import MetricModel

/// Where to look for a vector selector's sample at each step.
struct Lookup: Sendable {
    let grid: StepGrid
    let offset: Int64
    /// How far back a sample may lie.
    let lookback: Int64
    /// The time to look at for every step, where `@` fixes it (offset taken into account).
    var fixedTime: Timestamp?

    func time(_ step: Int) -> Timestamp { fixedTime ?? (grid.time(step) - offset) }

    /// For each step the position of the newest sample that is not too old, -1 where there is none.
    func positions(_ timestamps: [Timestamp]) -> [Int32] {
        timestamps.withUnsafeBufferPointer { timestamps in
            var result = [Int32](repeating: -1, count: grid.count)
            var next = WindowBounds.firstIndex(timestamps, after: time(0))
            for step in 0..<grid.count {
                let time = time(step)
                while next < timestamps.count, timestamps[next] <= time { next += 1 }
                if next > 0, timestamps[next - 1] > time - lookback { result[step] = Int32(next - 1) }
            }
            return result
        }
    }
}

/// What depends on a column of timestamps only, worked out once for the series that share it.
struct SharedColumnCache<Value> {
    private var known: [UnsafeRawPointer: (count: Int, value: Value)] = [:]
    private var last: (key: UnsafeRawPointer, count: Int, value: Value)?

    /// The value for a column. The array has to outlive the cache.
    /// - Parameter isLarge: whether no more than one value is to be kept.
    mutating func value(for timestamps: [Timestamp], isLarge: Bool = false, _ make: () -> Value) -> Value {
        let key = timestamps.withUnsafeBufferPointer { UnsafeRawPointer($0.baseAddress) }
        guard let key, !timestamps.isEmpty else { return make() }
        if key == last?.key, let last, last.count == timestamps.count { return last.value }
        if let entry = known[key], entry.count == timestamps.count {
            last = (key, entry.count, entry.value)
            return entry.value
        }
        if isLarge { last = nil }
        let value = make()
        if !isLarge { known[key] = (timestamps.count, value) }
        last = (key, timestamps.count, value)
        return value
    }
}

extension Evaluation {
    /// The scope's effective time for `@`, and the range of time that a selector needs.
    func selectionSpan(_ node: VectorSelector, _ grid: StepGrid, range: Int64?) -> (Timestamp, Timestamp) {
        var start = node.timestamp ?? grid.start
        var end = node.timestamp ?? grid.last
        if let range {
            start -= range - 1
            if node.isAnchored || node.isSmoothed { start -= lookback }
            if node.isSmoothed { end += lookback }
        } else {
            start -= lookback - 1
            if node.isSmoothed { end += lookback }
        }
        let offset = node.offset / 1_000_000
        return (start - offset, end - offset)
    }

    /// What a selector reads.
    func request(_ node: VectorSelector, _ scope: Scope, range: Int64? = nil) -> SelectorRequest {
        let (start, end) = selectionSpan(node, scope.grid, range: range)
        return SelectorRequest(
            matchers: node.matchers,
            start: start,
            end: end,
            reducesHistograms: scope.needsOnlyHistogramStats && !scope.needsWholeHistograms
        )
    }

    /// The series of a selector, all at once.
    func series(_ node: VectorSelector, _ scope: Scope, range: Int64? = nil) async throws(PromQLError)
        -> [SeriesColumns]
    {
        let request = request(node, scope, range: range)
        let series = try await select(request.matchers, from: request.start, to: request.end)
        return request.reducesHistograms ? series.map(HistogramStatistics.reduced) : series
    }

    func lookup(_ node: VectorSelector, _ grid: StepGrid) -> Lookup {
        let offset = node.offset / 1_000_000
        return Lookup(grid: grid, offset: offset, lookback: lookback, fixedTime: node.timestamp.map { $0 - offset })
    }

    func evaluateSelector(_ node: VectorSelector, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        if node.isSmoothed {
            var notes = Annotations()
            let lookup = lookup(node, scope.grid)
            let series = try await series(node, scope)
            let charge = try limits.charge(8 * series.count * scope.grid.count)
            var matrix = try SmoothedSelector(lookup: lookup, position: node.position, limits: limits)
                .evaluate(series, &notes)
            matrix.charge = charge
            annotations.merge(notes)
            try holdSurroundings(series, lookup, scope)
            return matrix
        }
        let lookup = lookup(node, scope.grid)
        let tracksSteps = scope.samples.tracksSteps
        let limits = limits
        var request = request(node, scope)
        request.needsOnlyNewest = scope.grid.count == 1 || lookup.fixedTime != nil
        var stretches: [RowStretch<Lookup.Outcome>]
        let charge: MemoryCharge
        if scope.grid.count == 1 {
            (stretches, charge) = try await readNewest(request) { newest in
                switch newest {
                case .floats(let labels, _, let values):
                    lookup.newest(labels, values, tracksSteps: tracksSteps)
                case .columns(let series): lookup.newest(series, tracksSteps: tracksSteps, limits)
                }
            }
        } else {
            (stretches, charge) = try await read(request, steps: scope.grid.count) { series in
                lookup.newest(series, tracksSteps: tracksSteps, limits)
            }
        }
        var samples = 0
        var histograms: [(row: Int, points: [NativeHistogram?])] = []
        var first = 0
        for stretch in stretches {
            try limits.check()
            scope.samples.add(stretch.tally.tally)
            samples += stretch.tally.tally.total
            for (row, points) in stretch.tally.histograms where points.contains(where: { $0 != nil }) {
                histograms.append((first + row, points))
            }
            first += stretch.labels.count
        }
        var matrix = SeriesMatrix(steps: scope.grid.count, &stretches)
        matrix.charge = charge
        for (row, points) in histograms {
            if matrix.histograms.isEmpty { matrix.histograms = Array(repeating: nil, count: matrix.rows) }
            matrix.histograms[row] = points
        }
        try hold(samples, scope)
        matrix.dropEmptyRows()
        return matrix
    }
}

extension Evaluation {
    /// Counts the samples around each step, which smoothing goes through series by series; those of the last step stay held.
    private func holdSurroundings(_ series: [SeriesColumns], _ lookup: Lookup, _ scope: Scope) throws(PromQLError) {
        var meter = WorkMeter(limits)
        for series in series {
            try limits.check()
            let columns = series.hasStaleMarkers ? series.withoutStaleMarkers : series
            var last = 0
            for step in 0..<scope.grid.count {
                let (start, end) = (lookup.time(step) - lookback, lookup.time(step) + lookback)
                let histograms = MixedWindow.range(columns.histogramTimestamps, start, end)
                last = MixedWindow.range(columns.timestamps, start, end).count
                try meter.add(32 + histograms.count)
                for index in histograms { last += columns.histograms[index].sampleWeight }
                scope.samples.raisePeak(to: currentSamples + last)
                if currentSamples + last > options.maximumSamples { throw .tooManySamples }
            }
            currentSamples += last
        }
    }
}

extension Lookup {
    /// What looking up newest samples came to, beside the values.
    struct Outcome: Sendable {
        var tally: SampleTally
        var histograms: [(row: Int, points: [NativeHistogram?])] = []
    }

    /// The rows of the only step, whose samples were found already: the request's span is that of the look-back. A stale marker is
    /// no sample, and stands for one as it is.
    func newest(_ labels: [Labels], _ values: [Double], tracksSteps: Bool) -> RowStretch<Outcome> {
        var outcome = Outcome(tally: SampleTally(steps: tracksSteps ? 1 : 0))
        var present = 0
        for value in values { present &+= Absent.isAbsent(value) ? 0 : 1 }
        outcome.tally.total = present
        outcome.tally.read = present
        if tracksSteps {
            outcome.tally.totalByStep[0] = present
            outcome.tally.readByStep[0] = present
        }
        return RowStretch(labels: labels, values: values, tally: outcome)
    }

    /// The newest sample of each series at each step.
    func newest(
        _ series: [SeriesColumns],
        tracksSteps: Bool,
        _ limits: QueryLimits
    ) -> RowStretch<Outcome> {
        let steps = grid.count
        return RowStretch(series, steps: steps) { output in
            var outcome = Outcome(tally: SampleTally(steps: tracksSteps ? steps : 0))
            var cache = SharedColumnCache<[Int32]>()
            var meter = WorkMeter(limits)
            for row in series.indices {
                let target = output + row * steps
                if meter.isOver(after: steps + 16) {
                    // Nobody will look at the rest.
                    target.update(repeating: Absent.value, count: (series.count - row) * steps)
                    break
                }
                // Field by field: to copy the whole struct would retain each of its columns.
                let timestamps = series[row].timestamps
                let positions = cache.value(for: timestamps, isLarge: steps > 1 << 18) { self.positions(timestamps) }
                series[row].values.withUnsafeBufferPointer { values in
                    positions.withUnsafeBufferPointer { positions in
                        for step in 0..<steps {
                            let position = Int(positions[step])
                            target[step] = position >= 0 ? values[position] : Absent.value
                        }
                    }
                }
                var points: [NativeHistogram?]?
                if !series[row].histograms.isEmpty {
                    let found = overlay(series[row], positions, target)
                    points = found
                    outcome.histograms.append((row, found))
                }
                outcome.tally.count(target, steps, points)
            }
            return outcome
        }
    }
}

extension SampleTally {
    /// Counts a row of newest samples.
    mutating func count(_ row: UnsafePointer<Double>, _ steps: Int, _ histograms: [NativeHistogram?]?) {
        if totalByStep.isEmpty, histograms == nil {
            var present = 0
            for step in 0..<steps { present &+= Absent.isAbsent(row[step]) ? 0 : 1 }
            total += present
            read += present
            return
        }
        for step in 0..<steps {
            let weight = Absent.isAbsent(row[step]) ? (histograms?[step]?.sampleWeight ?? 0) : 1
            total += weight
            read += weight
            if !totalByStep.isEmpty {
                totalByStep[step] += weight
                readByStep[step] += weight
            }
        }
    }
}

extension Lookup {
    /// The histograms that are newer than the floats at each step; removes the floats that they supersede.
    func overlay(
        _ columns: SeriesColumns,
        _ floats: [Int32],
        _ target: UnsafeMutablePointer<Double>
    ) -> [NativeHistogram?] {
        let positions = positions(columns.histogramTimestamps)
        return (0..<grid.count).map { step in
            let position = Int(positions[step])
            guard position >= 0 else { return nil }
            if floats[step] >= 0,
                columns.timestamps[Int(floats[step])] > columns.histogramTimestamps[position]
            {
                return nil
            }
            target[step] = Absent.value
            let histogram = columns.histograms[position]
            return histogram.isStale ? nil : histogram
        }
    }
}
