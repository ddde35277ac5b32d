import ArgumentParser
import ConfigTree
import Logging
import MetricModel
import Promenade
import Simulation
import Web

/// A world in the browser.
extension Simulate {
    func serve(_ scenarios: [Scenario], until end: Int64) async throws {
        guard let scenario = scenarios.first, scenarios.count == 1, seeds == nil, compare.isEmpty else {
            Complaint.write("--serve shows one world")
            throw ExitCode(2)
        }
        guard speed > 0, speed <= 8640 else {
            Complaint.write("--speed: it is between 0 and 8640")
            throw ExitCode(2)
        }
        var served = ServedWorld(
            logger: StackLogHandler.logger(format: .logfmt, level: .warning, clock: SystemClock())
        )
        served.speed = speed
        do throws(ListenAddressError) {
            served.prometheus = try ListenAddress(parsing: listen)
            served.pushgateway = try ListenAddress(parsing: listenPushgateway)
            served.demo = try ListenAddress(parsing: listenDemo)
        } catch {
            Complaint.write(error.message)
            throw ExitCode(2)
        }
        var options = try options(scenario, seed: seed ?? scenario.seed, until: end)
        if let out { options.keeping = .folder(out) }
        try await told {
            try await served.run(scenario, options) { addresses in
                Complaint.remark("\(scenario.name): \(addresses.prometheus.localURL)")
                if let gateway = addresses.pushgateway { Complaint.remark("Pushgateway: \(gateway.localURL)") }
                if let demo = addresses.demo { Complaint.remark("demo server: \(demo.localURL)") }
            }
        }
    }
}
