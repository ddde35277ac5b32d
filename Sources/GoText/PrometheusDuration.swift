/// A span of time as Prometheus reads and writes it: `1h30m`, `15s`, `100ms`. Whole milliseconds.
public struct PrometheusDuration: Hashable, Sendable, Comparable {
    /// The length in milliseconds.
    public var milliseconds: Int64

    /// A duration of that many milliseconds.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The length in nanoseconds, for whoever waits so long: at most a century, so that a moment and twice that are a moment.
    public var nanoseconds: Int64 { min(max(milliseconds, -Self.century), Self.century) * 1_000_000 }

    private static let century: Int64 = 100 * 31_536_000_000

    /// The length in seconds.
    public var seconds: Double { Double(milliseconds) / 1000 }

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
        ("ms", 1),
    ]

    /// Reads a duration: units from large to small, each at most once; `0` needs none.
    /// - Throws: ``PrometheusDurationError`` in Prometheus's words.
    public init(parsing text: String) throws(PrometheusDurationError) {
        if text == "0" {
            self.init(milliseconds: 0)
            return
        }
        guard !text.isEmpty else { throw PrometheusDurationError(message: "empty duration string") }
        let invalid = PrometheusDurationError(message: "not a valid duration string: \(GoText.quoted(text))")
        let tooLarge = PrometheusDurationError(message: "duration out of range")
        // Go's durations count nanoseconds in 64 bits.
        let greatest = Int64.max / 1_000_000
        var total: Int64 = 0
        var nextUnit = 0
        var rest = text.utf8[...]
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        while !rest.isEmpty {
            let digits = rest.prefix(while: isDigit)
            rest = rest[digits.endIndex...]
            let unit = rest.prefix { !isDigit($0) }
            rest = rest[unit.endIndex...]
            guard !digits.isEmpty, let number = UInt64(Substring(digits)), !unit.isEmpty else { throw invalid }
            guard let index = Self.units.firstIndex(where: { $0.name.utf8.elementsEqual(unit) }) else {
                let name = GoText.quoted(String(Substring(unit)))
                throw PrometheusDurationError(message: "unknown unit \(name) in duration \(GoText.quoted(text))")
            }
            if index < nextUnit { throw invalid }
            nextUnit = index + 1
            guard number <= UInt64(greatest / Self.units[index].milliseconds) else { throw tooLarge }
            total += Int64(number) * Self.units[index].milliseconds
            if total > greatest { throw tooLarge }
        }
        self.init(milliseconds: total)
    }

    /// Byte order of lengths.
    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
}

extension PrometheusDuration: CustomStringConvertible {
    /// As Prometheus prints it: years and weeks only where they divide the whole, so `8d` but `1w`.
    public var description: String {
        guard milliseconds != 0 else { return "0s" }
        var rest = milliseconds.magnitude
        var result = milliseconds < 0 ? "-" : ""
        for (name, length) in Self.units {
            let length = UInt64(length)
            if (name == "y" || name == "w"), rest % length != 0 { continue }
            if rest / length > 0 {
                result += "\(rest / length)\(name)"
                rest %= length
            }
        }
        return result
    }
}

/// Why a text is not a duration, in Prometheus's words.
public struct PrometheusDurationError: Error, Hashable, CustomStringConvertible {
    /// The message.
    public let message: String

    /// An error with that message.
    public init(message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
