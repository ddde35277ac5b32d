internal import MetricModel

/// What is nowhere: the bits that stand for "no sample here" in columns of values.
///
/// They are those of the stale marker, a signalling NaN that no calculation yields and that selectors never let through.
enum Absent {
    static let bits = SpecialValue.staleBits
    @inline(__always) static var value: Double { Double(bitPattern: bits) }
    @inline(__always) static func isAbsent(_ value: Double) -> Bool { value.bitPattern == bits }
}

/// The result of a node: a row of values for each series, a column for each step, in one flat buffer.
///
/// Histograms are beside it: a step with a histogram is absent among the values.
struct SeriesMatrix: Sendable {
    let steps: Int
    var labels: [Labels] = []
    /// Whether the series' name is to be dropped at the end; only with delayed name removal.
    var dropsName: [Bool] = []
    /// Row after row.
    var values: [Double] = []
    /// By row; empty where there are none at all.
    var histograms: [[NativeHistogram?]?] = []
    /// What it holds, as far as that is counted; copies have it in common.
    var charge: MemoryCharge?

    init(steps: Int) { self.steps = steps }

    /// Rows of absent values.
    init(steps: Int, labels: [Labels], dropsName: Bool = false) {
        self.steps = steps
        self.labels = labels
        self.dropsName = Array(repeating: dropsName, count: labels.count)
        values = Array(repeating: Absent.value, count: labels.count * steps)
    }

    /// A single row without labels that has the same value everywhere.
    init(scalar: Double, steps: Int) {
        self.steps = steps
        labels = [Labels()]
        dropsName = [false]
        values = Array(repeating: scalar, count: steps)
    }

    var rows: Int { labels.count }
    var hasHistograms: Bool { !histograms.isEmpty }

    func histogram(_ row: Int, _ step: Int) -> NativeHistogram? {
        guard !histograms.isEmpty, let points = histograms[row] else { return nil }
        return points[step]
    }

    func hasHistograms(_ row: Int) -> Bool { !histograms.isEmpty && histograms[row] != nil }

    mutating func setHistogram(_ histogram: NativeHistogram?, _ row: Int, _ step: Int) {
        if histograms.isEmpty {
            if histogram == nil { return }
            histograms = Array(repeating: nil, count: rows)
        }
        if histograms[row] == nil { histograms[row] = Array(repeating: nil, count: steps) }
        histograms[row]?[step] = histogram
    }

    /// Whether there is a sample of either kind.
    func isPresent(_ row: Int, _ step: Int) -> Bool {
        !Absent.isAbsent(values[row * steps + step]) || histogram(row, step) != nil
    }

    /// Whether the row has any sample.
    func isPopulated(_ row: Int) -> Bool {
        for position in row * steps..<(row + 1) * steps where !Absent.isAbsent(values[position]) { return true }
        return hasHistograms(row) && (histograms[row]?.contains { $0 != nil } ?? false)
    }

    /// Samples of a row, histograms by their weight.
    func sampleCount(_ row: Int) -> Int {
        var count = 0
        for position in row * steps..<(row + 1) * steps where !Absent.isAbsent(values[position]) { count += 1 }
        if hasHistograms(row), let points = histograms[row] {
            for case let point? in points { count += point.sampleWeight }
        }
        return count
    }

    /// Samples of all rows, histograms by their weight.
    var sampleCount: Int {
        var count = 0
        values.withUnsafeBufferPointer { values in
            for value in values where !Absent.isAbsent(value) { count += 1 }
        }
        for case let points? in histograms {
            for case let point? in points { count += point.sampleWeight }
        }
        return count
    }

    /// Adds the number of elements at each step; histograms count for more where they are weighed.
    func countElements(_ counts: inout [Int], weighsHistograms: Bool) {
        values.withUnsafeBufferPointer { values in
            counts.withUnsafeMutableBufferPointer { counts in
                for row in 0..<rows {
                    for step in 0..<steps { counts[step] &+= Absent.isAbsent(values[row &* steps &+ step]) ? 0 : 1 }
                }
            }
        }
        for case let points? in histograms {
            for case (let step, let point?) in points.enumerated() {
                counts[step] += 1 + (weighsHistograms ? point.accountedSize / 16 : 0)
            }
        }
    }

    /// Appends a row of another matrix with the same steps.
    mutating func append(row: Int, of other: SeriesMatrix, labels newLabels: Labels, dropsName drops: Bool) {
        labels.append(newLabels)
        dropsName.append(drops)
        values.append(contentsOf: other.values[row * steps..<(row + 1) * steps])
        appendHistograms(other.hasHistograms(row) ? other.histograms[row] : nil)
    }

    /// Appends a row.
    mutating func append(
        _ row: some Collection<Double>,
        histograms points: [NativeHistogram?]? = nil,
        labels newLabels: Labels,
        dropsName drops: Bool = false
    ) {
        labels.append(newLabels)
        dropsName.append(drops)
        values.append(contentsOf: row)
        appendHistograms(points)
    }

    private mutating func appendHistograms(_ points: [NativeHistogram?]?) {
        if let points {
            if histograms.isEmpty { histograms = Array(repeating: nil, count: rows - 1) }
            histograms.append(points)
        } else if !histograms.isEmpty {
            histograms.append(nil)
        }
    }

    /// Keeps only the rows for which `isKept` holds.
    mutating func keepRows(where isKept: (Int) -> Bool) {
        var target = 0
        for row in 0..<rows where isKept(row) {
            if target != row {
                labels[target] = labels[row]
                dropsName[target] = dropsName[row]
                values.withUnsafeMutableBufferPointer { values in
                    guard let base = values.baseAddress else { return }
                    (base + target * steps).update(from: base + row * steps, count: steps)
                }
                if !histograms.isEmpty { histograms[target] = histograms[row] }
            }
            target += 1
        }
        guard target < rows else { return }
        if !histograms.isEmpty { histograms.removeSubrange(target...) }
        labels.removeSubrange(target...)
        dropsName.removeSubrange(target...)
        values.removeSubrange((target * steps)...)
    }

    /// The first step's column repeated over `count` steps.
    func repeated(steps count: Int) -> SeriesMatrix {
        if steps == count { return self }
        var result = SeriesMatrix(steps: count)
        result.labels = labels
        result.dropsName = dropsName
        result.values.reserveCapacity(rows * count)
        for row in 0..<rows {
            let value = values[row * steps]
            for _ in 0..<count { result.values.append(value) }
        }
        if hasHistograms {
            result.histograms = (0..<rows).map { row in
                histogram(row, 0).map { Array(repeating: $0, count: count) }
            }
        }
        return result
    }
}
