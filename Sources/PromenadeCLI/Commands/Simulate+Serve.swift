import ArgumentParser
import ConfigTree
import Logging
import MetricModel
import Promenade
import Simulation
import Synchronization
import Web

/// A world in the browser.
extension Simulate {
    func serve(_ scenarios: [Scenario], until end: Int64) async throws {
        guard let scenario = scenarios.first else { return }
        let speed = speed ?? 1
        guard speed > 0, speed <= 8640 else { throw Self.refusal("--speed: it is between 0 and 8640") }
        var served = ServedWorld(
            logger: StackLogHandler.logger(format: .logfmt, level: .warning, clock: SystemClock())
        )
        served.speed = speed
        do throws(ListenAddressError) {
            served.prometheus = try ListenAddress(parsing: listen ?? "localhost:9090")
            served.pushgateway = try ListenAddress(parsing: listenPushgateway ?? Self.gatewayAddress)
            served.demo = try ListenAddress(parsing: listenDemo ?? "localhost:8080")
        } catch {
            Complaint.write(error.message)
            throw ExitCode(2)
        }
        var options = try options(scenario, seed: seed ?? scenario.seed, until: end)
        if let out { options.keeping = .folder(out) }
        options.tellsScrapes = scrapes
        let (settled, isQuiet, junit, start) = (options, quiet, junit, scenario.start)
        let unsaved = Atomic(false)
        let report = try await told {
            try await served.run(
                scenario,
                settled,
                observe: { event in
                    // Nobody has to read it: a world does not wait for that.
                    if !isQuiet { LogOutput.standardOutput.write(event.line(start: start) + "\n", gap: Self.gap) }
                },
                onEnd: { report in
                    for line in TerminalText.lines(report.text).split(separator: "\n") {
                        LogOutput.standardOutput.write(line + "\n", patience: Self.patience, gap: Self.gap)
                    }
                    guard let junit else { return }
                    do { try Self.save(WorldReport.junit([report]), to: junit) } catch {
                        unsaved.store(true, ordering: .relaxed)
                    }
                },
                onReady: { addresses in
                    Complaint.remark("\(scenario.name): \(addresses.prometheus.localURL)")
                    if let gateway = addresses.pushgateway { Complaint.remark("Pushgateway: \(gateway.localURL)") }
                    if let demo = addresses.demo { Complaint.remark("demo server: \(demo.localURL)") }
                }
            )
        }
        // A reader that has gone is none that misses something; a disk that is full is.
        if let number = LogOutput.standardOutput.failure { Console.fail(number) }
        if unsaved.load(ordering: .relaxed) { throw ExitCode(2) }
        if let report { try conclude(report, of: scenario) }
    }

    /// How long a reader of the verdicts may take, in milliseconds.
    private static let patience: Int32 = 2000

    /// What is told where lines were left out.
    private static func gap(_ count: Int) -> String { "\(count) lines were left out, since nobody read them\n" }

    /// Tells how far a world came that was kept, and ends with what its verdicts say.
    private func conclude(_ report: WorldReport, of scenario: Scenario) throws {
        if report.end < scenario.duration { Self.tellCut(report, of: scenario, by: "", out) }
        if let out { Self.tellRetention(out, scenario) }
        if !report.isGood { throw ExitCode(1) }
    }

    /// Tells that a world was ended before, and what a folder has of it.
    static func tellCut(_ report: WorldReport, of scenario: Scenario, by words: String, _ out: String?) {
        func span(_ time: Int64) -> PrometheusDuration { PrometheusDuration(milliseconds: time / 1_000_000) }
        let place = "ended\(words) at \(span(report.end)) of \(span(scenario.duration))"
        let kept = out.map { "; \($0) has what happened until then" } ?? ""
        let open = report.open == 0 ? "" : ", \(report.open) of \(report.states.count) expectations not reached"
        Complaint.remark("\(scenario.name): \(place)\(open)\(kept)")
    }
}
