import MetricModel
import Simulation
import StorageFaults
import Synchronization
import Web

/// The stack's own simulation test: random worlds with random mishaps, checked against what has to be true of every world.
///
/// Nothing that was acknowledged is lost, whenever the process is killed, the disk is full, writes fail or the power goes; a
/// database that is opened anew answers as before; staleness is as specified; no rate is negative; the Pushgateway is equal to
/// a model of ten lines.
package enum SelfTest {
    /// What became of many worlds.
    package struct Outcome: Sendable {
        /// Seeds that failed, and how; by seed.
        package internal(set) var failures: [(seed: UInt64, problems: [String])] = []
        /// How many worlds there were.
        package internal(set) var worlds = 0
        /// How many were asked for.
        package internal(set) var asked = 0
        /// How many scrapes, evaluations, pushes and other things happened in them.
        package internal(set) var steps = 0
        /// How many samples were taken.
        package internal(set) var samples = 0
        /// How many batches of samples a failing disk refused.
        package internal(set) var refusals = 0
        /// How often a store was opened anew and compared, as after a kill.
        package internal(set) var reopenings = 0

        /// In words, with the command that replays each seed that failed.
        package var text: String {
            var lines: [String] = []
            for (seed, problems) in failures {
                lines.append("seed \(seed) fails:")
                lines += problems.prefix(5).map { "  " + $0 }
                if problems.count > 5 { lines.append("  and \(problems.count - 5) more") }
                lines.append("  again: \(ProgramName.called) simulate --self-test --seeds \(seed)")
            }
            let all = worlds < asked ? " of \(asked)" : ""
            lines.append("\(worlds)\(all) worlds, \(failures.count) failed; \(steps) events, \(samples) samples")
            lines.append("\(reopenings) times opened anew, \(refusals) batches refused by a failing disk")
            return lines.joined(separator: "\n") + "\n"
        }
    }

    /// The most seeds whose failures are kept.
    static let failureLimit = 20

    private struct State {
        var outcome = Outcome()
        var next: UInt64?
    }

    /// Runs the worlds of a span of seeds.
    /// - Parameters:
    ///   - jobs: how many at a time.
    ///   - goesOn: is asked before each world whether to go on.
    ///   - progress: is told how many there were.
    package static func run(
        _ seeds: ClosedRange<UInt64>,
        jobs: Int,
        goesOn: @escaping @Sendable () -> Bool = { true },
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Outcome {
        let shared = Progress(seeds)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<max(1, jobs) {
                group.addTask {
                    try await WorldThread.run {
                        let files = FaultyFiles()
                        let folder = StoreCopy.scratch()
                        _ = FileAccess.createFolder(folder)
                        defer {
                            StoreCopy.remove(folder + "/live")
                            StoreCopy.remove(folder)
                        }
                        while !Task.isCancelled, goesOn(), let seed = shared.take() {
                            StoreCopy.remove(folder + "/live")
                            let trial = TrialRun(TrialScenario(seed: seed), folder: folder, files: files)
                            do {
                                let (problems, steps, samples) = try await trial.run()
                                progress(shared.note(trial, problems, steps, samples))
                            } catch {
                                files.heal()
                                progress(shared.note(trial, trial.problems + ["\(error)"], trial.steps, 0))
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return shared.outcome
    }

    /// What the jobs have in common.
    private final class Progress: Sendable {
        private let state: Mutex<State>
        private let last: UInt64

        init(_ seeds: ClosedRange<UInt64>) {
            var first = State(next: seeds.lowerBound)
            first.outcome.asked = seeds.count
            state = Mutex(first)
            last = seeds.upperBound
        }

        func take() -> UInt64? {
            state.withLock { state in
                guard let seed = state.next, state.outcome.failures.count < failureLimit else { return nil }
                state.next = seed < last ? seed + 1 : nil
                return seed
            }
        }

        func note(_ trial: TrialRun, _ problems: [String], _ steps: Int, _ samples: Int) -> Int {
            let refusals = trial.ledger.now.failures
            let (seed, reopenings) = (trial.plan.seed, trial.reopenings)
            return state.withLock { state in
                state.outcome.worlds += 1
                state.outcome.steps += steps
                state.outcome.samples += samples
                state.outcome.refusals += refusals
                state.outcome.reopenings += reopenings
                if !problems.isEmpty { state.outcome.failures.append((seed, problems)) }
                return state.outcome.worlds
            }
        }

        var outcome: Outcome {
            var outcome = state.withLock { $0.outcome }
            outcome.failures.sort { $0.seed < $1.seed }
            return outcome
        }
    }
}
