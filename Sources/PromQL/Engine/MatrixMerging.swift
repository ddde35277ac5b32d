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

    init(steps: Int, capacity: Int, equalLabels: EqualLabels = .merged) {
        self.equalLabels = equalLabels
        matrix = SeriesMatrix(steps: steps)
        matrix.values.reserveCapacity(steps * capacity)
        rowByLabels.reserveCapacity(capacity)
    }

    /// Adds a row; one without samples is left out.
    mutating func add(
        _ row: some RandomAccessCollection<Double>,
        histograms: [NativeHistogram?]?,
        labels: Labels,
        dropsName: Bool
    ) throws(PromQLError) {
        let points = histograms.flatMap { points in points.contains { $0 != nil } ? points : nil }
        if points == nil, row.allSatisfy({ Absent.isAbsent($0) }) { return }
        guard equalLabels == .merged, let known = rowByLabels[labels] else {
            rowByLabels[labels] = matrix.rows
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
    func mergingEqualLabels(_ rule: EqualLabels = .merged) throws(PromQLError) -> SeriesMatrix {
        if rule == .kept || hasDistinctLabels { return self }
        var collector = RowCollector(steps: steps, capacity: rows)
        for row in 0..<rows {
            let points = hasHistograms(row) ? histograms[row] : nil
            let slice = values[row * steps..<(row + 1) * steps]
            try collector.add(slice, histograms: points, labels: labels[row], dropsName: dropsName[row])
        }
        return collector.matrix
    }

    /// Whether no two rows have the same labels.
    var hasDistinctLabels: Bool {
        if rows < 2 { return true }
        var seen: Set<Labels> = []
        seen.reserveCapacity(rows)
        for set in labels where !seen.insert(set).inserted { return false }
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
