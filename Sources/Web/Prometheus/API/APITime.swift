import MetricModel

/// A moment as the API's parameters give it: seconds and nanoseconds, as Go's `time.Time` counts.
struct APITime: Comparable {
    var seconds: Int64
    var nanoseconds: Int64

    static func < (left: Self, right: Self) -> Bool {
        (left.sinceYearOne, left.nanoseconds) < (right.sinceYearOne, right.nanoseconds)
    }

    /// The seconds as Go compares them, which wraps far from 1970: infinity is before all else.
    var sinceYearOne: Int64 { seconds &+ 62_135_596_800 }

    /// In milliseconds, as samples are stamped.
    var milliseconds: Timestamp { seconds &* 1000 &+ nanoseconds / 1_000_000 }

    /// In milliseconds as the query engine counts them: by way of nanoseconds, which overflow beyond 292 years from 1970.
    var engineMilliseconds: Timestamp { (seconds &* 1_000_000_000 &+ nanoseconds) / 1_000_000 }

    /// The default start of a span that has none.
    static let earliest = APITime(seconds: Int64.min / 1000 + 62_135_596_801, nanoseconds: 0)
    /// The default end of a span that has none.
    static let latest = APITime(seconds: Int64.max / 1000 - 62_135_596_801, nanoseconds: 999_999_999)

    init(seconds: Int64, nanoseconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    init(wallNanoseconds: Int64) {
        self.init(seconds: wallNanoseconds / 1_000_000_000, nanoseconds: wallNanoseconds % 1_000_000_000)
    }

    /// Seconds as a number, rounded to milliseconds, or RFC 3339; `nil` for anything else.
    init?(parsing text: String) {
        if let value = GoSyntax.float(text) {
            let whole = value.rounded(.towardZero)
            let fraction = ((value - whole) * 1000).rounded(.toNearestOrAwayFromZero) / 1000
            var seconds = Int64(exactly: whole) ?? .min
            var nanoseconds = Int64(exactly: (fraction * 1e9).rounded(.towardZero)) ?? .min
            // Go's time.Unix brings the nanoseconds into 0..<1e9.
            seconds &+= nanoseconds / 1_000_000_000
            nanoseconds %= 1_000_000_000
            if nanoseconds < 0 {
                nanoseconds += 1_000_000_000
                seconds &-= 1
            }
            self.init(seconds: seconds, nanoseconds: nanoseconds)
        } else if let time = Self.rfc3339(text) {
            self = time
        } else if text == "-292273086-05-16T16:47:06Z" {
            self = .earliest
        } else if text == "292277025-08-18T07:12:54.999999999Z" {
            self = .latest
        } else {
            return nil
        }
    }

    private static func rfc3339(_ text: String) -> APITime? {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[start..<(start + count)] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        func isAt(_ index: Int, _ character: Unicode.Scalar) -> Bool {
            index < bytes.count && bytes[index] == UInt8(ascii: character)
        }
        guard let year = number(0, 4), isAt(4, "-"), let month = number(5, 2), isAt(7, "-"), let day = number(8, 2),
            isAt(10, "T"), let hour = number(11, 2), isAt(13, ":"), let minute = number(14, 2), isAt(16, ":"),
            let second = number(17, 2), (1...12).contains(month), day >= 1, day <= daysIn(month, year), hour < 24,
            minute < 60, second < 60
        else { return nil }
        var index = 19
        var nanoseconds: Int64 = 0
        if isAt(index, ".") || isAt(index, ",") {
            index += 1
            var digits = 0
            while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 {
                if digits < 9 { nanoseconds = nanoseconds * 10 + Int64(bytes[index] - 0x30) }
                digits += 1
                index += 1
            }
            guard digits > 0 else { return nil }
            for _ in 0..<max(0, 9 - digits) { nanoseconds *= 10 }
        }
        var offset: Int64 = 0
        if isAt(index, "Z") {
            index += 1
        } else if isAt(index, "+") || isAt(index, "-") {
            guard let hours = number(index + 1, 2), isAt(index + 3, ":"), let minutes = number(index + 4, 2),
                hours <= 24, minutes < 60
            else { return nil }
            offset = Int64(hours * 3600 + minutes * 60) * (isAt(index, "-") ? -1 : 1)
            index += 6
        } else {
            return nil
        }
        guard index == bytes.count else { return nil }
        let days = CivilTime.seconds(year: year, month: month, day: day)
        let seconds = days + Int64(hour * 3600 + minute * 60 + second) - offset
        return APITime(seconds: seconds, nanoseconds: nanoseconds)
    }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Values as Go's `strconv` reads them.
enum GoSyntax {
    /// `strconv.ParseFloat`; `nil` for an error.
    static func float(_ text: String) -> Double? {
        guard !text.isEmpty else { return nil }
        var unsigned = text.lowercased()
        if unsigned.hasPrefix("+") || unsigned.hasPrefix("-") { unsigned.removeFirst() }
        switch unsigned {
        case "inf", "infinity": return text.hasPrefix("-") ? -.infinity : .infinity
        case "nan": return .nan
        default: break
        }
        guard let first = unsigned.utf8.first, first == UInt8(ascii: ".") || (first >= 0x30 && first <= 0x39) else {
            return nil
        }
        var text = text
        if unsigned.contains("_") {
            let bytes = Array(text.utf8)
            func isDigit(_ index: Int) -> Bool {
                bytes.indices.contains(index) && bytes[index] >= 0x30 && bytes[index] <= 0x39
            }
            for index in bytes.indices where bytes[index] == UInt8(ascii: "_") {
                guard isDigit(index - 1), isDigit(index + 1) else { return nil }
            }
            text = text.filter { $0 != "_" }
        }
        // A hexadecimal number needs an exponent.
        if unsigned.hasPrefix("0x"), !unsigned.contains("p") { return nil }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// `strconv.Atoi`.
    static func integer(_ text: String) -> Result<Int, APIFailure.Text> {
        if let value = Int(text) { return .success(value) }
        var digits = Substring(text)
        if digits.hasPrefix("+") || digits.hasPrefix("-") { digits = digits.dropFirst() }
        let isNumber = !digits.isEmpty && digits.allSatisfy { ("0"..."9").contains($0) }
        let reason = isNumber ? "value out of range" : "invalid syntax"
        return .failure(APIFailure.Text("strconv.Atoi: parsing \(GoText.quoted(text)): \(reason)"))
    }

    /// `strconv.ParseBool`.
    static func bool(_ text: String) -> Result<Bool, APIFailure.Text> {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": .success(true)
        case "0", "f", "F", "false", "FALSE", "False": .success(false)
        default:
            .failure(APIFailure.Text("strconv.ParseBool: parsing \(GoText.quoted(text)): invalid syntax"))
        }
    }
}
