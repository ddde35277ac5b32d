internal import MetricModel

/// `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, over classic buckets and native histograms.
struct HistogramCall {
    /// Which of the functions it is.
    enum Kind {
        case quantile
        case quantiles
        case fraction
    }

    let kind: Kind
    let node: CallExpr
    let grid: StepGrid
    let delaysNameRemoval: Bool
    let equalLabels: EqualLabels
    let limits: QueryLimits
    private(set) var notes = Annotations()

    /// A classic histogram: rows that differ in `le` only.
    private struct Classic {
        var labels: Labels
        var dropsName = true
        /// Rows with their bounds.
        var rows: [(row: Int, bound: Double)] = []
        /// Whether the bounds rise and differ, so that nothing has to be sorted at each step.
        var isOrdered = false
    }

    private var vectorIndex: Int {
        switch kind {
        case .quantile: 1
        case .fraction: 2
        case .quantiles: 0
        }
    }

    mutating func evaluate(_ arguments: [SeriesMatrix]) throws(PromQLError) -> SeriesMatrix {
        let vector = arguments[vectorIndex]
        let position = node.arguments[vectorIndex].position
        let classics = try classicHistograms(vector, position)
        // A native histogram whose labels are those of a classic one at the same step: neither is answered.
        try limits.check()
        let mixed = mixedSteps(vector, classics, position)
        var result = try RowCollector(
            steps: grid.count,
            capacity: classics.count,
            equalLabels: equalLabels,
            limits
        )
        switch kind {
        case .fraction:
            let (lower, upper) = (arguments[0].values, arguments[1].values)
            try native(vector, mixed, position, &result, suffix: nil) { histogram, step in
                histogram.fraction(between: lower[step], and: upper[step])
            }
            try classic(vector, classics, mixed, &result, suffix: nil) { buckets, step in
                (buckets.fraction(between: lower[step], and: upper[step]), nil)
            }
        case .quantile:
            try quantile(arguments[0].values, 0, vector, classics, mixed, position, &result, label: nil)
        case .quantiles:
            guard case .string(let label) = node.arguments[1].unwrapped else { break }
            for index in 2..<arguments.count {
                let values = arguments[index].values
                try quantile(values, index, vector, classics, mixed, position, &result, label: label.value)
            }
        }
        return result.matrix
    }

    private mutating func quantile(
        _ values: [Double],
        _ argument: Int,
        _ vector: SeriesMatrix,
        _ classics: [Classic],
        _ mixed: [[Bool]],
        _ position: PositionRange,
        _ result: inout RowCollector,
        label: String?
    ) throws(PromQLError) {
        var meter = WorkMeter(limits)
        var invalid = InvalidQuantiles()
        for step in 0..<grid.count where invalid.isNew(values[step]) {
            try meter.add(64)
            notes.invalidQuantile(values[step], node.arguments[argument].position)
        }
        // A quantile that changes from step to step goes into as many series.
        var distinct: [Double] = []
        if label == nil {
            distinct = [0]
        } else {
            for value in values where !distinct.contains(where: { $0 == value || ($0.isNaN && value.isNaN) }) {
                try meter.add(distinct.count + 1)
                distinct.append(value)
            }
        }
        for wanted in distinct {
            func applies(_ step: Int) -> Bool {
                label == nil || values[step] == wanted || (values[step].isNaN && wanted.isNaN)
            }
            let suffix = label.map { ($0, HistogramCall.openMetricsText(wanted)) }
            try native(vector, mixed, position, &result, suffix: suffix) { histogram, step in
                applies(step) ? histogram.quantile(values[step]) : nil
            }
            try classic(vector, classics, mixed, &result, suffix: suffix) { buckets, step in
                if !applies(step) { return nil }
                var buckets = buckets
                return buckets.quantile(values[step])
            }
        }
    }

    /// A number as OpenMetrics writes it: whole ones with `.0`.
    static func openMetricsText(_ value: Double) -> String {
        if value == 1 { return "1.0" }
        if value == 0 { return "0.0" }
        if value == -1 { return "-1.0" }
        if value.isNaN || value.isInfinite { return GoNumber.text(value, .shortest) }
        let text = GoNumber.text(value, .shortest)
        return text.contains(".") || text.contains("e") ? text : text + ".0"
    }

    /// Groups the rows with floats by what remains without `le`.
    private mutating func classicHistograms(
        _ vector: SeriesMatrix,
        _ position: PositionRange
    ) throws(PromQLError) -> [Classic] {
        var meter = WorkMeter(limits)
        let names = LabelNames(["le"])
        var result: [Classic] = []
        var known: [Labels: Int] = [:]
        for row in 0..<vector.rows where vector.hasFloats(row) {
            try meter.add(128 + vector.labels[row].encoded.count)
            let text = vector.labels[row]["le"] ?? ""
            guard let bound = GoFloatText.parse(text) else {
                notes.badBucketLabel(delaysNameRemoval ? vector.labels[row].name : "", text, position)
                continue
            }
            let key = vector.labels[row].dropping(names)
            let index = known[key] ?? result.count
            if index == result.count {
                known[key] = index
                result.append(Classic(labels: key))
            }
            result[index].rows.append((row, bound))
        }
        for index in result.indices {
            let sorted = result[index].rows.enumerated().sorted {
                ($0.element.bound, $0.offset) < ($1.element.bound, $1.offset)
            }
            result[index].rows = sorted.map(\.element)
            let bounds = result[index].rows.map(\.bound)
            result[index].isOrdered = zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }
        }
        return result
    }

    /// For each classic histogram the steps at which there is a native one of the same labels; empty where there are none.
    private mutating func mixedSteps(
        _ vector: SeriesMatrix,
        _ classics: [Classic],
        _ position: PositionRange
    ) -> [[Bool]] {
        guard vector.hasHistograms else { return [] }
        var rows: [Labels: Int] = [:]
        for row in 0..<vector.rows where vector.hasHistograms(row) { rows[vector.labels[row]] = row }
        var result = [[Bool]](repeating: [], count: classics.count)
        for (index, classic) in classics.enumerated() {
            guard let native = rows[classic.labels] else { continue }
            result[index] = (0..<grid.count).map { step in
                vector.histogram(native, step) != nil
                    && classic.rows.contains { !Absent.isAbsent(vector.values[$0.row * grid.count + step]) }
            }
            if result[index].contains(true) {
                notes.mixedClassicNative(delaysNameRemoval ? classic.labels.name : "", position)
            }
        }
        mixedNatives = Dictionary(
            uniqueKeysWithValues: classics.indices.compactMap { index in
                rows[classics[index].labels].map { ($0, result[index]) }
            }
        )
        return result
    }

    /// By row of a native histogram the steps at which it is not answered.
    var mixedNatives: [Int: [Bool]] = [:]

    private mutating func native(
        _ vector: SeriesMatrix,
        _ mixed: [[Bool]],
        _ position: PositionRange,
        _ result: inout RowCollector,
        suffix: (name: String, value: String)?,
        _ function: (NativeHistogram, Int) -> (value: Double, note: NativeHistogram.EstimateNote?)?
    ) throws(PromQLError) {
        guard vector.hasHistograms else { return }
        var meter = WorkMeter(limits)
        for row in 0..<vector.rows where vector.hasHistograms(row) {
            var output = [Double](repeating: Absent.value, count: grid.count)
            let labels = delaysNameRemoval ? vector.labels[row] : vector.labels[row].withoutReserved
            for step in 0..<grid.count {
                try meter.add(256 + 4 * (vector.histogram(row, step)?.bucketCount ?? 0))
                guard let histogram = vector.histogram(row, step), !(mixedNatives[row]?[step] ?? false),
                    let (value, note) = function(histogram, step)
                else { continue }
                output[step] = value
                if let note { notes.estimate(note, labels.name, position) }
            }
            try add(output, labels, suffix, &result)
        }
    }

    private func add(
        _ output: [Double],
        _ labels: Labels,
        _ suffix: (name: String, value: String)?,
        _ result: inout RowCollector
    ) throws(PromQLError) {
        var labels = labels
        if let suffix {
            var builder = LabelsBuilder(labels)
            builder.set(suffix.name, suffix.value)
            labels = builder.build()
        }
        try result.add(output, histograms: nil, labels: labels, dropsName: true)
    }

    private mutating func classic(
        _ vector: SeriesMatrix,
        _ classics: [Classic],
        _ mixed: [[Bool]],
        _ result: inout RowCollector,
        suffix: (name: String, value: String)?,
        _ function: (ClassicBuckets, Int) -> (value: Double, repair: ClassicBuckets.Repair?)?
    ) throws(PromQLError) {
        let steps = grid.count
        let position = node.arguments[vectorIndex].position
        var buckets: [ClassicBuckets.Bucket] = []
        var meter = WorkMeter(limits)
        for (index, classic) in classics.enumerated() {
            try meter.add(64 + steps)
            var output = [Double](repeating: Absent.value, count: steps)
            let isMixed = mixed.isEmpty ? [] : mixed[index]
            for step in 0..<steps {
                if !isMixed.isEmpty, isMixed[step] { continue }
                try meter.add(8 * classic.rows.count)
                buckets.removeAll(keepingCapacity: true)
                for (row, bound) in classic.rows {
                    let value = vector.values[row * steps + step]
                    if Absent.isAbsent(value) { continue }
                    buckets.append(ClassicBuckets.Bucket(upperBound: bound, count: value))
                }
                guard !buckets.isEmpty else { continue }
                let histogram = classic.isOrdered ? ClassicBuckets(ordered: buckets) : ClassicBuckets(buckets)
                guard let (value, repair) = function(histogram, step) else { continue }
                output[step] = value
                if let repair {
                    notes.forcedMonotonicity(
                        delaysNameRemoval ? classic.labels.name : "",
                        position,
                        at: grid.time(step),
                        lowest: repair.lowest,
                        highest: repair.highest,
                        greatestDifference: repair.greatestDifference
                    )
                }
            }
            let labels = delaysNameRemoval ? classic.labels : classic.labels.withoutReserved
            try add(output, labels, suffix, &result)
        }
    }
}

/// Numbers as Go's `strconv.ParseFloat` reads them.
enum GoFloatText {
    static func parse(_ text: String) -> Double? {
        switch text.lowercased() {
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        case "nan": return .nan
        default: break
        }
        guard let first = text.utf8.first, first != UInt8(ascii: " "), !text.lowercased().hasPrefix("nan") else {
            return nil
        }
        return Double(text)
    }
}
