import MetricModel

/// Compares what a query answered with what a script expects.
struct ResultComparison {
    let command: TestScript.Evaluation

    /// What is wrong with the result; `nil` where nothing is.
    func mistake(in result: TestResult) -> String? {
        switch (result, command.result) {
        case (.scalar(let value), .scalar(let expected)):
            Almost.equal(expected, value) ? nil : "expected scalar \(text(expected)) but got \(text(value))"
        case (.scalar(let value), _): "expected vector or matrix result, but got scalar \(text(value))"
        case (.string(let value), .string(let expected)):
            value == expected ? nil : "expected string \(GoText.quoted(expected)) but got \(GoText.quoted(value))"
        case (.string(let value), _): "expected another kind of result, but got string \(GoText.quoted(value))"
        case (.vector(let elements), .series(let expected)): vectorMistake(elements, expected)
        case (.vector(let elements), .scalar): "expected scalar result, but got vector\n" + listing(elements)
        case (.vector(let elements), .string): "expected string result, but got vector\n" + listing(elements)
        case (.matrix(let series), .series(let expected)): matrixMistake(series, expected)
        case (.matrix, .scalar): "expected scalar result, but got matrix"
        case (.matrix, .string): "expected string result, but got matrix"
        }
    }

    private func text(_ value: Double) -> String { TestValue.float(value).description }

    private func listing(_ elements: [(labels: Labels, value: TestValue)]) -> String {
        elements.map { "  \(Self.metric($0.labels)) \($0.value)" }.joined(separator: "\n")
    }

    /// A series as tests write it: `up{job="demo"}`.
    static func metric(_ labels: Labels) -> String {
        let name = labels.name
        guard Label.isLegacyMetricName(name) else { return labels.description }
        var builder = LabelsBuilder(labels)
        builder.remove(Labels.metricName)
        let rest = builder.build()
        return name + (rest.isEmpty ? "" : rest.description)
    }

    /// Lines that are in one text only, marked like those of a patch; common ones are indented.
    private static func difference(_ expected: [String], _ actual: [String], isOrdered: Bool) -> String {
        var lines: [String] = []
        if isOrdered {
            let changes = actual.difference(from: expected)
            var removed: Set<Int> = []
            var inserted: [Int: String] = [:]
            for change in changes {
                switch change {
                case .remove(let offset, _, _): removed.insert(offset)
                case .insert(let offset, let element, _): inserted[offset] = element
                }
            }
            var position = 0
            for (index, line) in expected.enumerated() {
                if removed.contains(index) {
                    lines.append("- \(line)")
                    continue
                }
                while let line = inserted[position] {
                    lines.append("+ \(line)")
                    position += 1
                }
                lines.append("  \(line)")
                position += 1
            }
            while let line = inserted[position] {
                lines.append("+ \(line)")
                position += 1
            }
            return lines.joined(separator: "\n")
        }
        let common = Set(expected).intersection(actual)
        lines = expected.map { common.contains($0) ? "  \($0)" : "- \($0)" }
        lines += actual.filter { !common.contains($0) }.map { "+ \($0)" }
        return lines.joined(separator: "\n")
    }

    // MARK: - Vectors

    private func vectorMistake(
        _ elements: [(labels: Labels, value: TestValue)],
        _ expected: [SeriesDescription]
    ) -> String? {
        let wanted = Dictionary(expected.enumerated().map { ($1.labels, (position: $0, value: $1.values.first)) }) {
            $1
        }
        var seen: Set<Labels> = []
        var mistake: String?
        for (position, element) in elements.enumerated() where mistake == nil {
            let metric = Self.metric(element.labels)
            seen.insert(element.labels)
            guard let found = wanted[element.labels], let value = found.value else {
                mistake = "unexpected metric \(metric) in result, has value \(element.value)"
                continue
            }
            if command.isOrdered, found.position != position {
                mistake = "expected metric \(metric) at position \(found.position + 1) but was at \(position + 1)"
            } else if !Almost.equal(value, element.value) {
                mistake = "expected \(value) for \(metric) but got \(element.value)"
            }
        }
        if mistake == nil, let missing = expected.first(where: { !seen.contains($0.labels) }) {
            mistake = "expected metric \(Self.metric(missing.labels)) not found"
        }
        guard let mistake else { return nil }
        // A value that is close enough is shown as it was expected, so that only what matters differs.
        let actual = elements.map { element in
            guard let value = wanted[element.labels]?.value, Almost.equal(value, element.value) else {
                return "\(Self.metric(element.labels)) \(element.value)"
            }
            return "\(Self.metric(element.labels)) \(value)"
        }
        let lines = expected.map { "\(Self.metric($0.labels)) \($0.values.first ?? .omitted)" }
        return mistake + "\n" + Self.difference(lines, actual, isOrdered: command.isOrdered)
    }

    // MARK: - Matrices

    /// The time of each expected point.
    private var times: (start: Timestamp, end: Timestamp, step: Int64) {
        if let range = command.rangeVector { return (range.from, range.to, range.step) }
        switch command.time {
        case .instant(let time): return (time, time, 0)
        case .range(let from, let to, let step): return (from, to, step)
        }
    }

    private func matrixMistake(
        _ series: [(labels: Labels, points: [(time: Timestamp, value: TestValue)])],
        _ expected: [SeriesDescription]
    ) -> String? {
        if command.isOrdered { return "expected ordered result, but query returned a matrix" }
        for (left, right) in zip(series, series.dropFirst()) where right.labels < left.labels {
            let labels = "\(Self.metric(right.labels)) comes after \(Self.metric(left.labels))"
            return "matrix results should always be sorted by labels, but \(labels)"
        }
        let wanted = Dictionary(expected.map { ($0.labels, $0.values) }) { $1 }
        var mistake: String?
        for (labels, points) in series where mistake == nil {
            guard let values = wanted[labels] else {
                mistake = "unexpected metric \(Self.metric(labels)) in result"
                continue
            }
            mistake = pointsMistake(labels, points, values)
        }
        let seen = Set(series.map(\.labels))
        if mistake == nil, let missing = expected.first(where: { !seen.contains($0.labels) }) {
            mistake = "expected metric \(Self.metric(missing.labels)) not found"
        }
        guard let mistake else { return nil }
        let lines = expected.map { "\(Self.metric($0.labels)) \($0.values.map(\.description).joined(separator: " "))" }
        let actual = series.map { "\(Self.metric($0.labels)) \(sequence($0.points, wanted[$0.labels] ?? []))" }
        return mistake + "\n" + Self.difference(lines, actual, isOrdered: false)
    }

    /// The points as a sequence of values, one for each step; those that are right as they were expected.
    private func sequence(_ points: [(time: Timestamp, value: TestValue)], _ expected: [SequenceValue]) -> String {
        let (start, end, step) = times
        var texts: [String] = []
        var next = 0
        var time = start
        while time <= end, texts.count < 100_000, next < points.count || texts.count < expected.count {
            let value = texts.count < expected.count ? expected[texts.count] : .omitted
            if next < points.count, points[next].time == time {
                let isRight = Almost.equal(value, points[next].value)
                texts.append(isRight ? value.description : points[next].value.description)
                next += 1
            } else {
                texts.append("_")
            }
            if step <= 0 { break }
            time += step
        }
        texts += points[next...].map { "\($0.value)@\($0.time)" }
        return texts.joined(separator: " ")
    }

    private func pointsMistake(
        _ labels: Labels,
        _ points: [(time: Timestamp, value: TestValue)],
        _ values: [SequenceValue]
    ) -> String? {
        let metric = Self.metric(labels)
        let (start, end, step) = times
        var expected: [(time: Timestamp, value: SequenceValue)] = []
        for (index, value) in values.enumerated() {
            let time = start + Int64(index) * step
            if time > end {
                let limit = "but query time range cannot return this many points"
                return "expected \(values.count) points for \(metric), \(limit)"
            }
            if case .omitted = value { continue }
            expected.append((time, value))
        }
        if expected.count != points.count {
            return "expected \(expected.count) points for \(metric), but got \(points.count)"
        }
        for (expected, point) in zip(expected, points) {
            if expected.time != point.time {
                let times = "timestamp \(expected.time), but it had timestamp \(point.time)"
                return "expected value \(expected.value) for \(metric) to have \(times)"
            }
            if !Almost.equal(expected.value, point.value) {
                return "expected value at t=\(point.time) for \(metric) to be \(expected.value), but got \(point.value)"
            }
        }
        return nil
    }
}
