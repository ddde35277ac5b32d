import MetricModel
import Scrape
import Synchronization

/// Sending that somebody drives: one thing after the other, by a clock that moves only when told.
extension RemoteSender {
    /// How far it is.
    struct Driven: Sendable {
        var reader: any FeedReader
        /// The last entry that was read.
        var last: Int64
        /// When shards and families were looked at last, in steady nanoseconds.
        var adjusted: Int64
        var told: Int64?
    }

    /// Begins where it was left off.
    func begin() async throws(StorageError) {
        let (reader, start) = try await prepare()
        let now = clock.steadyNanoseconds
        state.withLock { $0.driven = Driven(reader: reader, last: start, adjusted: now) }
    }

    /// Remembers how far it is; nothing more is sent.
    func leave() async {
        state.withLock { $0.driven = nil }
        do throws(StorageError) { try await save() } catch { note(error.message) }
        await transport.close()
    }

    /// When there is something to send, in steady nanoseconds; `nil` where nothing waits.
    var nextDue: Int64? {
        state.withLock { state in (0..<state.queue.shardCount).compactMap { state.queue.due($0) }.min() }
    }

    /// Reads what came, and sends what is due.
    func drive() async {
        guard var driven = state.withLock({ $0.driven }) else { return }
        let now = clock.steadyNanoseconds
        if now - driven.adjusted >= Self.adjustInterval * 1_000_000 {
            adjust(since: driven.adjusted, now: now)
            driven.adjusted = now
        }
        if driven.told.map({ now - $0 >= PrometheusDuration(milliseconds: metadataInterval).nanoseconds }) ?? true {
            await tellMetadataOnce()
            driven.told = now
        }
        do throws(StorageError) {
            var isMoving = true
            while isMoving {
                isMoving = false
                while state.withLock({ $0.queue.hasRoom }) {
                    let entries = try await driven.reader.next(limit: Self.readLimit)
                    if entries.isEmpty { break }
                    await take(entries, after: &driven.last)
                    isMoving = true
                }
                for number in 0..<state.withLock({ $0.queue.shardCount }) {
                    guard case .send = state.withLock({ $0.queue.step(number, now: now) }) else { continue }
                    await transmit(number)
                    isMoving = true
                }
            }
        } catch {
            note(error.message)
        }
        let settled = driven
        state.withLock { if $0.driven != nil { $0.driven = settled } }
    }
}
