import MetricModel
import Synchronization

/// Keeps pages and timelines that queries read lately, up to a number of bytes.
///
/// Rows of blocks never change and their numbers are not used again while the store is open, so nothing in here gets old.
final class PageCache: Sendable {
    private struct Held<Value> {
        var value: Value
        var bytes: Int
        var lastUse: UInt64
    }

    private struct State {
        var pages: [Int64: Held<LoadedPage>] = [:]
        var timelines: [Int64: Held<Timeline>] = [:]
        var bytes = 0
        var uses: UInt64 = 0

        mutating func evict(to limit: Int) {
            while bytes > limit {
                let page = pages.min { $0.value.lastUse < $1.value.lastUse }
                let timeline = timelines.min { $0.value.lastUse < $1.value.lastUse }
                if let page, page.value.lastUse < timeline?.value.lastUse ?? .max {
                    bytes -= page.value.bytes
                    pages[page.key] = nil
                } else if let timeline {
                    bytes -= timeline.value.bytes
                    timelines[timeline.key] = nil
                } else {
                    return
                }
            }
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// A page, if it is here.
    func page(_ row: Int64) -> LoadedPage? {
        state.withLock { state in
            state.uses += 1
            state.pages[row]?.lastUse = state.uses
            return state.pages[row]?.value
        }
    }

    /// A timeline, if it is here.
    func timeline(_ row: Int64) -> Timeline? {
        state.withLock { state in
            state.uses += 1
            state.timelines[row]?.lastUse = state.uses
            return state.timelines[row]?.value
        }
    }

    /// Keeps a page.
    func add(_ page: LoadedPage, _ row: Int64) {
        state.withLock { state in
            guard state.pages[row] == nil else { return }
            state.uses += 1
            let bytes = page.bytes.count + page.entries.count * MemoryLayout<Page.Entry>.stride
            state.pages[row] = Held(value: page, bytes: bytes, lastUse: state.uses)
            state.bytes += bytes
            state.evict(to: limit)
        }
    }

    /// Keeps a timeline.
    func add(_ timeline: Timeline, _ row: Int64) {
        state.withLock { state in
            guard state.timelines[row] == nil else { return }
            state.uses += 1
            let bytes = timeline.times.count * 8
            state.timelines[row] = Held(value: timeline, bytes: bytes, lastUse: state.uses)
            state.bytes += bytes
            state.evict(to: limit)
        }
    }

    /// Lets go of everything.
    func clear() { state.withLock { $0 = State() } }
}
