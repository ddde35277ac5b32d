import MetricModel

/// Finding the newest samples of series of which only is known that they are not later than some time.
extension Engine {
    /// The newest samples of these series in what was captured; without those that have none.
    func newest(
        _ wanted: [(series: UInt32, bound: Timestamp)],
        _ capture: Capture
    ) throws(StorageError) -> [UInt32: HeadState.Newest] {
        let series = SeriesTable.merged([wanted.map(\.series)])
        var found: [UInt32: HeadState.Newest] = [:]
        var head = Capture()
        head.segments = capture.segments
        try look(for: series, in: head, &found)
        // The latest block first: most of the others are never read.
        for block in capture.blocks.sorted(by: { $0.maxTime > $1.maxTime }) {
            let open = series.filter { found[$0].map { $0.time < block.maxTime } ?? true }
            let members = block.members(of: open)
            if members.isEmpty { continue }
            var one = Capture()
            one.blocks = [block]
            one.tombstones = capture.tombstones
            do throws(StorageError) {
                try look(for: members, in: one, &found)
            } catch {
                guard error.code == .corrupt else { throw error }
                // What cannot be read is there nevertheless: nothing may come before its end.
                for number in members { found[number] = HeadState.Newest(time: block.maxTime) }
            }
        }
        return found
    }

    private func look(
        for series: [UInt32],
        in capture: Capture,
        _ found: inout [UInt32: HeadState.Newest]
    ) throws(StorageError) {
        if capture.segments.isEmpty, capture.blocks.isEmpty { return }
        var assembler = Assembler(capture, source: source, start: .min, end: .max, isCancellable: false)
        for (number, columns) in zip(series, try assembler.run(series)) {
            var newest = found[number] ?? HeadState.Newest()
            if let time = columns.timestamps.last, let value = columns.values.last, time > newest.time {
                newest = HeadState.Newest(time: time, bits: value.bitPattern)
            }
            if let time = columns.histogramTimestamps.last, let histogram = columns.histograms.last, time > newest.time
            {
                newest = HeadState.Newest(time: time, histogram: histogram)
            }
            if newest.time != .min { found[number] = newest }
        }
    }
}
