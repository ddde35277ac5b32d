/// The time of a clock that somebody may have set wrong, for what cannot be taken back.
///
/// A clock that is ahead of what it should show is believed once it has stood by it for a while; until then the time goes on as it was.
package struct SettledTime: Sendable {
    /// The last time that was believed, and when that was by the steady clock.
    private var known: (time: Timestamp, steady: Int64)
    /// The first time that was not believed, and when that was.
    private var doubted: (time: Timestamp, steady: Int64)?
    /// How long a clock that is ahead has to stand by it, in nanoseconds.
    private let patience: Int64

    /// So far it may be ahead without doubt, in milliseconds: clocks are set to the right time, too.
    private static let slack: Int64 = 60_000

    /// Begins at a time of which is certain that it was, such as that of the newest sample.
    package init(_ time: Timestamp, steady: Int64, patience: Int64) {
        known = (time, steady)
        self.patience = patience
    }

    /// Whether the clock was not believed the last time.
    package var isInDoubt: Bool { doubted != nil }

    /// The time to go by, where the clock shows `now`.
    package mutating func time(_ now: Timestamp, steady: Int64) -> Timestamp {
        let expected = Self.later(known, steady)
        if now <= expected.plus(Self.slack) || stands(by: now, steady) {
            known = (now, steady)
            doubted = nil
            return now
        }
        return expected
    }

    private mutating func stands(by now: Timestamp, _ steady: Int64) -> Bool {
        if let doubted {
            let difference = now.minus(Self.later(doubted, steady))
            if -Self.slack...Self.slack ~= difference { return steady.minus(doubted.steady) >= patience }
        }
        doubted = (now, steady)
        return patience <= 0
    }

    private static func later(_ moment: (time: Timestamp, steady: Int64), _ steady: Int64) -> Timestamp {
        moment.time.plus(max(0, steady.minus(moment.steady)) / 1_000_000)
    }
}
