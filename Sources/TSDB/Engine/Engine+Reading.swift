import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Synchronization

/// Queries: what is read is captured under the lock, and put together outside of it.
extension Engine {
    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        let selection = try await selection(request)
        var result = try selection.read(0..<selection.count)
        if request.isSorted { result.sort { $0.labels < $1.labels } }
        return result
    }

    func selection(_ request: SelectRequest) async throws(StorageError) -> StoredSelection {
        try await enter()
        let prepared = try prepare(request.matchers)
        // At once, so that of a batch that comes meanwhile all is seen or nothing.
        return state.withLock { state in
            let capture = state.capture(request.start, request.end)
            var series = state.table.matching(prepared)
            if !series.isEmpty, capture.segments.isEmpty {
                series = SeriesTable.merged(capture.blocks.map { $0.members(of: series) })
            }
            return StoredSelection(
                request: request,
                series: series,
                labels: state.table.rememberedLabels(series),
                capture: capture,
                source: source
            )
        }
    }

    /// The series that satisfy the matchers and have samples in the span.
    func present(
        _ sets: [[LabelMatcher]],
        _ start: Timestamp,
        _ end: Timestamp
    ) throws(StorageError) -> [UInt32] {
        let candidates = try matching(anyOf: sets)
        let capture = state.withLock { $0.capture(start, end) }
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

    func series(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        try await enter()
        let found = try present(sets, span.start, span.end)
        let series = state.withLock { state in state.table.labelSets(found.filter(state.table.contains)) }
        return sets.count > 1 ? LabelSets(series.sorted()) : series
    }

    func labelNames(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [String] {
        try await enter()
        let found = try present(sets, span.start, span.end)
        return state.withLock { state in
            var isSeen = [Bool](repeating: false, count: state.table.pairs.names.count)
            for series in found where state.table.contains(series) {
                for pair in state.table.pairNumbers(series) { isSeen[Int(state.table.pairs.nameOf[Int(pair)])] = true }
            }
            return state.table.pairs.names.indices.filter { isSeen[$0] }.map { state.table.pairs.names[$0] }
        }.sorted(by: Engine.precedes)
    }

    func labelValues(_ name: String, _ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [String]
    {
        try await enter()
        // The series of each value. One of them is enough, so a first one of each is looked at before all others.
        let wanted = sets.isEmpty ? nil : try matching(anyOf: sets)
        let (candidates, capture) = state.withLock { state in
            (state.table.seriesByValue(of: name, in: wanted), state.capture(span.start, span.end))
        }
        let first = SeriesTable.merged([candidates.map { $0.series[0] }])
        let firstFound = try present(first, capture, span.start, span.end)
        var seen = candidates.filter { firstFound.isAscending(contains: $0.series[0]) }.map(\.pair)
        let open = candidates.filter { $0.series.count > 1 && !firstFound.isAscending(contains: $0.series[0]) }
        if !open.isEmpty {
            let rest = SeriesTable.merged(open.map { Array($0.series.dropFirst()) })
            let restFound = try present(rest, capture, span.start, span.end)
            seen += open.filter { $0.series.contains(where: restFound.isAscending(contains:)) }.map(\.pair)
        }
        return state.withLock { state in seen.map(state.table.pairs.value) }.sorted(by: Engine.precedes)
    }

    /// Byte order, as Go's.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { right in
                let common = min(left.count, right.count)
                guard common > 0, let first = left.baseAddress, let second = right.baseAddress else {
                    return left.count < right.count
                }
                let order = memcmp(first, second, common)
                return order == 0 ? left.count < right.count : order < 0
            }
        }.flatMap { $0 } ?? left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    func exemplars(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [SeriesExemplars] {
        try await enter()
        if state.withLock(\.exemplars.isEmpty) { return [] }
        let wanted = Set(try matching(anyOf: sets))
        return state.withLock { state in
            state.exemplars.select({ wanted.contains($0) }, start: span.start, end: span.end)
                .map { SeriesExemplars(labels: state.table.labels($0), exemplars: $1) }
        }.sorted { $0.labels < $1.labels }
    }
}
