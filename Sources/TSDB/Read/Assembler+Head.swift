import MetricModel

/// Collecting from the head.
extension Assembler {
    mutating func collect(_ segment: HeadSegment) {
        segment.groupByStream(series) { stream, members in
            let rows = segment.streams[stream]
            let timeline = Wanted(Timeline(rows.times), start, end)
            guard !timeline.range.isEmpty else { return }
            let wanted = timeline.range
            var pointers: [UnsafeBufferPointer<Double>] = []
            pointers.reserveCapacity(wanted.count)
            // The rows are held by `segment` for as long as the pointers are used.
            for row in wanted { pointers.append(rows.rows[row].withUnsafeBufferPointer { $0 }) }
            // Slots become more, so the first row has the fewest.
            let isWhole = rows.starts.isEmpty && wanted.allSatisfy { rows.isWhole[$0] }
            let wholeCount = isWhole ? pointers[0].count : 0
            let whole = HeadRows(isWhole ? Array(rows.rows[wanted]) : [])
            for (position, slot) in members {
                if slot < wholeCount {
                    sampleCount += wanted.count
                    floats[position].append(
                        Piece(timeline: timeline.timeline, range: wanted, values: .slot(whole, slot))
                    )
                    continue
                }
                var present = 0
                let values = [Double](unsafeUninitializedCapacity: wanted.count) { buffer, count in
                    for pointer in pointers where slot < pointer.count {
                        let value = pointer[slot]
                        if value.bitPattern != HeadSegment.absentBits {
                            buffer[present] = value
                            present += 1
                        }
                    }
                    count = present
                }
                if present == 0 { continue }
                sampleCount += present
                if present == wanted.count {
                    let starts = HeadSegment.starts(rows, wanted, slot)
                    floats[position].append(
                        Piece(timeline: timeline.timeline, range: wanted, values: .column(values, starts))
                    )
                } else {
                    let kept = wanted.filter { row in
                        slot < rows.rows[row].count && rows.rows[row][slot].bitPattern != HeadSegment.absentBits
                    }
                    let own =
                        kept.count == wanted.upperBound - kept[0]
                        ? nil : Timeline(kept.map { rows.times[$0] })
                    let starts = kept.map { HeadSegment.starts(rows, $0..<$0 + 1, slot).first ?? 0 }
                    floats[position].append(
                        Piece(
                            timeline: own ?? timeline.timeline,
                            range: own == nil ? kept[0]..<wanted.upperBound : 0..<kept.count,
                            values: .column(values, starts.contains { $0 != 0 } ? starts : [])
                        )
                    )
                }
            }
            withExtendedLifetime(rows) {}
        }
        if segment.own.isEmpty { return }
        for (position, number) in series.enumerated() {
            guard let own = segment.own[number] else { continue }
            let found = ownPiece(own.times) { range in
                .column(Array(own.values[range]), own.starts.isEmpty ? [] : Array(own.starts[range]))
            }
            if let found {
                sampleCount += found.range.count
                floats[position].append(found)
            }
            let foundHistograms = ownPiece(own.histogramTimes) { range in
                let starts = own.histogramStarts
                return .histograms(Array(own.histograms[range]), starts.isEmpty ? [] : Array(starts[range]))
            }
            if let foundHistograms {
                sampleCount += foundHistograms.range.count
                histograms[position].append(foundHistograms)
            }
        }
    }

    /// The columns of series that are all in rows of one stream of one segment and nowhere else, as those of a target mostly are
    /// for the span of a rule: made at once, without pieces. `nil` where it is not so.
    mutating func recent(_ series: [UInt32], _ sampleLimit: Int) throws(StorageError) -> [SeriesColumns]? {
        if capture.blocks.contains(where: { $0.minTime <= end && $0.maxTime >= start }) { return nil }
        let segments = capture.segments.filter { $0.minTime <= end && $0.maxTime >= start }
        guard segments.count == 1, let slots = segments[0].slots(ofOneStream: series, mayHaveOwn: false) else {
            return nil
        }
        let rows = segments[0].streams[slots.stream]
        if !rows.starts.isEmpty { return nil }
        let timeline = Timeline(rows.times)
        let wanted = timeline.range(start, end)
        if sampleLimit > 0, series.count * wanted.count > sampleLimit { return nil }
        let times = wanted.count == rows.times.count ? rows.times : Array(rows.times[wanted])
        var isComplete = true
        var result: [SeriesColumns] = []
        result.reserveCapacity(series.count)
        withUnsafeTemporaryAllocation(of: UnsafeBufferPointer<Double>.self, capacity: wanted.count) { pointers in
            // The rows are held by `rows` for as long as the pointers are used.
            for (index, row) in wanted.enumerated() {
                pointers.initializeElement(at: index, to: rows.rows[row].withUnsafeBufferPointer { $0 })
            }
            for slot in slots.slots where isComplete {
                let values = [Double](unsafeUninitializedCapacity: wanted.count) { buffer, count in
                    for index in 0..<wanted.count {
                        guard slot < pointers[index].count else { return }
                        let value = pointers[index][slot]
                        if value.bitPattern == HeadSegment.absentBits { return }
                        buffer[index] = value
                    }
                    count = wanted.count
                }
                isComplete = values.count == wanted.count
                result.append(SeriesColumns(labels: Labels(), timestamps: times, values: values))
            }
        }
        withExtendedLifetime(rows) {}
        try check(0)
        return isComplete ? result : nil
    }

    /// The part of a series' own samples that is asked for.
    private func ownPiece(_ times: [Timestamp], _ values: (Range<Int>) -> Values) -> Piece? {
        if times.isEmpty { return nil }
        let wanted = Wanted(Timeline(times), start, end)
        if wanted.range.isEmpty { return nil }
        return Piece(timeline: wanted.timeline, range: wanted.range, values: values(wanted.range))
    }
}

/// Rows of a stream that have a value in each slot of the first one.
final class HeadRows: Sendable {
    private let rows: [[Double]]

    init(_ rows: [[Double]]) { self.rows = rows }

    /// Writes a slot's value of each row.
    func fill(_ target: UnsafeMutablePointer<Double>, from slot: Int) {
        rows.withUnsafeBufferPointer { rows in
            for index in rows.indices { target[index] = rows[index][slot] }
        }
    }

    /// A slot's value of each row.
    func column(_ slot: Int) -> [Double] {
        [Double](unsafeUninitializedCapacity: rows.count) { buffer, count in
            if let base = buffer.baseAddress { fill(base, from: slot) }
            count = rows.count
        }
    }
}

extension HeadSegment {
    /// The start timestamps of a slot for the rows; empty where none is known.
    static func starts(_ rows: StreamRows, _ range: Range<Int>, _ slot: Int) -> [Timestamp] {
        if rows.starts.isEmpty { return [] }
        let starts = range.map { row in slot < rows.starts[row].count ? rows.starts[row][slot] : 0 }
        return starts.contains { $0 != 0 } ? starts : []
    }
}
