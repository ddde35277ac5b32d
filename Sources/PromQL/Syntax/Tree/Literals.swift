/// A number.
public struct NumberLiteral: Hashable, Sendable {
    /// The value; of a duration, its length in seconds.
    public var value: Double
    /// Whether it was written as a duration (`5m`), and is printed as one.
    public var isDuration: Bool
    /// Where it stands.
    public var position: PositionRange

    /// A number.
    public init(_ value: Double, isDuration: Bool = false, position: PositionRange) {
        self.value = value
        self.isDuration = isDuration
        self.position = position
    }
}

/// A text.
public struct StringLiteral: Hashable, Sendable {
    /// The text, without quotes and escapes.
    public var value: String
    /// The bytes, where escapes such as `\xff` made something that is not UTF-8; ``value`` is repaired then.
    public var invalidBytes: [UInt8]?
    /// Where it stands, quotes included.
    public var position: PositionRange

    /// A text.
    public init(_ value: String, invalidBytes: [UInt8]? = nil, position: PositionRange) {
        self.value = value
        self.invalidBytes = invalidBytes
        self.position = position
    }
}
