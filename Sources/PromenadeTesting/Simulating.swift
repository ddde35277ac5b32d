import ConfigTree
import MetricModel
import Promenade
import Simulation

/// What came of a scenario.
public struct SimulationResult: Sendable {
    /// Whether all expectations are met.
    public let isGood: Bool
    /// The verdicts, with what was seen of those that are not met.
    public let report: String
    /// The event log, one line an event.
    public let log: [String]
    /// How many scrapes there were.
    public let scrapes: Int
    /// How many samples they stored.
    public let samples: Int
}

/// Runs a scenario (`docs/simulation.md`) on a simulated clock.
///
///     let result = try await simulate(scenario: text)
///     #expect(result.isGood, "\(result.report)")
///
/// - Parameters:
///   - text: the scenario, in YAML.
///   - file: where the scenario stands, for messages and for the files that it names.
///   - seed: what all chance follows from; the scenario's without it.
///   - folder: where the database is kept; in memory without one.
/// - Throws: `ConfigError` with everything that is wrong in the scenario.
public func simulate(
    scenario text: String,
    file: String = "scenario.yml",
    seed: UInt64? = nil,
    folder: String? = nil
) async throws -> SimulationResult {
    let scenario = try ScenarioFile.read(text: Array(text.utf8), file: file)
    var options = World.Options(seed: seed ?? scenario.seed)
    if let folder { options.keeping = .folder(folder) }
    let settled = options
    return try await WorldThread.run {
        let world = try await World(scenario, settled)
        try await world.begin()
        try await world.run()
        try await world.stack.close()
        let report = WorldReport(world)
        return SimulationResult(
            isGood: report.isGood,
            report: report.text,
            log: world.log.map { $0.line(start: scenario.start) },
            scrapes: report.scrapes,
            samples: report.samples
        )
    }
}
