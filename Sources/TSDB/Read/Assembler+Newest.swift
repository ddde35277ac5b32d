import MetricModel

/// Finding the newest samples only: of the head a row or two is looked at, and of the blocks those that may have a newer sample.
extension Assembler {
    /// The newest float and histogram of each series in the span, of those that are not older than what is found elsewhere.
    struct Newest {
        var times: [Timestamp]
        var values: [Double]
        var starts: [Timestamp]
        var histogramTimes: [Timestamp]
        var histograms: [Int: (histogram: NativeHistogram, start: Timestamp)] = [:]

        init(_ count: Int) {
            times = [Timestamp](repeating: .min, count: count)
            values = [Double](repeating: 0, count: count)
            starts = [Timestamp](repeating: 0, count: count)
            histogramTimes = times
        }

        /// Of samples at the same time the one that was stored first counts: it is told last.
        mutating func note(_ position: Int, _ time: Timestamp, _ value: Double, _ start: Timestamp) {
            if time < times[position] { return }
            times[position] = time
            values[position] = value
            starts[position] = start
        }

        mutating func note(_ position: Int, _ time: Timestamp, _ histogram: NativeHistogram, _ start: Timestamp) {
            if time < histogramTimes[position] { return }
            histogramTimes[position] = time
            histograms[position] = (histogram, start)
        }

        /// Columns with these samples; those of series without any are empty.
        var columns: [SeriesColumns] {
            // Series that are scraped together share their column of timestamps.
            var shared: [Timestamp] = []
            return times.indices.map { position in
                var columns = SeriesColumns(labels: Labels())
                let time = times[position]
                if time != .min {
                    if shared.first != time { shared = [time] }
                    columns.timestamps = shared
                    columns.values = [values[position]]
                    if starts[position] != 0 { columns.startTimestamps = [starts[position]] }
                }
                if let newest = histograms[position] {
                    columns.histogramTimestamps = [histogramTimes[position]]
                    columns.histograms = [newest.histogram]
                    if newest.start != 0 { columns.histogramStartTimestamps = [newest.start] }
                }
                return columns
            }
        }
    }

    private enum Place {
        case segment(HeadSegment)
        case block(Block)

        var maxTime: Timestamp {
            switch self {
            case .segment(let segment): segment.maxTime
            case .block(let block): block.maxTime
            }
        }
    }

    /// The newest float and the newest histogram of the span for each of the ascending series, in their order.
    mutating func newest(_ series: [UInt32], sampleLimit: Int = 0) throws(StorageError) -> Newest {
        var found = Newest(series.count)
        // From the latest end to the earliest; what was stored last comes first among equals.
        var places: [Place] = []
        for segment in capture.segments.reversed() where segment.minTime <= end && segment.maxTime >= start {
            places.append(.segment(segment))
        }
        for block in capture.blocks.reversed() where block.minTime <= end && block.maxTime >= start {
            places.append(.block(block))
        }
        places = places.enumerated()
            .sorted { ($1.element.maxTime, $0.offset) < ($0.element.maxTime, $1.offset) }
            .map(\.element)
        var open = Array(series.indices)
        for place in places {
            open.removeAll { max(found.times[$0], found.histogramTimes[$0]) > place.maxTime }
            if open.isEmpty { break }
            switch place {
            case .segment(let segment): look(for: open, of: series, in: segment, &found)
            case .block(let block): try look(for: open, of: series, in: block, &found)
            }
            try check(0)
        }
        if sampleLimit > 0 {
            let count = found.times.count { $0 != .min } + found.histograms.count
            if count > sampleLimit { throw StorageError.tooManySamples(limit: sampleLimit) }
        }
        return found
    }

    // MARK: - Where they are

    private func look(
        for open: [Int],
        of series: [UInt32],
        in segment: HeadSegment,
        _ found: inout Newest
    ) {
        segment.groupByStream(open.map { series[$0] }) { stream, members in
            let rows = segment.streams[stream]
            var row = HeadSegment.position(of: end, in: rows.times)
            if row == rows.times.count || rows.times[row] > end { row -= 1 }
            var missing = members
            while row >= 0, !missing.isEmpty, rows.times[row] >= start {
                let time = rows.times[row]
                let starts = rows.starts.isEmpty ? [] : rows.starts[row]
                rows.rows[row].withUnsafeBufferPointer { values in
                    func isThere(_ slot: Int) -> Bool {
                        slot < values.count && values[slot].bitPattern != HeadSegment.absentBits
                    }
                    for (index, slot) in missing where isThere(slot) {
                        found.note(open[index], time, values[slot], slot < starts.count ? starts[slot] : 0)
                    }
                    missing.removeAll { isThere($0.slot) }
                }
                row -= 1
            }
        }
        if segment.own.isEmpty { return }
        for position in open {
            guard let own = segment.own[series[position]] else { continue }
            if let index = last(own.times) {
                found.note(position, own.times[index], own.values[index], own.starts.isEmpty ? 0 : own.starts[index])
            }
            if let index = last(own.histogramTimes) {
                let start = own.histogramStarts.isEmpty ? 0 : own.histogramStarts[index]
                found.note(position, own.histogramTimes[index], own.histograms[index], start)
            }
        }
    }

    /// The last of the rising times that is in the span.
    private func last(_ times: [Timestamp]) -> Int? {
        let index = HeadSegment.position(of: end, in: times)
        if index < times.count, times[index] == end { return end >= start ? index : nil }
        return index > 0 && times[index - 1] >= start ? index - 1 : nil
    }

    private func look(
        for open: [Int],
        of series: [UInt32],
        in block: Block,
        _ found: inout Newest
    ) throws(StorageError) {
        var one = Capture()
        one.blocks = [block]
        one.tombstones = capture.tombstones
        var assembler = Assembler(one, source: source, start: start, end: end)
        assembler.parts = parts
        for (position, columns) in zip(open, try assembler.run(open.map { series[$0] })) {
            if let time = columns.timestamps.last, let value = columns.values.last {
                found.note(position, time, value, columns.startTimestamps.last ?? 0)
            }
            if let time = columns.histogramTimestamps.last, let histogram = columns.histograms.last {
                found.note(position, time, histogram, columns.histogramStartTimestamps.last ?? 0)
            }
        }
    }
}
