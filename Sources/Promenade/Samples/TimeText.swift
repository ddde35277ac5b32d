public import MetricModel

/// A time as people type it.
public enum TimeText {
    /// Reads milliseconds since 1970 (`1795362116593`), seconds with a fraction (`1795362116.5`), a day (`2026-11-28`, its
    /// beginning in UTC), a day with a time of day (`2026-11-28 10:30`, `2026-11-28T10:30:05Z`, with a zone as in RFC 3339),
    /// `now`, or a time before now (`-1h30m`).
    /// - Returns: milliseconds since 1970; `nil` for anything else.
    public static func parse(_ text: String, now: Timestamp) -> Timestamp? {
        if text == "now" { return now }
        if let milliseconds = Int64(text) { return milliseconds }
        if text.hasPrefix("-"), let span = try? PrometheusDuration(parsing: String(text.dropFirst())) {
            return now - span.milliseconds
        }
        if !text.contains("-"), text.contains("."), let seconds = Double(text), abs(seconds) < 9e15 {
            return Int64((seconds * 1000).rounded())
        }
        return calendar(text)
    }

    /// Reads the span that an option was given, such as `1h30m`.
    /// - Parameters:
    ///   - option: with its dashes.
    ///   - example: a span that would be right.
    ///   - least: the shortest, in milliseconds.
    /// - Throws: ``FlagError`` with the option's name and what would be right.
    package static func span(
        _ text: String,
        of option: String,
        like example: String,
        least: Int64 = 0
    ) throws(FlagError) -> PrometheusDuration {
        guard let span = try? PrometheusDuration(parsing: text), span.milliseconds >= least else {
            throw noTime(text, of: option, like: example)
        }
        return span
    }

    /// Why an option cannot be used that takes a time.
    package static func noTime(_ text: String, of option: String, like examples: String) -> FlagError {
        FlagError(message: "\(option): \(GoText.quoted(text)) is not a time such as \(examples)")
    }

    private static func calendar(_ text: String) -> Timestamp? {
        var bytes = Array(text.utf8)
        if bytes.count == 10 { bytes += "T00:00:00Z".utf8 }
        guard bytes.count >= 16, "Tt ".utf8.contains(bytes[10]) else { return nil }
        bytes[10] = UInt8(ascii: "T")
        let hasSeconds = bytes.count > 16 && bytes[16] == UInt8(ascii: ":")
        if !hasSeconds { bytes.insert(contentsOf: ":00".utf8, at: 16) }
        switch bytes.last {
        case UInt8(ascii: "Z"): break
        case UInt8(ascii: "z"): bytes[bytes.count - 1] = UInt8(ascii: "Z")
        default: if !bytes[16...].contains(where: "+-".utf8.contains) { bytes.append(UInt8(ascii: "Z")) }
        }
        guard let (seconds, nanoseconds) = RFC3339.parse(bytes) else { return nil }
        return seconds * 1000 + nanoseconds / 1_000_000
    }
}
