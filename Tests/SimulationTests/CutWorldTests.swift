import Promenade
import Simulation
import Testing

/// A world that is ended before, stopped on its way or taken step by step is the same world up to then.
@Suite(.timeLimit(.minutes(5))) struct CutWorldTests {
    /// A world of much chance: the self-test's, with what comes again and again by chance, hangs, comes late, and is looked at.
    private static func text(_ seed: UInt64) -> String {
        var chance = RandomStream(seed: seed, name: "cut")
        func number(_ range: ClosedRange<Int64>) -> Int64 { chance.whole(range) }
        // Long enough for all that comes again.
        let trial = TrialScenario(seed: seed).text.split(separator: "\n").map { line in
            guard line.hasPrefix("duration: "), let seconds = Int(line.dropFirst(10).dropLast()) else {
                return line + "\n"
            }
            return "duration: \(max(200, seconds))s\n"
        }.joined()
        var events: [String] = []
        let deeds = [
            "do: kill, service: svc0, instance: any, for: 1s..40s", "do: restart, service: svc0, instance: any",
            "do: fault, service: svc0, instance: any, fault: refused, for: 5s..1m",
            "do: pause, batch: late, for: 10s..50s",
            "do: fault, pushes: true, fault: {status: 503, times: 2}", "do: run, batch: late",
            "do: kill, part: pushgateway, for: 3s..30s", "do: kill, part: prometheus, for: 3s..30s",
            "do: restart, part: prometheus", "do: restart, part: pushgateway, down: 5s",
            "do: scale, service: svc0, instances: 4",
            "do: skew, service: svc0, by: 2s, for: 5s..20s", "do: wipe",
        ]
        for _ in 0..<number(2...6) {
            let (from, width, deed) = (number(1...60), number(1...40), deeds[Int(number(0...Int64(deeds.count - 1)))])
            let again = chance.happens(0.7) ? ", every: \(number(41...90))s" : ""
            events.append("  - {at: \(from)s..\(from + width)s\(again), \(deed)}")
        }
        let batch = """
              late:
                every: \(number(10...40))s
                takes: 1s..30s
                late: 0s..9s
                fails: 30%
                hangs: 5%
                retries: 2
                metrics: {late_took: {type: gauge, value: took}, late_rows_total: {type: counter, rate: 9/s, noise: 10%}}
            """
        let isThere = trial.contains("batches:\n")
        let batches = (isThere ? "" : "batches:\n") + batch + "\n"
        return trial.replacing(
            isThere ? "batches:\n" : "events:\n",
            with: isThere ? "batches:\n" + batches : batches + "events:\n"
        )
            + events.joined(separator: "\n") + """

                expect:
                  - {at: 50s, that: 'sum(up) > 0'}
                  - {from: 20s, to: 80s, always: 'count(up) > 0'}
                  - {never: 'rate(svc0_total[30s]) < 0'}
                  - {after: 10s, within: 70s, that: 'late_took > 5'}
                  - {notified: Down, after: 10s, within: 1m}

                """
    }

    /// What happened before a moment; what an expectation comes to at the very end is not there to be compared.
    private static func log(_ world: World, before moment: Int64 = .max) -> [String] {
        world.log.filter {
            $0.time <= moment && $0.kind != .end && ($0.kind != .expect || $0.time < min(moment, world.now))
        }
        .map { $0.line(start: world.scenario.start) }
    }

    /// Runs a world in some way, and answers what it leaves behind.
    private static func run(
        _ seed: UInt64,
        until: Int64 = .max,
        _ drive: @escaping @Sendable (World) async throws -> Void
    ) async throws -> (log: [String], dump: [UInt8], moments: [Int64: [String]]) {
        let scenario = try ScenarioFile.read(text: Array(text(seed).utf8), file: "test.yml")
        let cuts = Self.cuts(seed, scenario.duration)
        return try await WorldThread.run {
            var options = World.Options(seed: seed)
            options.tellsScrapes = true
            options.until = until
            let world = try await World(scenario, options)
            try await world.begin()
            try await drive(world)
            let dump = try await world.dump()
            try await world.stack.close()
            var moments: [Int64: [String]] = [:]
            for cut in cuts { moments[cut] = log(world, before: cut) }
            return (log(world), dump, moments)
        }
    }

    /// Moments at which a world is ended: one by chance, and one at which much happens.
    private static func cuts(_ seed: UInt64, _ duration: Int64) -> [Int64] {
        var chance = RandomStream(seed: seed, name: "cuts")
        return [
            chance.whole(1...duration - 1), chance.whole(1...duration / 30_000_000_000) * 30_000_000_000 - 1,
            60_000_000_000,
        ]
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>) func `what comes later changes nothing before`(_ seed: UInt64)
        async throws
    {
        let whole = try await Self.run(seed) { try await $0.run() }
        #expect(whole.log.count > 20)
        for (cut, log) in whole.moments {
            let part = try await Self.run(seed, until: cut) { try await $0.run() }
            #expect(part.log == log, "ended at \(cut)")
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>) func `in pieces it is the same world`(_ seed: UInt64) async throws {
        let whole = try await Self.run(seed) { try await $0.run() }
        let pieces = try await Self.run(seed) { world in
            var chance = RandomStream(seed: seed, name: "pieces")
            while !world.isOver {
                switch chance.whole(0...2) {
                case 0: try await world.run(until: world.now + chance.whole(0...9_000_000_000))
                case 1: try await world.step()
                case _:
                    var left = chance.whole(0...20)
                    try await world.run {
                        left -= 1
                        return left >= 0
                    }
                }
            }
        }
        #expect(pieces.log == whole.log)
        #expect(pieces.dump == whole.dump)
    }
}
