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
        } else if let (seconds, nanoseconds) = RFC3339.parse(Array(text.utf8)) {
            self.init(seconds: seconds, nanoseconds: nanoseconds)
        } else if text == "-292273086-05-16T16:47:06Z" {
            self = .earliest
        } else if text == "292277025-08-18T07:12:54.999999999Z" {
            self = .latest
        } else {
            return nil
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
