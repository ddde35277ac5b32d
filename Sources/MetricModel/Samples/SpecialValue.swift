/// The values that have a meaning beyond their number.
public enum SpecialValue {
    /// The bits of the NaN that marks a series as ended (Prometheus's stale marker).
    public static let staleBits: UInt64 = 0x7ff0_0000_0000_0002
    /// The bits of an ordinary NaN, as Prometheus writes it.
    public static let nanBits: UInt64 = 0x7ff8_0000_0000_0001
    /// The stale marker.
    @inlinable public static var stale: Double { Double(bitPattern: staleBits) }
    /// The ordinary NaN.
    @inlinable public static var nan: Double { Double(bitPattern: nanBits) }

    /// Whether the value is the stale marker (bit for bit; other NaNs are not).
    @inlinable
    public static func isStale(_ value: Double) -> Bool { value.bitPattern == staleBits }
}
