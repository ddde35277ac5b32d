internal import MetricModel

/// Histograms of which only count and sum are needed: without buckets, but with what the buckets tell about counter resets.
enum HistogramStatistics {
    static func reduced(_ columns: SeriesColumns) -> SeriesColumns {
        guard !columns.histograms.isEmpty else { return columns }
        var result = columns
        var last: NativeHistogram?
        for (index, histogram) in columns.histograms.enumerated() {
            var reduced = NativeHistogram()
            reduced.schema = histogram.schema
            reduced.count = histogram.count
            reduced.sum = histogram.sum
            reduced.counterResetHint = histogram.counterResetHint
            if !histogram.isStale {
                if histogram.counterResetHint == .unknown, let before = last {
                    reduced.counterResetHint = histogram.isReset(since: before) ? .reset : .notReset
                }
                last = histogram
                last?.counterResetHint = reduced.counterResetHint
            }
            result.histograms[index] = reduced
        }
        return result
    }
}

/// `smoothed` on a vector selector: values between the samples before and after each step.
struct SmoothedSelector {
    let lookup: Lookup
    let position: PositionRange
    let limits: QueryLimits

    func evaluate(_ series: [SeriesColumns], _ notes: inout Annotations) throws(PromQLError) -> SeriesMatrix {
        var meter = WorkMeter(limits)
        let steps = lookup.grid.count
        var matrix = SeriesMatrix(steps: steps)
        for columns in series.map(\.withoutStaleMarkers) {
            var row = [Double](repeating: Absent.value, count: steps)
            var points = [NativeHistogram?](repeating: nil, count: steps)
            for step in 0..<steps {
                let looked = point(columns, step, &row[step], &points[step], &notes)
                try meter.add(32 + looked)
            }
            let hasHistograms = points.contains { $0 != nil }
            guard hasHistograms || row.contains(where: { !Absent.isAbsent($0) }) else { continue }
            matrix.append(row, histograms: hasHistograms ? points : nil, labels: columns.labels)
        }
        return matrix
    }

    /// Answers how many samples it has looked at.
    private func point(
        _ columns: SeriesColumns,
        _ step: Int,
        _ value: inout Double,
        _ histogram: inout NativeHistogram?,
        _ notes: inout Annotations
    ) -> Int {
        let time = lookup.time(step)
        let floats = MixedWindow.range(columns.timestamps, time - lookup.lookback, time + lookup.lookback)
        let histograms = MixedWindow.range(
            columns.histogramTimestamps,
            time - lookup.lookback,
            time + lookup.lookback
        )
        if floats.isEmpty, histograms.isEmpty { return 0 }
        if !floats.isEmpty, !histograms.isEmpty {
            notes.mixedFloatsHistograms(columns.labels.name, position)
            return 0
        }
        if histograms.isEmpty {
            let next = floats.first { columns.timestamps[$0] >= time } ?? floats.upperBound
            if next < floats.upperBound, columns.timestamps[next] == time {
                value = columns.values[next]
            } else if next > floats.lowerBound {
                value = columns.values[next - 1]
                if next < floats.upperBound {
                    value = Interpolation.value(
                        (columns.timestamps[next - 1], columns.values[next - 1]),
                        (columns.timestamps[next], columns.values[next]),
                        at: time,
                        isCounter: false
                    )
                }
            }
            return floats.count
        }
        let times = columns.histogramTimestamps
        let next = histograms.first { times[$0] >= time } ?? histograms.upperBound
        if next < histograms.upperBound, times[next] == time {
            histogram = columns.histograms[next]
        } else if next > histograms.lowerBound {
            let before = columns.histograms[next - 1]
            guard next < histograms.upperBound else {
                histogram = before
                histogram?.counterResetHint = .unknown
                return histograms.count
            }
            let after = columns.histograms[next]
            do throws(IncompatibleHistogramLayouts) {
                guard before.usesCustomBounds == after.usesCustomBounds else { throw IncompatibleHistogramLayouts() }
                histogram = try Interpolation.histogram(
                    (times[next - 1], before),
                    (times[next], after),
                    at: time,
                    isCounter: before.counterResetHint != .gauge || after.counterResetHint != .gauge,
                    position,
                    &notes
                )
            } catch {
                notes.mixedSchemas(columns.labels.name, position)
            }
        }
        return histograms.count + 256
    }
}

extension SeriesColumns {
    /// Whether any sample is a stale marker.
    var hasStaleMarkers: Bool {
        values.withUnsafeBufferPointer(Self.hasStaleMarker)
            || !histograms.isEmpty && histograms.contains(where: \.isStale)
    }

    /// Whether any value is a stale marker.
    static func hasStaleMarker(_ values: UnsafeBufferPointer<Double>) -> Bool {
        // Stale markers are NaN, which is found faster and rare.
        var found = 0
        for value in values { found |= value != value ? 1 : 0 }
        return found != 0 && values.contains(where: SpecialValue.isStale)
    }

    /// The same samples without stale markers.
    var withoutStaleMarkers: SeriesColumns {
        if !hasStaleMarkers { return self }
        var result = SeriesColumns(labels: labels)
        for index in values.indices where !SpecialValue.isStale(values[index]) {
            result.timestamps.append(timestamps[index])
            result.values.append(values[index])
            if index < startTimestamps.count { result.startTimestamps.append(startTimestamps[index]) }
        }
        for index in histograms.indices where !histograms[index].isStale {
            result.histogramTimestamps.append(histogramTimestamps[index])
            result.histograms.append(histograms[index])
            if index < histogramStartTimestamps.count {
                result.histogramStartTimestamps.append(histogramStartTimestamps[index])
            }
        }
        return result
    }
}
