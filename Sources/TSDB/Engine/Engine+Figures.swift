import MetricModel
import Synchronization

/// Figures, and the end.
extension Engine {
    func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        try await enter()
        // Asking the file system is not for under the lock.
        let bytesOnDisk = backend?.size() ?? 0
        return state.withLock { state in
            var figures = StorageStatistics()
            figures.activeSeries = state.activeSeries
            figures.totalSeries = state.table.aliveCount
            figures.chunks = state.open.seriesCount + state.frozen.reduce(0) { $0 + $1.seriesCount }
            figures.samplesAppended = state.samplesAppended
            figures.outOfOrderSamples = state.outOfOrderSamples
            figures.tooOldSamples = state.tooOldSamples
            figures.duplicateSamples = state.duplicateSamples
            let segments = (state.frozen + [state.open]).filter { !$0.isEmpty }
            figures.minTime = (state.blocks.map(\.minTime) + segments.map(\.minTime)).min()
            figures.maxTime = (state.blocks.map(\.maxTime) + segments.map(\.maxTime)).max()
            figures.bytesOnDisk = bytesOnDisk
            let pairs = state.table.pairs
            var values = [Int](repeating: 0, count: pairs.names.count)
            var bytes = values
            var names: [(UInt32, Int)] = []
            var all: [(UInt32, Int)] = []
            for pair in 0..<UInt32(pairs.count) {
                let count = state.table.seriesCount(ofPair: pair)
                if count == 0 { continue }
                figures.labelPairs += 1
                let name = Int(pairs.nameOf[Int(pair)])
                values[name] += 1
                bytes[name] += pairs.valueLength(pair)
                all.append((pair, count))
                if pairs.names[name] == Labels.metricName { names.append((pair, count)) }
            }
            func top(_ list: [(UInt32, Int)], _ title: (UInt32) -> String) -> [StorageStatistics.Count] {
                list.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(limit).map { .init(name: title($0.0), value: $0.1) }
            }
            let byName = values.indices.filter { values[$0] > 0 }.map { UInt32($0) }
            figures.seriesByMetricName = top(names, pairs.value)
            figures.valuesByLabelName = top(byName.map { ($0, values[Int($0)]) }) { pairs.names[Int($0)] }
            figures.bytesByLabelName = top(byName.map { ($0, bytes[Int($0)]) }) { pairs.names[Int($0)] }
            figures.seriesByLabelPair = top(all) { pairs.name($0) + "=" + pairs.value($0) }
            return figures
        }
    }

    /// What is closed into a block at the end.
    private static let quickSamples = 4_000_000

    /// Lets no call in any more and closes the head.
    func shutDown(closesHead: Bool) async throws(StorageError) {
        try await loaded.pass()
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        try await maintenance.alone { () async throws(StorageError) in
            // A large head stays in the journal, from which the next start reads it: closing has to be quick.
            let isQuick = self.state.withLock { $0.open.samples <= Engine.quickSamples }
            if closesHead, isQuick { try await self.closeHead(isLast: true) }
        }
    }
}
