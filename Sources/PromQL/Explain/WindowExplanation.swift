internal import MetricModel

extension Evaluation {
    /// Tells the recorder what a function over a range saw of the first series, at the last step.
    func explain(
        _ call: RangeCall,
        _ source: RangeSource,
        _ held: [RangeCall.Outcome.HeldWindows],
        _ recorder: ExplanationRecorder
    ) async throws(PromQLError) {
        let greatest = held.map(\.last).max() ?? 0
        var windows: [ExplainedWindow] = []
        for columns in try await firstSeries(source, ExplanationRecorder.windowLimit) {
            windows.append(call.explain(columns.withoutStaleMarkers))
        }
        recorder.note { node in
            node.greatestWindow = greatest
            node.windows = windows
        }
    }

    /// The first series that have samples in the window of the last step.
    private func firstSeries(_ source: RangeSource, _ count: Int) async throws(PromQLError) -> [SeriesColumns] {
        let last = source.windows.count - 1
        func isSeen(_ columns: SeriesColumns) -> Bool {
            let (start, end) = (source.windows.start(last), source.windows.end(last))
            return !MixedWindow.range(columns.timestamps, start, end).isEmpty
                || !MixedWindow.range(columns.histogramTimestamps, start, end).isEmpty
        }
        guard last >= 0 else { return [] }
        switch source.samples {
        case .held(let series, _): return Array(series.lazy.filter(isSeen).prefix(count))
        case .stored(let request):
            guard request.start <= request.end else { return [] }
            let selection = try await selection(request)
            var found: [SeriesColumns] = []
            var position = 0
            while found.count < count, position < selection.count {
                try limits.check()
                let end = min(selection.count, position + 4)
                found += try Self.read(selection, position..<end).filter(isSeen)
                position = end
            }
            return Array(found.prefix(count))
        }
    }
}

extension RangeCall {
    /// So many samples of a window are listed.
    private static var sampleLimit: Int { 400 }

    /// What the function makes of one series at the last step: the kernel's own result, and the terms that it is made of.
    func explain(_ columns: SeriesColumns) -> ExplainedWindow {
        let last = windows.count - 1
        let (start, end) = (windows.start(last), windows.end(last))
        var window = ExplainedWindow(labels: columns.labels, start: start, end: end)
        let inside = MixedWindow.range(columns.timestamps, start, end)
        window.histograms = MixedWindow.range(columns.histogramTimestamps, start, end).count
        window.count = inside.count + window.histograms
        var listed = Array(inside)
        if listed.count > Self.sampleLimit {
            listed = Array(listed.prefix(Self.sampleLimit / 2) + listed.suffix(Self.sampleLimit / 2))
        }
        window.timestamps = listed.map { columns.timestamps[$0] }
        window.values = listed.map { columns.values[$0] }
        let isCounter = name == .rate || name == .increase || name == .irate || name == .resets
        if isCounter {
            window.resets = inside.dropFirst().filter { columns.values[$0] < columns.values[$0 - 1] }
                .map { columns.timestamps[$0] }
        }
        let row = run([columns])
        if let value = row.values.last, !Absent.isAbsent(value) { window.result = value }
        guard window.histograms == 0, !isAnchored, !isSmoothed, inside.count > 1 else { return window }
        columns.timestamps.withUnsafeBufferPointer { timestamps in
            columns.values.withUnsafeBufferPointer { values in
                guard let times = timestamps.baseAddress, let base = values.baseAddress else { return }
                let column = FloatColumn(timestamps: times, values: base, count: values.count, limits: limits)
                window.terms = terms(column, inside, start, end)
            }
        }
        return window
    }

    private func terms(
        _ column: FloatColumn,
        _ inside: Range<Int>,
        _ start: Timestamp,
        _ end: Timestamp
    ) -> ExplainedTerms? {
        switch name {
        case .rate, .increase, .delta:
            // With start times the change may be another one, of which there is no more to tell than the result.
            guard !usesStartTimestamps else { return nil }
            let kernel = RateKernel(
                windows: windows,
                isCounter: name != .delta,
                seconds: name == .rate ? seconds : nil
            )
            return .change(kernel.terms(column, inside, start, end))
        case .deriv, .predictLinear:
            let line = LinearRegression.line(column, inside, interceptAt: end)
            return .line(slope: line.slope, atEnd: line.intercept)
        case .absentOverTime, .avgOverTime, .changes, .countOverTime, .doubleExponentialSmoothing, .firstOverTime,
            .idelta, .irate, .lastOverTime, .madOverTime, .maxOverTime, .minOverTime, .presentOverTime,
            .quantileOverTime, .resets, .stddevOverTime, .stdvarOverTime, .sumOverTime, .tsOfFirstOverTime,
            .tsOfLastOverTime, .tsOfMaxOverTime, .tsOfMinOverTime:
            return nil
        }
    }
}

extension RateKernel {
    /// What the result of a window with at least two samples is made of.
    func terms(_ column: FloatColumn, _ inside: Range<Int>, _ start: Timestamp, _ end: Timestamp) -> RateTerms {
        let (first, last) = (inside.lowerBound, inside.upperBound - 1)
        let window = Extrapolation.Window(
            start: start,
            end: end,
            first: column.timestamps[first],
            last: column.timestamps[last],
            gaps: last - first
        )
        var lost = 0.0
        var change = column.values[last] - column.values[first]
        if isCounter {
            for index in inside.dropFirst() where column.values[index] < column.values[index - 1] {
                lost += column.values[index - 1]
                change += column.values[index - 1]
            }
        }
        let extrapolation = Extrapolation(window)
        let toStart = reachToStart(extrapolation, first: column.values[first], change: change)
        return RateTerms(
            first: column.values[first],
            last: column.values[last],
            lost: lost,
            change: change,
            sampled: extrapolation.sampled,
            averageGap: window.averageGap,
            threshold: window.threshold,
            distanceToStart: window.distanceToStart,
            distanceToEnd: window.distanceToEnd,
            toStart: toStart,
            toEnd: extrapolation.toEnd,
            stopsAtZero: toStart < extrapolation.toStart,
            seconds: seconds,
            factor: extrapolation.factor(toStart: toStart, per: seconds)
        )
    }
}
