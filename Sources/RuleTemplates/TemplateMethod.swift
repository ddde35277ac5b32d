import MetricModel

/// A method of a time or a duration that a template calls: `(toTime 1.5e9).Format "15:04"`.
struct TemplateMethod {
    let parameters: [TemplateFunction.Parameter]
    let call: ([TemplateValue]) -> TemplateValue

    private init(_ parameters: [TemplateFunction.Parameter] = [], _ call: @escaping ([TemplateValue]) -> TemplateValue)
    {
        self.parameters = parameters
        self.call = call
    }

    private init(_ value: TemplateValue) { self.init([]) { _ in value } }

    /// The method of that name; `nil` where the value has none, or none that is useful in a text.
    init?(_ receiver: TemplateValue, _ name: String) {
        if case .time(let nanoseconds) = receiver {
            self.init(time: nanoseconds, name)
        } else if case .duration(let nanoseconds, _) = receiver {
            self.init(duration: nanoseconds, name)
        } else if case .named(_, _, let text?) = receiver, name == "String" {
            self.init(.string(text))
        } else {
            return nil
        }
    }

    private init?(time nanoseconds: Int64, _ name: String) {
        let time = TemplateTime(nanoseconds: nanoseconds)
        func other(_ values: [TemplateValue]) -> Int64 {
            if case .time(let value) = values.first { return value }
            if case .duration(let value, _) = values.first { return value }
            return 0
        }
        switch name {
        case "Format":
            self.init([.string]) { values in
                if case .string(let layout) = values[0] { return .string(time.formatted(layout)) }
                return .nothing
            }
        case "String": self.init(.string(time.description))
        case "Unix":
            self.init(
                .named("int64", TemplateTime.floor(nanoseconds, per: 1_000_000_000), text: nil)
            )
        case "UnixMilli": self.init(.named("int64", TemplateTime.floor(nanoseconds, per: 1_000_000), text: nil))
        case "UnixMicro": self.init(.named("int64", TemplateTime.floor(nanoseconds, per: 1000), text: nil))
        case "UnixNano": self.init(.named("int64", nanoseconds, text: nil))
        case "Year": self.init(.int(Int64(time.date.year)))
        case "Month":
            self.init(.named("time.Month", Int64(time.date.month), text: TemplateTime.months[time.date.month - 1]))
        case "Day": self.init(.int(Int64(time.date.day)))
        case "Hour": self.init(.int(Int64(time.date.hour)))
        case "Minute": self.init(.int(Int64(time.date.minute)))
        case "Second": self.init(.int(Int64(time.date.second)))
        case "Nanosecond": self.init(.int(Int64(time.nanosecond)))
        case "YearDay": self.init(.int(Int64(time.date.dayOfYear)))
        case "Weekday":
            self.init(.named("time.Weekday", Int64(time.date.weekday), text: TemplateTime.weekdays[time.date.weekday]))
        case "UTC", "Local": self.init(.time(nanoseconds))
        case "Location": self.init(.named("*time.Location", 0, text: "UTC"))
        case "AddDate":
            self.init([.int, .int, .int]) { values in
                let numbers = values.map { value in
                    if case .int(let number) = value { return number }
                    return 0
                }
                return .time(time.adding(years: numbers[0], months: numbers[1], days: numbers[2], to: nanoseconds))
            }
        case "IsZero", "IsDST": self.init(.bool(false))
        case "Add": self.init([.duration]) { .time(nanoseconds &+ other($0)) }
        case "Sub": self.init([.time]) { .duration(nanoseconds &- other($0), isPointer: false) }
        case "Before": self.init([.time]) { .bool(nanoseconds < other($0)) }
        case "After": self.init([.time]) { .bool(nanoseconds > other($0)) }
        case "Equal": self.init([.time]) { .bool(nanoseconds == other($0)) }
        case "Compare":
            self.init([.time]) { .int(nanoseconds < other($0) ? -1 : nanoseconds > other($0) ? 1 : 0) }
        case "Truncate":
            self.init([.duration]) { .time(nanoseconds &- TemplateTime.rest(nanoseconds, of: other($0))) }
        case "Round":
            self.init([.duration]) { values in
                let unit = other(values)
                let rest = TemplateTime.rest(nanoseconds, of: unit)
                let isUp = unit > 0 && rest.magnitude + rest.magnitude >= unit.magnitude
                return .time(nanoseconds &- rest &+ (isUp ? unit : 0))
            }
        default: return nil
        }
    }

    private init?(duration nanoseconds: Int64, _ name: String) {
        func unit(_ values: [TemplateValue]) -> Int64 {
            if case .duration(let value, _) = values.first { return value }
            return 0
        }
        switch name {
        case "Seconds": self.init(.float(Self.parts(nanoseconds, 1_000_000_000)))
        case "Minutes": self.init(.float(Self.parts(nanoseconds, 60_000_000_000)))
        case "Hours": self.init(.float(Self.parts(nanoseconds, 3_600_000_000_000)))
        case "Milliseconds": self.init(.named("int64", nanoseconds / 1_000_000, text: nil))
        case "Microseconds": self.init(.named("int64", nanoseconds / 1000, text: nil))
        case "Nanoseconds": self.init(.named("int64", nanoseconds, text: nil))
        case "String": self.init(.string(TemplateTime.durationText(nanoseconds)))
        case "Abs":
            self.init(.duration(nanoseconds == .min ? .max : Int64(nanoseconds.magnitude), isPointer: false))
        case "Truncate":
            self.init([.duration]) { values in
                let unit = unit(values)
                return .duration(unit <= 0 ? nanoseconds : nanoseconds - nanoseconds % unit, isPointer: false)
            }
        case "Round":
            self.init([.duration]) { values in
                let unit = unit(values)
                guard unit > 0 else { return .duration(nanoseconds, isPointer: false) }
                let rest = nanoseconds % unit
                let isUp = rest.magnitude &+ rest.magnitude >= unit.magnitude
                let base = nanoseconds - rest
                let away =
                    nanoseconds < 0 ? base.subtractingReportingOverflow(unit) : base.addingReportingOverflow(unit)
                let limit: Int64 = nanoseconds < 0 ? .min : .max
                return .duration(isUp ? (away.overflow ? limit : away.partialValue) : base, isPointer: false)
            }
        default: return nil
        }
    }

    /// Whole units and the rest apart, as Go adds them.
    private static func parts(_ nanoseconds: Int64, _ unit: Int64) -> Double {
        Double(nanoseconds / unit) + Double(nanoseconds % unit) / Double(unit)
    }
}
