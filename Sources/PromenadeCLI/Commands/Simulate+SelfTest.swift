import ArgumentParser
import Promenade

/// The stack's own simulation test.
extension Simulate {
    /// Runs random worlds that are checked against what has to be true of every world.
    func testItself(_ seeds: ClosedRange<UInt64>) async throws {
        let isShown = Console.isTerminal(2) && seeds.count > 1
        let count = seeds.count
        let outcome = try await SelfTest.run(seeds, jobs: workers) { done in
            if isShown, done % 10 == 0 { Console.complain("\r\(done) of \(count) worlds") }
        }
        if isShown { Console.complain("\r\u{1b}[K") }
        if !quiet, seeds.count == 1 {
            Console.print(TrialScenario(seed: seeds.lowerBound).text)
        }
        Console.print(outcome.text)
        if !outcome.failures.isEmpty { throw ExitCode(1) }
    }
}
