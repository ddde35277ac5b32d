internal import MetricModel

/// A heap of rows by value as Go's `container/heap` keeps it: which of several equal values stay depends on its moves.
private struct RowHeap {
    var items: [(value: Double, row: Int)] = []
    /// Whether the least value is on top; otherwise the greatest. NaN is always on top.
    let leastFirst: Bool

    init(leastFirst: Bool) { self.leastFirst = leastFirst }

    func isLess(_ left: Double, _ right: Double) -> Bool {
        left.isNaN || (leastFirst ? left < right : left > right)
    }

    mutating func push(_ value: Double, _ row: Int) {
        items.append((value, row))
        var index = items.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            if parent == index || !isLess(items[index].value, items[parent].value) { break }
            items.swapAt(index, parent)
            index = parent
        }
    }

    mutating func replaceTop(_ value: Double, _ row: Int) {
        items[0] = (value, row)
        var index = 0
        while true {
            var child = 2 * index + 1
            if child >= items.count { break }
            if child + 1 < items.count, isLess(items[child + 1].value, items[child].value) { child += 1 }
            if !isLess(items[child].value, items[index].value) { break }
            items.swapAt(index, child)
            index = child
        }
    }

    /// Best first; equal values in the heap's order, as an insertion sort leaves them. NaN comes last, in the order reversed.
    func sorted(_ limits: QueryLimits) throws(PromQLError) -> [(value: Double, row: Int)] {
        let numbers = items.indices.filter { !items[$0].value.isNaN }
        let order = try limits.sorted(numbers) { left, right in
            // The order is reversed: what the heap would give up first comes last.
            if isLess(items[right].value, items[left].value) { return true }
            return !isLess(items[left].value, items[right].value) && left < right
        }
        return order.map { items[$0] } + items.reversed().filter(\.value.isNaN)
    }
}

extension Evaluation {
    /// `topk`, `bottomk`, `limitk` and `limit_ratio`: some of the rows as they are.
    func choose(
        _ node: AggregateExpr,
        _ input: SeriesMatrix,
        _ names: LabelNames,
        _ parameters: [Double]
    ) throws(PromQLError) -> SeriesMatrix {
        let steps = input.steps
        var result = SeriesMatrix(steps: steps)
        guard steps > 0, try isSensible(node, parameters) else { return result }
        let groups = try AggregationGroups(input, names: names, isWithout: node.isWithout, limits)
        var meter = WorkMeter(limits)
        if steps == 1 {
            var order: [Int] = []
            for group in 0..<groups.count {
                order += try chosen(node, input, groups.rows[group], parameters[0], 0, &meter)
            }
            for row in order {
                result.append(row: row, of: input, labels: input.labels[row], dropsName: input.dropsName[row])
            }
            return result
        }
        var isKept = [Bool](repeating: false, count: input.rows * steps)
        for group in 0..<groups.count {
            for step in 0..<steps {
                for row in try chosen(node, input, groups.rows[group], parameters[step], step, &meter) {
                    isKept[row * steps + step] = true
                }
            }
        }
        result = input
        for row in 0..<input.rows {
            try meter.add(16 + steps)
            for step in 0..<steps where !isKept[row * steps + step] {
                result.values[row * steps + step] = Absent.value
                if input.hasHistograms(row) { result.histograms[row]?[step] = nil }
            }
        }
        result.dropEmptyRows()
        return result
    }

    /// Checks the parameter; `false` where the result is empty at all steps.
    private func isSensible(_ node: AggregateExpr, _ parameters: [Double]) throws(PromQLError) -> Bool {
        let numbers = parameters.filter { !$0.isNaN }
        let greatest = numbers.max() ?? -.greatestFiniteMagnitude
        let least = numbers.min() ?? .greatestFiniteMagnitude
        let hasNaN = numbers.count < parameters.count
        let position = node.parameter?.position ?? node.position
        if node.operation == .limitRatio {
            if greatest == 0, least == 0, !hasNaN { return false }
            if hasNaN { throw PromQLError(.execution, "Ratio value is NaN") }
            if greatest > 1 { annotations.invalidRatio(greatest, cappedTo: 1, position) }
            if least < -1 { annotations.invalidRatio(least, cappedTo: -1, position) }
            return true
        }
        if hasNaN { throw PromQLError(.execution, "Parameter value is NaN") }
        if greatest < 1 { return false }
        if least <= -0x1p63 {
            throw PromQLError(.execution, "Scalar value \(GoNumber.text(least, .shortest)) underflows int64")
        }
        if greatest >= 9_223_372_036_854_774_784 {
            throw PromQLError(.execution, "Scalar value \(GoNumber.text(greatest, .shortest)) overflows int64")
        }
        return true
    }

    /// The rows of a group that are chosen at a step, in the order of the result.
    private func chosen(
        _ node: AggregateExpr,
        _ input: SeriesMatrix,
        _ rows: [Int],
        _ parameter: Double,
        _ step: Int,
        _ meter: inout WorkMeter
    ) throws(PromQLError) -> [Int] {
        let steps = input.steps
        try meter.add(8 * rows.count + 8)
        switch node.operation {
        case .limitRatio:
            let ratio = min(1, max(-1, parameter))
            if ratio == 0 { return [] }
            var chosen: [Int] = []
            for row in rows where input.isPresent(row, step) {
                try meter.add(64 + input.labels[row].encoded.count)
                let share = Double(LabelHash.of(input.labels[row])) / Double(UInt64.max)
                if ratio > 0 ? share < ratio : share >= 1 + ratio { chosen.append(row) }
            }
            return chosen
        case .limitk:
            let count = min(Int(parameter), input.rows)
            if count < 1 { return [] }
            return Array(rows.lazy.filter { input.isPresent($0, step) }.prefix(count))
        case .topk, .bottomk, .sum, .avg, .min, .max, .group, .count, .countValues, .stddev, .stdvar, .quantile:
            let isTop = node.operation == .topk
            let count = min(Int(parameter), input.rows)
            if count < 1 { return [] }
            var heap = RowHeap(leastFirst: isTop)
            for row in rows {
                try meter.add(4)
                let value = input.values[row * steps + step]
                if Absent.isAbsent(value) {
                    if input.histogram(row, step) != nil {
                        annotations.histogramIgnored(in: node.operation.rawValue, node.position)
                    }
                    continue
                }
                if heap.items.count < count {
                    heap.push(value, row)
                    continue
                }
                let worst = heap.items[0].value
                if (isTop ? worst < value : worst > value) || (worst.isNaN && !value.isNaN) {
                    heap.replaceTop(value, row)
                }
            }
            return try heap.sorted(limits).map(\.row)
        }
    }

    /// `count_values`: how many rows have each value.
    func evaluateCountValues(_ node: AggregateExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        guard case .string(let label) = node.parameter?.unwrapped else {
            throw PromQLError(.execution, "count_values needs a label")
        }
        if !LabelNameRule.isValid(label.value) {
            throw PromQLError(.execution, "invalid label name \(Expr.string(label))")
        }
        let before = currentSamples
        let input = try await evaluate(node.expression, scope)
        let names = LabelNames(node.isWithout ? node.grouping + [Labels.metricName] : node.grouping + [label.value])
        let steps = input.steps
        var result = SeriesMatrix(steps: steps)
        var rowOfLabels: [Labels: Int] = [:]
        var text: [UInt8] = []
        let charge = try limits.charge()
        result.charge = charge
        var meter = WorkMeter(limits)
        for step in 0..<steps {
            for row in 0..<input.rows {
                try meter.add(4)
                let value = input.values[row * steps + step]
                text.removeAll(keepingCapacity: true)
                if !Absent.isAbsent(value) {
                    GoNumber.append(value, .fixed, to: &text)
                } else if let histogram = input.histogram(row, step) {
                    text = Array(histogram.description.utf8)
                } else {
                    continue
                }
                try meter.add(256 + input.labels[row].encoded.count + text.count)
                var builder = LabelsBuilder(input.labels[row])
                builder.set(label.value, String(decoding: text, as: UTF8.self))
                let whole = builder.build()
                let key = node.isWithout ? whole.dropping(names) : whole.keeping(names)
                let target = rowOfLabels[key] ?? result.rows
                if target == result.rows {
                    rowOfLabels[key] = target
                    try charge.add(8 * steps + key.heldBytes + 64)
                    try meter.add(steps)
                    result.append(repeatElement(Absent.value, count: steps), labels: key)
                }
                let position = target * steps + step
                result.values[position] = Absent.isAbsent(result.values[position]) ? 1 : result.values[position] + 1
            }
        }
        try settle(before, [input], result, scope)
        return result
    }
}

/// What may be the name of a label: any text in UTF-8. Bytes that are none have become the replacement character.
enum LabelNameRule {
    static func isValid(_ name: String) -> Bool { !name.isEmpty && !name.unicodeScalars.contains("\u{FFFD}") }
}

/// The hash by which `limit_ratio` chooses: xxHash64 over the labels in Prometheus's own encoding.
enum LabelHash {
    static func of(_ labels: Labels) -> UInt64 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(labels.encoded.count + 8)
        labels.forEachRange { name, value in
            for field in [name, value] {
                if field.count < 255 {
                    bytes.append(UInt8(field.count))
                } else {
                    bytes.append(255)
                    bytes.append(UInt8(truncatingIfNeeded: field.count))
                    bytes.append(UInt8(truncatingIfNeeded: field.count >> 8))
                    bytes.append(UInt8(truncatingIfNeeded: field.count >> 16))
                }
                bytes.append(contentsOf: labels.encoded[field])
            }
        }
        return xxHash64(bytes)
    }

    private static let prime1: UInt64 = 0x9e37_79b1_85eb_ca87
    private static let prime2: UInt64 = 0xc2b2_ae3d_27d4_eb4f
    private static let prime3: UInt64 = 0x1656_67b1_9e37_79f9
    private static let prime4: UInt64 = 0x85eb_ca77_c2b2_ae63
    private static let prime5: UInt64 = 0x27d4_eb2f_1656_67c5

    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

    private static func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
        rotated(accumulator &+ input &* prime2, 31) &* prime1
    }

    static func xxHash64(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            func word(_ offset: Int) -> UInt64 {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            var position = 0
            var hash: UInt64
            if bytes.count >= 32 {
                var lanes = [prime1 &+ prime2, prime2, 0, 0 &- prime1]
                while position + 32 <= bytes.count {
                    for lane in 0..<4 { lanes[lane] = round(lanes[lane], word(position + 8 * lane)) }
                    position += 32
                }
                hash =
                    rotated(lanes[0], 1) &+ rotated(lanes[1], 7) &+ rotated(lanes[2], 12) &+ rotated(lanes[3], 18)
                for lane in lanes { hash = (hash ^ round(0, lane)) &* prime1 &+ prime4 }
            } else {
                hash = prime5
            }
            hash &+= UInt64(bytes.count)
            while position + 8 <= bytes.count {
                hash = rotated(hash ^ round(0, word(position)), 27) &* prime1 &+ prime4
                position += 8
            }
            if position + 4 <= bytes.count {
                let half = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                hash = rotated(hash ^ UInt64(half) &* prime1, 23) &* prime2 &+ prime3
                position += 4
            }
            while position < bytes.count {
                hash = rotated(hash ^ UInt64(bytes[position]) &* prime5, 11) &* prime1
                position += 1
            }
            hash = (hash ^ hash >> 33) &* prime2
            hash = (hash ^ hash >> 29) &* prime3
            return hash ^ hash >> 32
        }
    }
}
