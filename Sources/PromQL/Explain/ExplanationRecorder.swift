internal import MetricModel

/// Watches an evaluation node by node. Costs nothing where there is none.
final class ExplanationRecorder {
    /// So many series are looked at for labels; more would take long.
    private static let labelLimit = 10_000
    /// So many series are shown, and so many values of a label.
    static let exampleLimit = 8
    /// So many series have their windows shown.
    static let windowLimit = 3

    private let clock: any StackClock
    private let limits: QueryLimits
    /// What is recorded counts as held.
    let charge: MemoryCharge
    /// The parts that are being evaluated, the outermost first.
    private var open: [(node: ExplainedNode, start: Int64, read: Int)] = []
    /// The whole, when it is done or has failed.
    private(set) var root: ExplainedNode?
    /// So many annotations were told.
    private var annotated = 0

    init(clock: any StackClock, limits: QueryLimits) {
        self.clock = clock
        self.limits = limits
        charge = MemoryCharge(limits.memory)
    }

    /// Begins a part of the expression.
    func begin(_ expression: Expr, _ samples: SampleCounter) {
        open.append((ExplainedNode(expression), clock.steadyNanoseconds, samples.read))
    }

    /// Changes the part that is being evaluated.
    func note(_ change: (inout ExplainedNode) -> Void) {
        guard !open.isEmpty else { return }
        change(&open[open.count - 1].node)
    }

    /// Ends a part that has answered.
    func end(_ matrix: SeriesMatrix, _ samples: SampleCounter) throws(PromQLError) {
        let samplesCount = matrix.sampleCount
        var examples: [ExplainedSeries] = []
        let step = matrix.steps - 1
        for row in 0..<matrix.rows where step >= 0 && examples.count < Self.exampleLimit {
            let value = matrix.values[row * matrix.steps + step]
            var series = ExplainedSeries(labels: matrix.labels[row])
            series.value = Absent.isAbsent(value) ? nil : value
            series.histogram = matrix.histogram(row, step)
            examples.append(series)
        }
        try end(matrix.labels, samplesCount, examples, read: samples.read)
    }

    /// Ends a part that has answered whole series.
    func end(_ series: [SeriesColumns], _ samples: SampleCounter) throws(PromQLError) {
        let examples = series.prefix(Self.exampleLimit).map { columns in
            ExplainedSeries(labels: columns.labels, value: columns.values.last, histogram: columns.histograms.last)
        }
        let count = series.reduce(0) { $0 + $1.values.count + $1.histograms.count }
        try end(series.map(\.labels), count, examples, read: samples.read)
    }

    /// Ends a part of which only this much is known.
    func end(
        _ labels: [Labels],
        _ samples: Int,
        _ examples: [ExplainedSeries],
        read: Int
    ) throws(PromQLError) {
        guard let (begun, start, before) = open.last else { return }
        var node = begun
        node.seconds = Double(clock.steadyNanoseconds - start) / 1e9
        node.series = labels.count
        node.samples = samples
        node.samplesRead = read - before
        node.examples = examples
        if node.type != .scalar, node.type != .string { node.labels = try figures(labels) }
        let own = Set(node.labels.map(\.name))
        let operands = node.children.filter { $0.type == .vector || $0.type == .matrix }
        let below = Set(operands.flatMap { $0.labels.map(\.name) })
        if !below.isEmpty, node.series > 0 {
            node.gained = own.subtracting(below).sorted()
            node.lost = below.subtracting(own).sorted()
        }
        try charge.add(node.ownBytes)
        open.removeLast()
        close(node)
    }

    /// Adds a part that is evaluated together with what it is part of.
    func leaf(_ expression: Expr, _ labels: [Labels], samples: Int, read: Int, seconds: Double) {
        var node = ExplainedNode(expression)
        node.series = labels.count
        node.samples = samples
        node.samplesRead = read
        node.seconds = seconds
        node.labels = (try? figures(labels)) ?? []
        node.examples = labels.prefix(Self.exampleLimit).map { ExplainedSeries(labels: $0) }
        close(node)
    }

    /// Tells the part that is being evaluated what was annotated since the last part ended.
    func take(_ annotations: Annotations) {
        let new = annotations.entries.dropFirst(annotated)
        annotated = annotations.entries.count
        note { $0.warnings += new.prefix(Self.exampleLimit).map { $0.rendered(query: "") } }
    }

    /// Ends the innermost part, and all around it, with a failure.
    func fail(_ error: PromQLError) {
        guard let (innermost, start, _) = open.popLast() else { return }
        var failed = innermost
        if !failed.children.contains(where: \.hasFailed) { failed.error = error.message }
        failed.seconds = Double(clock.steadyNanoseconds - start) / 1e9
        close(failed)
    }

    private func close(_ node: ExplainedNode) {
        var node = node
        node.children.sort { $0.position.start < $1.position.start }
        if open.isEmpty { root = node } else { open[open.count - 1].node.children.append(node) }
    }

    private func figures(_ labels: [Labels]) throws(PromQLError) -> [ExplainedLabel] {
        var values: [String: Set<String>] = [:]
        var meter = WorkMeter(limits)
        for set in labels.prefix(Self.labelLimit) {
            try meter.add(256 + set.encoded.count)
            for label in set { values[label.name, default: []].insert(label.value) }
        }
        return values.sorted { $0.key < $1.key }.map { name, values in
            ExplainedLabel(name: name, count: values.count, values: Array(values.sorted().prefix(Self.exampleLimit)))
        }
    }
}

extension ExplainedNode {
    /// The bytes that it takes without what is below it, about; also those of the texts that are made of it.
    var ownBytes: Int {
        var bytes = 2048
        for label in labels { bytes += label.name.utf8.count + label.values.reduce(64) { $0 + $1.utf8.count + 16 } }
        for name in gained { bytes += name.utf8.count + 16 }
        for name in lost { bytes += name.utf8.count + 16 }
        for series in examples {
            bytes += 64 + series.labels.encoded.count + (series.histogram.map { 64 * $0.bucketCount } ?? 0)
        }
        for window in windows { bytes += 512 + window.labels.encoded.count + 48 * window.values.count }
        for text in warnings { bytes += text.utf8.count }
        if let matching {
            for labels in matching.unmatchedLeft + matching.unmatchedRight { bytes += 16 + labels.encoded.count }
            for group in matching.groups { bytes += 64 + group.labels.encoded.count }
            for names in [matching.onlyLeft, matching.onlyRight, matching.apart, matching.shared] {
                for name in names { bytes += name.utf8.count + 16 }
            }
        }
        return bytes
    }

    /// The bytes of an answer that tells of it and all below it, about.
    package var toldBytes: Int { children.reduce(ownBytes) { $0 + $1.toldBytes } }

    /// Whether it or anything below it has failed.
    var hasFailed: Bool { error != nil || children.contains(where: \.hasFailed) }
}
