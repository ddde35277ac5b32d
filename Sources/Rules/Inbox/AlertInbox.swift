import MetricModel
import Synchronization

/// A notice as it lies in the inbox.
public struct InboxEntry: Sendable, Hashable {
    /// Why somebody is told.
    public enum Reason: String, Sendable, Hashable {
        /// The alert began to fire.
        case first
        /// It fires still.
        case repeated
        /// It is resolved.
        case resolved
    }

    /// Which notice of this inbox it is, from 1.
    public var number: Int
    /// When, in nanoseconds since 1970.
    public var time: Int64
    /// Why.
    public var reason: Reason
    /// What.
    public var notice: AlertNotice
}

/// What would be told to Alertmanager, in memory: a receiver for those who have none.
public final class AlertInbox: Sendable {
    /// So many entries are kept, the newest.
    public static let capacity = 1000

    private struct State {
        var entries: [InboxEntry] = []
        var first = 0
        var total = 0
    }

    /// The entries, oldest first behind `first`.
    private let state = Mutex(State())

    /// An empty inbox.
    public init() {}

    /// How many notices had to make room for newer ones.
    public var forgotten: Int { state.withLock { $0.total - $0.entries.count } }

    /// Takes notices. Repeated ones of an alert that is resolved are not told again: Alertmanager would not either.
    public func receive(_ notices: [AlertNotice], at time: Int64) {
        if notices.isEmpty { return }
        state.withLock { state in
            for notice in notices {
                if notice.isResolved, notice.isRepeated { continue }
                let reason: InboxEntry.Reason =
                    notice.isResolved ? .resolved : notice.isRepeated ? .repeated : .first
                state.total += 1
                let entry = InboxEntry(number: state.total, time: time, reason: reason, notice: notice)
                if state.entries.count < Self.capacity {
                    state.entries.append(entry)
                } else {
                    state.entries[state.first] = entry
                    state.first = (state.first + 1) % Self.capacity
                }
            }
        }
    }

    /// The entries, newest first.
    public var entries: [InboxEntry] {
        state.withLock { Array(($0.entries[$0.first...] + $0.entries[..<$0.first]).reversed()) }
    }
}
