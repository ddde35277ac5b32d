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
            for (position, slot) in members {
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

    /// The part of a series' own samples that is asked for.
    private func ownPiece(_ times: [Timestamp], _ values: (Range<Int>) -> Values) -> Piece? {
        if times.isEmpty { return nil }
        let wanted = Wanted(Timeline(times), start, end)
        if wanted.range.isEmpty { return nil }
        return Piece(timeline: wanted.timeline, range: wanted.range, values: values(wanted.range))
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
