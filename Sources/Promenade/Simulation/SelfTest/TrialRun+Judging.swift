import MetricModel
import PromQL
import Simulation

/// What has to be true of a world when it ends.
extension TrialRun {
    func judge(_ world: World) async throws {
        let columns = try await Self.everything(world.stack)
        for line in ledger.differences(columns, allowsUncertain: allowsUncertain) { fail(world, line) }
        checkStaleness(world, columns)
        await checkFalls(world, columns)
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

    /// What counts falls only where its process begins anew, and `resets()` counts just those falls.
    private func checkFalls(_ world: World, _ columns: [SeriesColumns]) async {
        let counting = columns.filter { plan.counters.contains($0.labels.name) && !$0.timestamps.isEmpty }
        guard let first = counting.compactMap(\.timestamps.first).min(),
            let last = counting.compactMap(\.timestamps.last).max()
        else { return }
        let seeming = seemingBeginnings(world)
        var counts: [String: [Labels: Int]] = [:]
        for series in counting {
            let found = CounterFalls(series.timestamps, series.values)
            counts[series.labels.name, default: [:]][series.labels.dropping(.metricName)] = found.falls.count
            // With a clock that was set, samples are not at the times of the world.
            if plan.jumps || plan.isSkewed { continue }
            let instance = series.labels["instance"] ?? ""
            let known = (beginnings[instance] ?? []).map { $0...$0 } + (seeming[instance] ?? [])
            if let fall = found.unexplained(by: known) {
                fail(world, "\(series.labels) falls between \(fall.from) and \(fall.to), and nothing was restarted")
            }
        }
        for (metric, expected) in counts {
            let query = "resets(\(metric)[\((last - first) / 1000 + 2)s])"
            do throws(PromQLError) {
                let result = try await world.stack.engine.instant(query: query, at: last, reader: world.stack.store)
                guard case .vector(let rows) = result.value else { continue }
                for row in 0..<rows.count {
                    let told = rows.floats(row).last.map { rows.values[$0] } ?? -1
                    let seen = expected[rows.labels[row].dropping(.metricName)].map(Double.init)
                    if told != seen {
                        fail(world, "\(query) is \(told) for \(rows.labels[row]), and it fell \(seen ?? 0) times")
                    }
                }
            } catch {
                fail(world, "\(query): \(error.message)")
            }
        }
    }

    /// When faults let instances look as if they had begun anew, in milliseconds since 1970.
    private func seemingBeginnings(_ world: World) -> [String: [ClosedRange<Timestamp>]] {
        var found: [String: [ClosedRange<Timestamp>]] = [:]
        for event in world.scenario.events {
            guard case .fault(.service(let service, .number(let number)), let fault?) = event.action,
                fault.text.contains("reset_counters")
            else { continue }
            let begin = world.scenario.start + event.at.lowerBound / 1_000_000
            let end = event.lasting.map { begin + $0.upperBound / 1_000_000 } ?? .max
            found["\(service)-\(number)", default: []].append(begin...end)
        }
        return found
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
