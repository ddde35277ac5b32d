/// Points in time as RFC 3339 writes them and Go's `time.Parse` reads them.
public enum RFC3339 {
    /// Reads a text by the layout `time.RFC3339Nano`: `2024-02-29T12:00:00.5+01:00`. Go takes an hour of one digit, a comma before the
    /// fraction and an offset of up to 24:60.
    /// - Returns: whole seconds since 1970 and the nanoseconds after them; `nil` where Go has an error.
    public static func parse(_ text: [UInt8]) -> (seconds: Int64, nanoseconds: Int64)? {
        var position = 0
        func digit() -> Int? {
            guard position < text.count, text[position] >= 0x30, text[position] <= 0x39 else { return nil }
            position += 1
            return Int(text[position - 1] - 0x30)
        }
        func number(_ digits: Int) -> Int? {
            var value = 0
            for _ in 0..<digits {
                guard let next = digit() else { return nil }
                value = value * 10 + next
            }
            return value
        }
        func take(_ character: Unicode.Scalar) -> Bool {
            guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2), take("T"),
            var hour = digit()
        else { return nil }
        if let second = digit() { hour = hour * 10 + second }
        guard take(":"), let minute = number(2), take(":"), let second = number(2), (1...12).contains(month),
            (1...CivilTime.daysIn(month, of: year)).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var nanoseconds: Int64 = 0
        if take(".") || take(",") {
            let start = position
            while let next = digit() {
                if position - start <= 9 { nanoseconds = nanoseconds * 10 + Int64(next) }
            }
            guard position > start else { return nil }
            for _ in 0..<max(0, 9 - (position - start)) { nanoseconds *= 10 }
        }
        var offset: Int64 = 0
        if !take("Z") {
            let isBefore = take("-")
            guard isBefore || take("+"), let hours = number(2), take(":"), let minutes = number(2), hours <= 24,
                minutes <= 60
            else { return nil }
            offset = Int64(hours * 3600 + minutes * 60) * (isBefore ? -1 : 1)
        }
        guard position == text.count else { return nil }
        let clock = Int64(hour * 3600 + minute * 60 + second)
        return (CivilTime.days(Int64(year), Int64(month), Int64(day)) * 86400 + clock - offset, nanoseconds)
    }
}
