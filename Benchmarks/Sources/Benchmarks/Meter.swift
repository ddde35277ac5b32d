import CAllocations
import Foundation

/// What a piece of work took.
struct Measurement {
    var name: String
    /// How often it was done.
    var repetitions: Int
    /// CPU milliseconds of the whole process for one, the median.
    var milliseconds: Double
    /// Allocations for one, the median.
    var allocations: Double
    /// Units of work in one: samples, bytes, groups.
    var units: Double
    var unit: String
}

/// Measures and prints.
struct Meter {
    private let only: [String]
    /// The CPU seconds that are spent on one benchmark.
    private let budget: Double

    init(only: [String], budget: Double) {
        self.only = only
        self.budget = budget
        Self.tell("| benchmark | times | CPU ms | allocations | ns per unit |")
        Self.tell("|---|--:|--:|--:|--:|")
    }

    /// Prints at once, be it to a file.
    private static func tell(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    /// Whether a benchmark is wanted.
    func wants(_ name: String) -> Bool { only.isEmpty || only.contains { name.hasPrefix($0) } }

    /// Whether one of a group of benchmarks is wanted, so that their data are.
    func wantsAny(_ groups: [String]) -> Bool {
        only.isEmpty || only.contains { wanted in groups.contains { wanted.hasPrefix($0) } }
    }

    /// CPU seconds of the process so far.
    static var cpu: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Does the work again and again, at least three times, and prints the medians.
    func measure(_ name: String, units: Double = 0, unit: String = "", _ work: (Int) async throws -> Void) async throws
    {
        guard wants(name) else { return }
        try await work(0)
        var times: [Double] = []
        var allocations: [Double] = []
        let begin = Self.cpu
        while times.count < 3 || Self.cpu - begin < budget && times.count < 300 {
            let (before, made) = (Self.cpu, benchmark_allocations())
            try await work(times.count + 1)
            times.append(Self.cpu - before)
            allocations.append(Double(benchmark_allocations() - made))
        }
        show(name, times, allocations, units, unit)
    }

    /// Does work that cannot be repeated.
    func measureOnce<Result>(
        _ name: String,
        units: Double = 0,
        unit: String = "",
        _ work: () async throws -> Result
    ) async throws -> Result {
        let (before, made) = (Self.cpu, benchmark_allocations())
        let result = try await work()
        if wants(name) {
            show(name, [Self.cpu - before], [Double(benchmark_allocations() - made)], units, unit)
        }
        return result
    }

    private func show(_ name: String, _ times: [Double], _ allocations: [Double], _ units: Double, _ unit: String) {
        let time = times.sorted()[times.count / 2] * 1000
        let count = allocations.sorted()[allocations.count / 2]
        let each = units > 0 ? String(format: "%.1f / %@", time * 1e6 / units, unit) : ""
        Self.tell("| \(name) | \(times.count) | \(String(format: "%.3f", time)) | \(Int(count)) | \(each) |")
    }
}
