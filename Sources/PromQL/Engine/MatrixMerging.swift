internal import MetricModel

/// What becomes of rows that have the same labels.
enum EqualLabels {
    /// They become one, as long as they have no step in common.
    case merged
    /// They stay as they are until the end of the query.
    case kept
}

/// Collects rows by labels.
struct RowCollector {
    private(set) var matrix: SeriesMatrix
    private let equalLabels: EqualLabels
    private var rowByLabels: [Labels: Int] = [:]
    private let charge: MemoryCharge
    private var meter: WorkMeter

    init(
        steps: Int,
        capacity: Int,
        equalLabels: EqualLabels = .merged,
        _ limits: QueryLimits
    ) throws(PromQLError) {
        self.equalLabels = equalLabels
        charge = try limits.charge()
        meter = WorkMeter(limits)
        matrix = SeriesMatrix(steps: steps)
        matrix.charge = charge
        if steps * capacity < 1 << 24 { matrix.values.reserveCapacity(steps * capacity) }
        rowByLabels.reserveCapacity(capacity)
    }

    /// Adds a row; one without samples is left out.
    mutating func add(
        _ row: some RandomAccessCollection<Double>,
        histograms: [NativeHistogram?]?,
        labels: Labels,
        dropsName: Bool
    ) throws(PromQLError) {
        try meter.add(2 * row.count + labels.encoded.count)
        let points = histograms.flatMap { points in points.contains { $0 != nil } ? points : nil }
        if points == nil, row.allSatisfy({ Absent.isAbsent($0) }) { return }
        guard equalLabels == .merged, let known = rowByLabels[labels] else {
            rowByLabels[labels] = matrix.rows
            try charge.add(8 * row.count + labels.heldBytes)
            matrix.append(row, histograms: points, labels: labels, dropsName: dropsName)
            return
        }
        for (step, value) in row.enumerated() {
            let histogram = points?[step]
            if Absent.isAbsent(value), histogram == nil { continue }
            if matrix.isPresent(known, step) { throw .duplicateLabels }
            matrix.values[known * matrix.steps + step] = value
            if histogram != nil { matrix.setHistogram(histogram, known, step) }
        }
    }
}

extension SeriesMatrix {
    /// Makes one row of rows with the same labels.
    /// - Throws: where two of them have a sample at the same step.
    func mergingEqualLabels(
        _ limits: QueryLimits,
        _ rule: EqualLabels = .merged
    ) throws(PromQLError) -> SeriesMatrix {
        if rule == .kept { return self }
        if try hasDistinctLabels(limits) { return self }
        var collector = try RowCollector(steps: steps, capacity: rows, limits)
        for row in 0..<rows {
            let points = hasHistograms(row) ? histograms[row] : nil
            let slice = values[row * steps..<(row + 1) * steps]
            try collector.add(slice, histograms: points, labels: labels[row], dropsName: dropsName[row])
        }
        return collector.matrix
    }

    /// Whether no two rows have the same labels.
    func hasDistinctLabels(_ limits: QueryLimits) throws(PromQLError) -> Bool {
        if rows < 2 { return true }
        var seen: Set<Labels> = []
        seen.reserveCapacity(rows)
        var meter = WorkMeter(limits)
        for set in labels {
            try meter.add(64 + set.encoded.count)
            if !seen.insert(set).inserted { return false }
        }
        return true
    }

    /// Leaves out rows without samples.
    mutating func dropEmptyRows() {
        var isEmpty = [Bool](repeating: true, count: rows)
        var anyEmpty = false
        values.withUnsafeBufferPointer { values in
            for row in 0..<rows {
                for position in row * steps..<(row + 1) * steps where !Absent.isAbsent(values[position]) {
                    isEmpty[row] = false
                    break
                }
            }
        }
        for row in 0..<rows where isEmpty[row] {
            if hasHistograms(row), isPopulated(row) { isEmpty[row] = false } else { anyEmpty = true }
        }
        if anyEmpty { keepRows { !isEmpty[$0] } }
    }
}
