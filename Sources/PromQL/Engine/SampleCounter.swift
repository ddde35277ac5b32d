internal import MetricModel

/// Counts the samples that an evaluation goes through, in total and (if asked for) by step.
final class SampleCounter {
    let grid: StepGrid
    private(set) var total = 0
    private(set) var read = 0
    private(set) var peak = 0
    private(set) var totalByStep: [Int]
    private(set) var readByStep: [Int]

    init(grid: StepGrid, tracksSteps: Bool) {
        self.grid = grid
        totalByStep = tracksSteps ? Array(repeating: 0, count: grid.count) : []
        readByStep = totalByStep
    }

    var tracksSteps: Bool { !totalByStep.isEmpty }

    func add(total count: Int, step: Int) {
        total += count
        if step < totalByStep.count { totalByStep[step] += count }
    }

    func add(read count: Int, step: Int) {
        read += count
        if step < readByStep.count { readByStep[step] += count }
    }

    /// Adds what a chunk of rows counted.
    func add(_ tally: SampleTally) {
        total += tally.total
        read += tally.read
        Self.add(tally.totalByStep, to: &totalByStep)
        Self.add(tally.readByStep, to: &readByStep)
    }

    private static func add(_ more: [Int], to counts: inout [Int]) {
        counts.withUnsafeMutableBufferPointer { counts in
            more.withUnsafeBufferPointer { more in
                for step in 0..<min(counts.count, more.count) { counts[step] &+= more[step] }
            }
        }
    }

    func raisePeak(to samples: Int) { peak = max(peak, samples) }

    /// Takes over what a subquery read: each of its steps counts for the first step of this grid that uses it.
    func takeReads(
        of child: SampleCounter,
        offset: Int64,
        range: Int64,
        _ limits: QueryLimits
    ) throws(PromQLError) {
        raisePeak(to: child.peak)
        guard grid.count > 1, child.tracksSteps else {
            add(read: child.read, step: 0)
            return
        }
        for (position, count) in child.readByStep.enumerated() {
            if position & 0xffff == 0xffff { try limits.check() }
            if count == 0 { continue }
            let time = child.grid.time(position) + offset
            var step = 0
            if time > grid.start { step = Int((time - grid.start + grid.interval - 1) / grid.interval) }
            step = min(step, grid.count - 1)
            if range > 0, time <= grid.time(step) - range { continue }
            add(read: count, step: step)
        }
    }
}

/// What one chunk of rows counted.
struct SampleTally: Sendable {
    var total = 0
    var read = 0
    var totalByStep: [Int] = []
    var readByStep: [Int] = []

    init(steps: Int) {
        totalByStep = Array(repeating: 0, count: steps)
        readByStep = totalByStep
    }
}
