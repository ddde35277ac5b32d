import ConfigTree
import Promenade
import Simulation

/// What tests run worlds with.
enum TestWorlds {
    /// What a run left behind.
    struct Outcome: Sendable {
        var log: [String]
        var report: WorldReport
        var dump: [UInt8]

        /// The lines of the log that have a word.
        func lines(_ word: String) -> [String] { log.filter { $0.contains(word) } }
    }

    /// Runs a scenario on a thread of its own.
    static func run(
        _ text: String,
        seed: UInt64? = nil,
        keeping: SimulatedStack.Keeping = .memory,
        until: Int64 = .max
    ) async throws -> Outcome {
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        return try await WorldThread.run {
            var options = World.Options(seed: seed ?? scenario.seed)
            options.keeping = keeping
            options.until = until
            let world = try await World(scenario, options)
            try await world.begin()
            try await world.run()
            let dump = try await world.dump()
            try await world.stack.close()
            return Outcome(
                log: world.log.map { $0.line(start: scenario.start) },
                report: WorldReport(world),
                dump: dump
            )
        }
    }

    /// The verdicts in order, `+` for those that are met.
    static func verdicts(_ text: String) async throws -> String {
        try await run(text).report.states.map { $0.verdict?.isMet == true ? "+" : "-" }.joined()
    }

    /// What is wrong with a scenario, one line each.
    static func problems(_ text: String) -> String {
        do throws(ConfigError) {
            _ = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
            return ""
        } catch {
            return error.description
        }
    }
}
