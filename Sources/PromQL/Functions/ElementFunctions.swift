internal import MetricModel

/// Functions of single values.
enum ElementFunctions {
    /// The function of one number.
    static func function(_ name: ElementFunction) -> (Double) -> Double {
        switch name {
        case .abs: { $0.magnitude }
        case .ceil: { $0.rounded(.up) }
        case .floor: { $0.rounded(.down) }
        case .exp: { GoMath.exp($0) }
        case .sqrt: { $0.squareRoot() }
        case .ln: { GoMath.log($0) }
        case .log2: { GoMath.log2($0) }
        case .log10: { GoMath.log10($0) }
        case .sin: { GoMath.sin($0) }
        case .cos: { GoMath.cos($0) }
        case .tan: { GoMath.tan($0) }
        case .asin: { GoMath.asin($0) }
        case .acos: { GoMath.acos($0) }
        case .atan: { GoMath.atan($0) }
        case .sinh: { GoMath.sinh($0) }
        case .cosh: { GoMath.cosh($0) }
        case .tanh: { GoMath.tanh($0) }
        case .asinh: { GoMath.asinh($0) }
        case .acosh: { GoMath.acosh($0) }
        case .atanh: { GoMath.atanh($0) }
        case .rad: { $0 * .pi / 180 }
        case .deg: { $0 * 180 / .pi }
        case .sgn: { $0 < 0 ? -1 : ($0 > 0 ? 1 : $0) }
        }
    }

    /// A part of a date.
    static func date(_ part: DatePart, _ time: CivilTime) -> Double {
        switch part {
        case .dayOfMonth: Double(time.day)
        case .dayOfWeek: Double(time.weekday)
        case .dayOfYear: Double(time.dayOfYear)
        case .daysInMonth: Double(time.daysInMonth)
        case .hour: Double(time.hour)
        case .minute: Double(time.minute)
        case .month: Double(time.month)
        case .year: Double(time.year)
        }
    }

    /// The number without its fraction; what does not fit is the least integer, as Go has it on x86.
    static func truncated(_ value: Double) -> Int64 { Int64(exactly: value.rounded(.towardZero)) ?? .min }
}
