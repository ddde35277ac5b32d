import MetricModel
import Synchronization

/// Queries: what is read is captured under the lock, and put together outside of it.
extension Engine {
    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        try await enter()
        let (series, labels, capture) = state.withLock { state in
            let capture = state.capture(request.start, request.end)
            var series = state.table.matching(request.matchers)
            if !series.isEmpty, capture.segments.isEmpty {
                series = SeriesTable.merged(capture.blocks.map { $0.members(of: series) })
            }
            return (series, series.map(state.table.labels), capture)
        }
        if series.isEmpty { return [] }
        var assembler = Assembler(capture, source: source, start: request.start, end: request.end)
        let columns = try assembler.run(series, sampleLimit: request.sampleLimit)
        var result: [SeriesColumns] = []
        result.reserveCapacity(columns.count)
        for (index, var column) in columns.enumerated()
        where !column.timestamps.isEmpty || !column.histogramTimestamps.isEmpty {
            column.labels = labels[index]
            result.append(column)
        }
        if request.isSorted { result.sort { $0.labels < $1.labels } }
        return result
    }

    /// The series that satisfy the matchers and have samples in the span.
    func present(
        _ sets: [[LabelMatcher]],
        _ start: Timestamp,
        _ end: Timestamp
    ) throws(StorageError) -> [UInt32] {
        let (candidates, capture) = state.withLock { state in
            (state.table.matching(anyOf: sets), state.capture(start, end))
        }
        return try present(candidates, capture, start, end)
    }

    /// Those of the ascending series that have samples in the span.
    private func present(
        _ candidates: [UInt32],
        _ capture: Capture,
        _ start: Timestamp,
        _ end: Timestamp
    ) throws(StorageError) -> [UInt32] {
        var found: [UInt32] = []
        var partial: [Block] = []
        for block in capture.blocks {
            guard block.minTime >= start, block.maxTime <= end else {
                partial.append(block)
                continue
            }
            let members = block.members(of: candidates)
            if capture.tombstones.isEmpty {
                found.append(contentsOf: members)
            } else {
                let whole = members.filter { capture.tombstones[$0] == nil }
                found.append(contentsOf: whole)
                if whole.count < members.count { partial.append(block) }
            }
        }
        for segment in capture.segments {
            if segment.minTime >= start, segment.maxTime <= end {
                found.append(contentsOf: SeriesTable.intersection(candidates, segment.allSeries))
            } else {
                found.append(contentsOf: candidates.filter { segment.hasSample($0, start, end) })
            }
        }
        found = SeriesTable.merged([found])
        let open = SeriesTable.difference(candidates, found)
        if !partial.isEmpty, !open.isEmpty {
            var rest = Capture()
            rest.blocks = partial
            rest.tombstones = capture.tombstones
            var assembler = Assembler(rest, source: source, start: start, end: end)
            let more = zip(open, try assembler.presence(open)).filter(\.1).map(\.0)
            found = SeriesTable.merged([found, more])
        }
        return found
    }

    func series(
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [Labels] {
        try await enter()
        let found = try present(sets, start, end)
        return state.withLock { state in found.filter(state.table.contains).map(state.table.labels) }.sorted()
    }

    func labelNames(
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await enter()
        let found = try present(sets, start, end)
        return state.withLock { state in
            var isSeen = [Bool](repeating: false, count: state.table.pairs.names.count)
            for series in found where state.table.contains(series) {
                for pair in state.table.pairNumbers(series) { isSeen[Int(state.table.pairs.nameOf[Int(pair)])] = true }
            }
            return state.table.pairs.names.indices.filter { isSeen[$0] }.map { state.table.pairs.names[$0] }
        }.sorted(by: Engine.precedes)
    }

    func labelValues(
        _ name: String,
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await enter()
        // The series of each value. One of them is enough, so a first one of each is looked at before all others.
        let (seriesByPair, capture) = state.withLock { state -> ([UInt32: [UInt32]], Capture) in
            var seriesByPair: [UInt32: [UInt32]] = [:]
            if let number = state.table.pairs.number(ofName: name) {
                for series in state.table.matching(anyOf: sets) {
                    for pair in state.table.pairNumbers(series) where state.table.pairs.nameOf[Int(pair)] == number {
                        seriesByPair[pair, default: []].append(series)
                    }
                }
            }
            return (seriesByPair, state.capture(start, end))
        }
        let first = SeriesTable.merged([seriesByPair.values.compactMap(\.first)])
        let firstFound = Set(try present(first, capture, start, end))
        var seen = seriesByPair.filter { firstFound.contains($0.value[0]) }.map(\.key)
        let open = seriesByPair.filter { !firstFound.contains($0.value[0]) && $0.value.count > 1 }
        if !open.isEmpty {
            let rest = SeriesTable.merged([open.values.flatMap { $0.dropFirst() }])
            let restFound = Set(try present(rest, capture, start, end))
            seen += open.filter { $0.value.contains(where: restFound.contains) }.map(\.key)
        }
        return state.withLock { state in seen.map(state.table.pairs.value) }.sorted(by: Engine.precedes)
    }

    /// Byte order, as Go's.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    func exemplars(
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [SeriesExemplars] {
        try await enter()
        return state.withLock { state -> [SeriesExemplars] in
            if state.exemplars.isEmpty { return [] }
            let wanted = Set(state.table.matching(anyOf: sets))
            return state.exemplars.select({ wanted.contains($0) }, start: start, end: end)
                .map { SeriesExemplars(labels: state.table.labels($0), exemplars: $1) }
        }.sorted { $0.labels < $1.labels }
    }
}
