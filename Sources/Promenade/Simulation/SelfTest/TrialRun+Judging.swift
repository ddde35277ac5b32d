import MetricModel
import PromQL
import Simulation

/// What has to be true of a world when it ends.
extension TrialRun {
    func judge(_ world: World) async throws {
        let columns = try await Self.everything(world.stack)
        for line in ledger.differences(columns, allowsUncertain: allowsUncertain) { fail(world, line) }
        checkStaleness(world, columns)
        await checkRates(world)
        await checkInstants(world, columns)
    }

    /// At each scrape of a target, each of its series that had a value before has a value or is marked stale.
    private func checkStaleness(_ world: World, _ columns: [SeriesColumns]) {
        if ledger.now.failures > 0 || plan.jumps || plan.isSkewed { return }
        // As in Prometheus, a job whose configuration has changed forgets which series it had.
        let breaks = breaks + plan.reloads.map { world.scenario.start + $0 }
        var scrapes: [String: [Timestamp]] = [:]
        func target(_ labels: Labels) -> String { (labels["job"] ?? "") + " " + (labels["instance"] ?? "") }
        for series in columns where series.labels.name == "up" {
            scrapes[target(series.labels)] = zip(series.timestamps, series.values).filter {
                !SpecialValue.isStale($1)
            }.map(\.0)
        }
        for series in columns
        where plan.services.contains(series.labels["job"] ?? "") && series.labels["instance"] != nil {
            let isRule = series.labels.name.hasPrefix("ALERTS") || series.labels.name.contains(":")
            guard !isRule, let times = scrapes[target(series.labels)] else { continue }
            var samples = zip(series.timestamps, series.values).map { ($0, SpecialValue.isStale($1)) }
            samples += zip(series.histogramTimestamps, series.histograms).map { ($0, $1.isStale) }
            samples.sort { $0.0 < $1.0 }
            for (index, (time, isStale)) in samples.enumerated() where !isStale {
                guard let next = times.first(where: { $0 > time }) else { continue }
                if breaks.contains(where: { $0 >= time && $0 <= next }) { continue }
                if index + 1 == samples.count || samples[index + 1].0 > next {
                    let words = "has a value at \(time) and neither a value nor a mark at the scrape of \(next)"
                    return fail(world, "\(series.labels) \(words)")
                }
            }
        }
    }

    /// What counts never falls.
    private func checkRates(_ world: World) async {
        let start = world.scenario.start
        for name in plan.counters {
            let query = "rate(\(name)[1m]) < 0 or increase(\(name)[37s]) < 0 or resets(\(name)[5m]) < 0"
            do throws(PromQLError) {
                let result = try await world.stack.engine.range(
                    query: query,
                    from: start,
                    to: start + world.end / 1_000_000,
                    step: 17_000,
                    reader: world.stack.store
                )
                guard case .matrix(let rows) = result.value, rows.count == 0 else {
                    fail(world, "\(name) has a negative rate")
                    continue
                }
            } catch {
                fail(world, "\(query): \(error.message)")
            }
        }
    }

    /// What a selector finds at a moment: the last sample of five minutes, unless that is a mark of staleness.
    private func checkInstants(_ world: World, _ columns: [SeriesColumns]) async {
        var chance = RandomStream(seed: plan.seed, name: "looks")
        for _ in 0..<3 {
            let time = world.scenario.start + chance.whole(0...world.end / 1_000_000)
            for name in [plan.counters[0], "up"] {
                var expected = 0
                for series in columns where series.labels.name == name {
                    guard let index = series.timestamps.lastIndex(where: { $0 <= time }) else { continue }
                    let isOld = series.timestamps[index] <= time - 300_000
                    if !isOld, !SpecialValue.isStale(series.values[index]) { expected += 1 }
                }
                do throws(PromQLError) {
                    let result = try await world.stack.engine.instant(query: name, at: time, reader: world.stack.store)
                    guard case .vector(let rows) = result.value else { continue }
                    if rows.count != expected {
                        fail(world, "\(name) has \(rows.count) series at \(time) and not \(expected)")
                    }
                } catch {
                    fail(world, "\(name): \(error.message)")
                }
            }
        }
    }
}
