import MetricModel

/// When something runs, as crontab(5) has it: minute, hour, day of the month, month, day of the week, in UTC.
public struct CronTable: Sendable, Hashable {
    private var minutes: Set<Int>
    private var hours: Set<Int>
    private var days: Set<Int>
    private var months: Set<Int>
    private var weekdays: Set<Int>
    /// Whether both days are restricted: then either is enough.
    private var isEitherDay: Bool

    /// A field: what its numbers may be, and the names of them, from the first on.
    private struct Field {
        var name: String
        var range: ClosedRange<Int>
        var words: [Substring] = []

        func number(_ text: Substring) -> Int? {
            if let number = Int(text) { return range.contains(number) ? number : nil }
            return words.firstIndex(of: Substring(text.lowercased())).map { range.lowerBound + $0 }
        }
    }

    private static func words(_ text: String) -> [Substring] { text.split(separator: " ") }

    private static let fields = [
        Field(name: "minute", range: 0...59), Field(name: "hour", range: 0...23),
        Field(name: "day of the month", range: 1...31),
        Field(name: "month", range: 1...12, words: words("jan feb mar apr may jun jul aug sep oct nov dec")),
        Field(name: "day of the week", range: 0...7, words: words("sun mon tue wed thu fri sat")),
    ]
    private static let names = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    /// Reads five fields, each `*`, numbers, spans (`1-5`), steps (`*/15`) or a list of these, months and days of the week by name, too
    /// (`mon-fri`); or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    /// - Throws: ``CronError`` that says what is wrong with which field.
    public init(parsing text: String) throws(CronError) {
        let words = (Self.names[text] ?? text).split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 5 else {
            throw CronError(
                message:
                    "\(GoText.quoted(text)) has \(words.count) fields, not the five of crontab: minute, hour, day of "
                    + "the month, month, day of the week (or @hourly, @daily, @weekly, @monthly, @yearly)"
            )
        }
        var sets: [Set<Int>] = []
        for (word, field) in zip(words, Self.fields) { sets.append(try Self.values(word, field)) }
        minutes = sets[0]
        hours = sets[1]
        days = sets[2]
        months = sets[3]
        weekdays = Set(sets[4].map { $0 % 7 })
        isEitherDay = !words[2].hasPrefix("*") && !words[4].hasPrefix("*")
    }

    private static func values(_ word: Substring, _ field: Field) throws(CronError) -> Set<Int> {
        let range = field.range
        let names = field.words.isEmpty ? "" : "\(field.words.joined(separator: ", ")), "
        let forms = "\(range.lowerBound) to \(range.upperBound), \(names)*, 1-5, */15"
        let wrong = CronError(message: "\(GoText.quoted(String(word))) is no \(field.name): \(forms)")
        var found: Set<Int> = []
        for item in word.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let step = parts.count == 2 ? Int(parts[1]) : 1, step > 0 else { throw wrong }
            var span = range
            if parts[0] != "*" {
                let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
                guard ends.count <= 2, let first = field.number(ends[0]), let last = field.number(ends[ends.count - 1]),
                    first <= last
                else { throw wrong }
                span = first...(parts.count == 2 && ends.count == 1 ? range.upperBound : last)
            }
            found.formUnion(stride(from: span.lowerBound, through: span.upperBound, by: step))
        }
        return found
    }

    /// The first moment after a time, both in seconds since 1970; `nil` where there is none in five years.
    public func next(after time: Int64) -> Int64? {
        var minute = (time / 60 + 1) * 60
        let end = minute + 5 * 366 * 86400
        while minute < end {
            let date = CivilTime(seconds: minute)
            guard months.contains(date.month), isDay(date) else {
                minute = (minute / 86400 + 1) * 86400
                continue
            }
            guard hours.contains(date.hour) else {
                minute = (minute / 3600 + 1) * 3600
                continue
            }
            if minutes.contains(date.minute) { return minute }
            minute += 60
        }
        return nil
    }

    private func isDay(_ date: CivilTime) -> Bool {
        let (isDay, isWeekday) = (days.contains(date.day), weekdays.contains(date.weekday))
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }
}

/// What is wrong with a text for ``CronTable``.
public struct CronError: Error, Hashable, CustomStringConvertible {
    /// What is wrong, and what would be right.
    public var message: String
    /// The message.
    public var description: String { message }
}
