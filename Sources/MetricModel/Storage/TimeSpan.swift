/// A span of time; both ends belong to it.
public struct TimeSpan: Sendable, Hashable {
    /// When it begins, in milliseconds since 1970.
    public var start: Timestamp
    /// When it ends, in milliseconds since 1970.
    public var end: Timestamp

    /// A span; an empty one where it ends before it begins.
    public init(start: Timestamp, end: Timestamp) {
        self.start = start
        self.end = end
    }

    /// All of time.
    public static let ever = TimeSpan(start: .min, end: .max)
}
