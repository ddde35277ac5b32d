internal import MetricModel

/// Which rows an aggregation puts together.
struct AggregationGroups {
    /// The labels of each group, in the order in which they were met.
    private(set) var labels: [Labels] = []
    /// The group of each row.
    private(set) var groupOfRow: [Int] = []
    /// The rows of each group, in order.
    private(set) var rows: [[Int]] = []

    init(
        _ matrix: SeriesMatrix,
        names: LabelNames,
        isWithout: Bool,
        _ limits: QueryLimits
    ) throws(PromQLError) {
        var meter = WorkMeter(limits)
        groupOfRow.reserveCapacity(matrix.rows)
        if !isWithout, names.names.isEmpty {
            if matrix.rows > 0 {
                labels = [Labels()]
                rows = [Array(0..<matrix.rows)]
            }
            groupOfRow = Array(repeating: 0, count: matrix.rows)
            return
        }
        let dropped = isWithout ? LabelNames(names.names + [Labels.metricName]) : names
        var known: [Labels: Int] = [:]
        var recent = isWithout ? nil : RecentGroups(names)
        for row in 0..<matrix.rows {
            try meter.add(64 + matrix.labels[row].encoded.count)
            if let group = recent?.group(of: matrix.labels[row]) {
                groupOfRow.append(group)
                rows[group].append(row)
                continue
            }
            let key = isWithout ? matrix.labels[row].dropping(dropped) : matrix.labels[row].keeping(names)
            if let group = known[key] {
                groupOfRow.append(group)
                rows[group].append(row)
                recent?.add(matrix.labels[row], group: group)
            } else {
                known[key] = labels.count
                recent?.add(matrix.labels[row], group: labels.count)
                groupOfRow.append(labels.count)
                labels.append(key)
                rows.append([row])
            }
        }
    }

    var count: Int { labels.count }
}

extension AggregateOperator {
    /// Whether the results have the labels of groups, and not those of series.
    fileprivate var answersGroups: Bool {
        switch self {
        case .sum, .avg, .min, .max, .group, .count, .stddev, .stdvar, .quantile: true
        case .topk, .bottomk, .limitk, .limitRatio, .countValues: false
        }
    }
}

/// A few groups by the value of their only label, found without making the group's labels for each row.
private struct RecentGroups {
    private static let greatestCount = 16

    private let name: [UInt8]
    private var groups: [(value: [UInt8], group: Int)] = []

    /// `nil` where there is not exactly one name.
    init?(_ names: LabelNames) {
        guard names.names.count == 1 else { return nil }
        name = Array(names.names[0].utf8)
    }

    /// The group of a row, where it is among those that are known.
    func group(of labels: Labels) -> Int? {
        let range = name.withUnsafeBufferPointer { labels.valueRange(ofUTF8: $0) } ?? 0..<0
        return labels.encoded.withUnsafeBufferPointer { bytes in
            for (value, group) in groups where value.count == range.count {
                let isSame = value.withUnsafeBufferPointer { value in
                    for index in 0..<value.count where value[index] != bytes[range.lowerBound + index] { return false }
                    return true
                }
                if isSame { return group }
            }
            return nil
        }
    }

    mutating func add(_ labels: Labels, group: Int) {
        guard groups.count < Self.greatestCount else { return }
        let range = name.withUnsafeBufferPointer { labels.valueRange(ofUTF8: $0) } ?? 0..<0
        groups.append((Array(labels.encoded[range]), group))
    }
}

extension Evaluation {
    func evaluateAggregation(_ node: AggregateExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        let operation = node.operation
        if operation == .countValues { return try await evaluateCountValues(node, scope) }
        let before = currentSamples
        var parameters: [Double] = []
        if let parameter = node.parameter { parameters = try await evaluate(parameter, scope).values }
        let names = LabelNames(node.grouping)
        let input = try await evaluateOperand(of: node, names, scope)
        var result: SeriesMatrix
        switch operation {
        case .topk, .bottomk, .limitk, .limitRatio:
            result = try choose(node, input, names, parameters)
        case .sum, .avg, .min, .max, .group, .count, .countValues, .stddev, .stdvar, .quantile:
            if operation == .quantile { annotateQuantiles(parameters, node.parameter?.position ?? node.position) }
            let groups = try AggregationGroups(input, names: names, isWithout: node.isWithout, limits)
            result = try await aggregate(node, input, groups, parameters)
            result.dropEmptyRows()
        }
        try limits.check()
        currentSamples = before
        try hold(result.sampleCount, scope)
        return result
    }

    /// What is aggregated. Where a function over ranges is, and its series' names do not tell groups apart, nobody sees whether
    /// it has dropped them: new labels for each series would cost more than the function.
    private func evaluateOperand(
        of node: AggregateExpr,
        _ names: LabelNames,
        _ scope: Scope
    ) async throws(PromQLError) -> SeriesMatrix {
        guard recorder == nil, !delaysNameRemoval, case .call(let call) = node.expression,
            case .range(let function) = call.function.name.kind, node.operation.answersGroups,
            node.isWithout || !names.names.contains(where: { $0.hasPrefix("__") })
        else { return try await evaluate(node.expression, scope) }
        try limits.check()
        return try charged(await evaluateRangeCall(call, function, scope, mayKeepNames: true))
    }

    private func annotateQuantiles(_ quantiles: [Double], _ position: PositionRange) {
        if quantiles.contains(where: \.isNaN) { annotations.invalidQuantile(.nan, position) }
        let numbers = quantiles.filter { !$0.isNaN }
        if let greatest = numbers.max(), greatest > 1 { annotations.invalidQuantile(greatest, position) }
        if let least = numbers.min(), least < 0 { annotations.invalidQuantile(least, position) }
    }

    private func aggregate(
        _ node: AggregateExpr,
        _ input: SeriesMatrix,
        _ groups: AggregationGroups,
        _ parameters: [Double]
    ) async throws(PromQLError) -> SeriesMatrix {
        let charge = try limits.charge(16 * groups.count * input.steps)
        var result = SeriesMatrix(steps: input.steps, labels: groups.labels)
        result.charge = charge
        for row in 0..<input.rows where input.dropsName[row] { result.dropsName[groups.groupOfRow[row]] = true }
        let steps = input.steps
        guard groups.count > 0, steps > 0 else { return result }
        let capacity = groups.count * steps
        let buffer = UnsafeMutablePointer<Double>.allocate(capacity: capacity)
        defer { buffer.deallocate() }
        let output = SharedRows(base: buffer)
        let operation = node.operation
        let rowsOfGroup = groups.rows
        let limits = limits
        // Groups share nothing; where there are too few of them for the cores, the steps are split.
        let pieces = AggregationPiece.split(groups: groups.count, steps: steps)
        _ = await ParallelRows.map(pieces.count, work: input.values.count * 4) { range in
            input.values.withUnsafeBufferPointer { values in
                guard let base = values.baseAddress else { return }
                for piece in pieces[range] {
                    for group in piece.groups {
                        if limits.isOver { return }
                        FloatAggregation(
                            operation: operation,
                            values: base,
                            steps: steps,
                            rows: rowsOfGroup[group],
                            parameters: parameters,
                            limits: limits
                        ).run(piece.steps, output.base + group * steps)
                    }
                }
            }
        }
        // What was given up half-way was not written.
        try limits.check()
        result.values = Array(UnsafeBufferPointer(start: buffer, count: capacity))
        if input.hasHistograms {
            try HistogramAggregation(node: node, input: input, groups: groups, limits: limits)
                .overlay(&result, &annotations)
        }
        return result
    }
}

/// A part of an aggregation's work: some groups at some steps.
struct AggregationPiece: Sendable {
    let groups: Range<Int>
    let steps: Range<Int>

    static func split(groups: Int, steps: Int) -> [AggregationPiece] {
        if groups >= 8 {
            return (0..<8).map { piece in
                AggregationPiece(groups: groups * piece / 8..<groups * (piece + 1) / 8, steps: 0..<steps)
            }
        }
        let pieces = min(steps, 4)
        return (0..<pieces).map { piece in
            AggregationPiece(groups: 0..<groups, steps: steps * piece / pieces..<steps * (piece + 1) / pieces)
        }
    }
}

/// The aggregation of the float rows of one group.
struct FloatAggregation {
    let operation: AggregateOperator
    let values: UnsafePointer<Double>
    let steps: Int
    let rows: [Int]
    let parameters: [Double]
    let limits: QueryLimits

    func run(_ range: Range<Int>, _ output: UnsafeMutablePointer<Double>) {
        let count = range.count
        let target = output + range.lowerBound
        target.update(repeating: Absent.value, count: count)
        switch operation {
        case .sum: sum(range, target)
        case .avg: average(range, target)
        case .min:
            forEachRow(range) { row in
                for step in 0..<count {
                    let value = row[step]
                    let best = target[step]
                    if Absent.isAbsent(value) { continue }
                    if Absent.isAbsent(best) || best > value || best.isNaN { target[step] = value }
                }
            }
        case .max:
            forEachRow(range) { row in
                for step in 0..<count {
                    let value = row[step]
                    let best = target[step]
                    if Absent.isAbsent(value) { continue }
                    if Absent.isAbsent(best) || best < value || best.isNaN { target[step] = value }
                }
            }
        case .group:
            forEachRow(range) { row in
                for step in 0..<count where !Absent.isAbsent(row[step]) { target[step] = 1 }
            }
        case .count:
            forEachRow(range) { row in
                for step in 0..<count where !Absent.isAbsent(row[step]) {
                    target[step] = Absent.isAbsent(target[step]) ? 1 : target[step] + 1
                }
            }
        case .stddev, .stdvar: variance(range, target)
        case .quantile: quantile(range, target)
        case .topk, .bottomk, .limitk, .limitRatio, .countValues: break
        }
    }

    @inline(__always)
    private func forEachRow(_ range: Range<Int>, _ body: (UnsafePointer<Double>) -> Void) {
        var meter = WorkMeter(limits)
        for row in rows {
            // Nobody will look at the answer.
            if meter.isOver(after: range.count + 8) { return }
            body(values + row * steps + range.lowerBound)
        }
    }

    private func sum(_ range: Range<Int>, _ target: UnsafeMutablePointer<Double>) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count) { lost in
            lost.initialize(repeating: 0)
            forEachRow(range) { row in
                for step in 0..<range.count {
                    let value = row[step]
                    if Absent.isAbsent(value) { continue }
                    if Absent.isAbsent(target[step]) {
                        target[step] = value
                    } else {
                        CompensatedSum.add(value, &target[step], &lost[step])
                    }
                }
            }
            for step in 0..<range.count where !Absent.isAbsent(target[step]) { target[step] += lost[step] }
        }
    }

    private func average(_ range: Range<Int>, _ target: UnsafeMutablePointer<Double>) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * range.count) { scratch in
            scratch.initialize(repeating: 0)
            guard let lost = scratch.baseAddress else { return }
            let counts = lost + range.count
            forEachRow(range) { row in
                for step in 0..<range.count {
                    let value = row[step]
                    if Absent.isAbsent(value) { continue }
                    counts[step] += 1
                    if Absent.isAbsent(target[step]) {
                        target[step] = value
                    } else {
                        CompensatedSum.add(value, &target[step], &lost[step])
                    }
                }
            }
            for step in 0..<range.count where !Absent.isAbsent(target[step]) {
                if target[step].isFinite || counts[step] == 1 {
                    target[step] = target[step] / counts[step] + lost[step] / counts[step]
                } else {
                    target[step] = carefulAverage(range.lowerBound + step)
                }
            }
        }
    }

    /// The mean of one step, which goes over to an incremental mean where the sum overflows.
    private func carefulAverage(_ step: Int) -> Double {
        var count = 0.0
        var (sum, lost, mean) = (0.0, 0.0, 0.0)
        var isIncremental = false
        var meter = WorkMeter(limits)
        for row in rows {
            if meter.isOver(after: 8) { break }
            let value = values[row * steps + step]
            if Absent.isAbsent(value) { continue }
            count += 1
            if count == 1 {
                sum = value
                continue
            }
            if !isIncremental {
                var (newSum, newLost) = (sum, lost)
                CompensatedSum.add(value, &newSum, &newLost)
                if !newSum.isInfinite {
                    (sum, lost) = (newSum, newLost)
                    continue
                }
                isIncremental = true
                mean = sum / (count - 1)
                lost /= count - 1
            }
            let weight = (count - 1) / count
            mean *= weight
            lost *= weight
            CompensatedSum.add(value / count, &mean, &lost)
        }
        return isIncremental ? mean + lost : sum / count + lost / count
    }

    private func variance(_ range: Range<Int>, _ target: UnsafeMutablePointer<Double>) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * range.count) { scratch in
            scratch.initialize(repeating: 0)
            guard let means = scratch.baseAddress else { return }
            let counts = means + range.count
            forEachRow(range) { row in
                for step in 0..<range.count {
                    let value = row[step]
                    if Absent.isAbsent(value) { continue }
                    counts[step] += 1
                    if counts[step] == 1 {
                        means[step] = value
                        target[step] = value.isFinite ? 0 : .nan
                    } else {
                        let delta = value - means[step]
                        means[step] += delta / counts[step]
                        target[step] += delta * (value - means[step])
                    }
                }
            }
            for step in 0..<range.count where counts[step] > 0 {
                let variance = target[step] / counts[step]
                target[step] = operation == .stddev ? variance.squareRoot() : variance
            }
        }
    }

    private func quantile(_ range: Range<Int>, _ target: UnsafeMutablePointer<Double>) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: rows.count) { scratch in
            var meter = WorkMeter(limits)
            for step in range {
                if meter.isOver(after: 8 * rows.count) { return }
                var count = 0
                for row in rows {
                    let value = values[row * steps + step]
                    if Absent.isAbsent(value) { continue }
                    scratch.initializeElement(at: count, to: value)
                    count += 1
                }
                if count == 0 { continue }
                let chosen = UnsafeMutableBufferPointer(rebasing: scratch[..<count])
                target[step - range.lowerBound] = Quantile.of(chosen, parameters[step], limits)
            }
        }
    }
}
