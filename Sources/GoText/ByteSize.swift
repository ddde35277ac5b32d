/// A number of bytes as Prometheus reads and writes it: `512B`, `10MB`, `1GiB`, always in powers of 1024.
public struct ByteSize: Hashable, Sendable, Comparable {
    /// The number of bytes.
    public var bytes: Int64

    /// A number of bytes.
    public init(bytes: Int64) { self.bytes = bytes }

    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// Reads a size: one or more numbers with their units.
    /// - Throws: ``ByteSizeError`` in the words of the library that Prometheus uses.
    public init(parsing text: String) throws(ByteSizeError) {
        let invalid = ByteSizeError(message: "units: invalid \(text)")
        var rest = Substring(text)
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
        if rest == "0" {
            bytes = 0
            return
        }
        guard !rest.isEmpty else { throw invalid }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            guard let value = Double(number.hasPrefix(".") ? "0" + number : String(number)) else { throw invalid }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
            guard !unit.isEmpty else {
                throw ByteSizeError(message: "units: missing unit in \(text)")
            }
            rest = rest[unit.endIndex...]
            guard
                let power = Self.units.firstIndex(where: { $0 == unit || $0.replacing("iB", with: "B") == unit })
            else {
                throw ByteSizeError(message: "units: unknown unit \(unit) in \(text)")
            }
            total += value * Double(sign: .plus, exponent: 10 * power, significand: 1)
        }
        // 8EiB is one more than can be counted.
        guard total <= 0x1p63 else { throw invalid }
        bytes = total == 0x1p63 ? .max : Int64(total)
        if isNegative { bytes = -bytes }
    }

    /// Order of sizes.
    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }
}

extension ByteSize: CustomStringConvertible {
    /// As Prometheus prints it: `1GiB512MiB`.
    public var description: String {
        guard bytes != 0 else { return "0B" }
        var rest = bytes.magnitude
        var parts: [String] = []
        for unit in Self.units where rest > 0 {
            if unit == Self.units.last {
                parts.append("\(rest)\(unit)")
                break
            }
            if rest % 1024 != 0 { parts.append("\(rest % 1024)\(unit)") }
            rest /= 1024
        }
        return (bytes < 0 ? "-" : "") + parts.reversed().joined()
    }
}

/// Why a text is not a size.
public struct ByteSizeError: Error, Hashable, CustomStringConvertible {
    /// The message.
    public let message: String

    /// An error with that message.
    public init(message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
