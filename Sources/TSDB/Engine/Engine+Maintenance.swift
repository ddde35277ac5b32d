import MetricModel
import Synchronization

/// Deletion, retention, and what is done now and then.
extension Engine {
    func delete(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) {
        try await enter()
        let chosen = try matching(anyOf: sets)
        // What was worked out beyond the task's limit is not to be believed.
        try MatchedPairs.checkTask()
        if chosen.isEmpty { return }
        try await maintenance.alone { () async throws(StorageError) in
            try MatchedPairs.checkTask()
            try await self.closeHead()
            // Nobody else changes blocks and tombstones meanwhile.
            let (blocks, before, next) = self.state.withLock { ($0.blocks, $0.tombstones, $0.nextBlock) }
            let inSpan = blocks.filter { $0.minTime <= span.end && $0.maxTime >= span.start }
            let affected = SeriesTable.merged(inSpan.map { $0.members(of: chosen) })
            if affected.isEmpty { return }
            var tombstones = before
            for series in affected {
                tombstones[series, default: []].append(
                    Tombstone(series: series, start: span.start, end: span.end, before: next)
                )
            }
            let after = tombstones
            try await self.backend?.commit(BlockChange(tombstones: after.values.flatMap { $0 }))
            self.state.withLock { $0.tombstones = after }
        }
    }

    func cleanTombstones() async throws(StorageError) {
        try await enter()
        try await maintenance.alone { () async throws(StorageError) in
            while true {
                let next = self.state.withLock { state -> Block? in
                    state.blocks.first { block in
                        state.tombstones.contains { series, list in
                            list.contains { block.id < $0.before } && !block.members(of: [series]).isEmpty
                        }
                    }
                }
                guard let next else { break }
                try await self.merge([next], level: next.level)
            }
            try await self.bury()
            try await self.backend?.shrink(fully: true)
            try await self.forget(self.state.withLock { $0.seriesWithoutSamples() })
        }
    }

    func maintain(now: Timestamp) async throws(StorageError) {
        try await enter()
        try await maintenance.alone { () async throws(StorageError) in
            let isDue = self.state.withLock { state in
                !state.open.isEmpty
                    && (state.open.samples > self.headLimit(state)
                        || now.minus(state.open.minTime) > self.options.headAge
                            && (state.open.maxTime.minus(state.open.minTime) > self.options.headAge
                                || now.minus(state.open.maxTime) > self.options.headAge))
                    || !state.frozen.isEmpty
            }
            if isDue { try await self.closeHead() }
            var hasMerged = false
            try await self.applyRetention(now)
            do throws(StorageError) {
                while let due = self.dueMerge(now) {
                    try await self.merge(due.blocks, level: due.level)
                    hasMerged = true
                }
            } catch {
                // Closing the store ends a merge; its rows are dropped at the next start.
                if error.code == .cancelled, self.isClosed.withLock({ $0 }) { return }
                throw error
            }
            try await self.bury()
            try await self.forgetUnused(now)
            self.backend?.cache?.expire(now: now, after: Engine.cacheIdleTime)
            try await self.backend?.shrink(fully: false)
            if isDue || hasMerged { self.options.memoryFreed() }
        }
    }

    static let day: Int64 = 86_400_000
    /// What queries read is kept for so long after the last one.
    private static let cacheIdleTime: Int64 = 300_000

    /// Blocks that should become one.
    func dueMerge(_ now: Timestamp) -> (blocks: [Block], level: Int)? {
        let blocks = state.withLock { $0.blocks }
        // A day that is over.
        let days = Dictionary(grouping: blocks.filter { $0.level < Block.dayLevel }) { Engine.dayNumber($0.maxTime) }
        for (day, list) in days.sorted(by: { $0.key < $1.key }) where (day + 1) * Engine.day + 3_600_000 < now {
            let whole = blocks.filter {
                $0.level == Block.dayLevel && Engine.dayNumber($0.maxTime) == day && $0.samples < 4 << 20
            }
            return (list + whole, Block.dayLevel)
        }
        // Enough of a size to be worth it; each sample is written again at most three times.
        for level in 0..<Block.dayLevel - 1 {
            let list = blocks.filter { $0.level == level }
            if list.count >= 8 { return (list, level + 1) }
        }
        return nil
    }

    static func dayNumber(_ time: Timestamp) -> Int64 {
        time >= 0 ? time / day : (time - day + 1) / day
    }

    func applyRetention(_ now: Timestamp) async throws(StorageError) {
        if let retention = options.retention {
            // What is deleted does not come back, so it counts from the newest sample, and a clock that jumps ahead is not believed at once.
            let end = settled(now)
            let old = state.withLock { state in
                state.blocks.filter { $0.maxTime < min(end, state.maxTime).minus(retention) }
            }
            try await drop(old)
        }
        if let limit = options.retentionSize, let backend {
            while backend.size() > limit {
                guard try await dropOldest() else { break }
                try await bury()
                try await backend.shrink(fully: true)
            }
        }
    }

    private func settled(_ now: Timestamp) -> Timestamp {
        settleTime(now)
        let steady = clock.steadyNanoseconds
        return settledTime.withLock { $0?.time(now, steady: steady) } ?? now
    }

    /// Whether retention does not go by the clock yet.
    var doubtsClock: Bool { settledTime.withLock { $0?.isInDoubt ?? false } }

    /// Begins to reckon with the time: no later than the newest sample that was stored.
    func settleTime(_ now: Timestamp) {
        let newest = state.withLock { $0.maxTime }
        let start = newest == .min ? now : min(now, newest)
        let time = SettledTime(start, steady: clock.steadyNanoseconds, patience: options.clockPatience)
        settledTime.withLock { if $0 == nil { $0 = time } }
    }

    /// Drops the oldest block unless it is the only one. Whether there was one to drop.
    func dropOldest() async throws(StorageError) -> Bool {
        let oldest = state.withLock { state in
            state.blocks.count > 1 ? state.blocks.min { $0.maxTime < $1.maxTime } : nil
        }
        guard let oldest else { return false }
        try await drop([oldest])
        return true
    }

    func drop(_ blocks: [Block]) async throws(StorageError) {
        if blocks.isEmpty { return }
        let gone = Set(blocks.map(\.id))
        try await backend?.commit(BlockChange(removed: blocks.map(\.id)))
        state.withLock { $0.blocks.removeAll { gone.contains($0.id) } }
        graveyard.withLock { $0.blocks.append(contentsOf: blocks) }
        lastForgetting.withLock { $0.time = .min }
    }

    /// Deletes the rows of replaced blocks that no query reads any more.
    func bury() async throws(StorageError) {
        let dead = graveyard.withLock { graveyard -> [Int64] in
            var index = 0
            while index < graveyard.blocks.count {
                if isKnownUniquelyReferenced(&graveyard.blocks[index]) {
                    graveyard.unread.append(graveyard.blocks[index].id)
                    graveyard.blocks.remove(at: index)
                } else {
                    index += 1
                }
            }
            return graveyard.unread
        }
        if dead.isEmpty { return }
        try await backend?.deleteRows(ofBlocks: dead)
        graveyard.withLock { $0.unread.removeAll(where: dead.contains) }
    }

    /// Forgets series that had no sample now and at the time before.
    func forgetUnused(_ now: Timestamp) async throws(StorageError) {
        let isDue = lastForgetting.withLock { $0.time == .min || now - $0.time > 1_800_000 }
        guard isDue else { return }
        let unused = Set(state.withLock { $0.seriesWithoutSamples() })
        let gone = lastForgetting.withLock { last in
            defer { last = (now, unused) }
            return last.candidates.intersection(unused)
        }
        try await forget(gone.sorted())
    }

    /// Forgets those of the series that still have no sample.
    func forget(_ series: [UInt32]) async throws(StorageError) {
        if series.isEmpty { return }
        guard let backend else {
            state.withLock { $0.forget(series) }
            return
        }
        try await backend.forget {
            self.state.withLock { state in
                let unused = Set(state.seriesWithoutSamples())
                return (series.filter(unused.contains), state.table.next)
            }
        } then: { gone in
            self.state.withLock { $0.forget(gone) }
        }
    }
}
