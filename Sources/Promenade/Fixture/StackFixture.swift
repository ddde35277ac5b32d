package import ConfigTree
import Logging
import Rules
public import MetricModel
import Pushgateway
import ServiceLifecycle
public import Scrape
import Synchronization
package import Web

/// What tests do to a running stack: jobs that come and go besides those of the configuration, and faults.
final class StackFixture: Sendable {
    let faults = FaultBoard()
    /// Jobs that were set since the start (`nil` for one that was ended), by name and in the order in which they came.
    private let changes = Mutex<[(name: String, job: ScrapeConfig?)]>([])

    /// The jobs of a configuration with the changes since the start.
    func applied(to jobs: [ScrapeConfig]) -> [ScrapeConfig] {
        var jobs = jobs
        for (name, job) in changes.withLock({ $0 }) {
            let index = jobs.firstIndex { $0.jobName == name }
            switch (index, job) {
            case (let index?, let job?): jobs[index] = job
            case (let index?, nil): jobs.remove(at: index)
            case (nil, let job?): jobs.append(job)
            case (nil, nil): break
            }
        }
        return jobs
    }

    func note(_ name: String, _ job: ScrapeConfig?) {
        changes.withLock { changes in
            changes.removeAll { $0.name == name }
            changes.append((name, job))
        }
    }
}

extension Stack {
    /// The faults that tests inject; `nil` where the stack is no test fixture.
    public var faults: FaultBoard? { fixture?.faults }

    /// Makes the targets of a job those of a request, `{"targets":["host:port"],"labels":{…},"config":{…}}`; with `adds` they
    /// come to those that are there.
    /// - Returns: why that cannot be.
    package func setTargets(job: String, request node: ConfigNode, adds: Bool, waits: Bool) async -> APIFailure? {
        guard let fixture else { return Self.noFixture }
        let request: TargetsRequest
        do throws(ConfigError) {
            request = try TargetsRequest(
                job: job,
                reading: node,
                known: scraper.config(ofPool: job),
                isAddition: adds,
                global: state.now.config.prometheus.global,
                context: Self.context(options.configFile, options.flags)
            )
        } catch {
            return APIFailure(.badData, error.description)
        }
        fixture.note(job, request.job)
        await scraper.set(request.job, waits: waits)
        return nil
    }

    /// Ends a job, or only one of its targets; their series are stale when this returns.
    /// - Returns: why that cannot be.
    package func removeTargets(job: String, target: String = "") async -> APIFailure? {
        guard let fixture else { return Self.noFixture }
        guard let known = scraper.config(ofPool: job) else {
            return APIFailure(.notFound, "there is no job \(GoText.quoted(job))")
        }
        if target.isEmpty {
            fixture.note(job, nil)
            await scraper.end(job: job)
            return nil
        }
        guard let rest = known.removing(target: target) else {
            let known = known.fixedTargets.joined(separator: ", ")
            return APIFailure(
                .notFound,
                "the job \(GoText.quoted(job)) has no target \(GoText.quoted(target)); it has \(known)"
            )
        }
        fixture.note(job, rest)
        await scraper.set(rest, waits: false)
        return nil
    }

    private static let noFixture = APIFailure(.forbidden, "this stack is no test fixture")

    /// What the Prometheus server offers to tests.
    var fixtureControl: FixtureControl? {
        guard let fixture else { return nil }
        return FixtureControl(
            faults: fixture.faults,
            setTargets: { job, body, adds, waits in
                do throws(ConfigError) {
                    let request = try JSONReader.parse(body, file: "body")
                    return await self.setTargets(job: job, request: request, adds: adds, waits: waits)
                } catch {
                    return APIFailure(.badData, error.description)
                }
            },
            removeTargets: { await self.removeTargets(job: $0, target: $1) },
            readFault: { body in
                do throws(ConfigError) {
                    return .success(try Fault(reading: try JSONReader.parse(body, file: "body")))
                } catch {
                    return .failure(APIFailure(.badData, error.description))
                }
            }
        )
    }

    /// Moves a manual clock on where there are samples of this very moment: a series has one sample at a time.
    package func leaveMoment(job: String?) async {
        guard let clock = clock as? ManualClock else { return }
        let times = scraper.pools(named: job).flatMap(\.active).compactMap(\.report.lastScrape)
        if times.contains(clock.now) { await advance(clock, milliseconds: 1) }
    }

    /// What the Prometheus server offers to a class.
    var demoControl: DemoControl? {
        guard let demoEngine else { return nil }
        let (events, logger) = (state.events, logger)
        return DemoControl(
            isAllowed: options.allowsDemoControl,
            status: { await demoEngine.status() },
            apply: { command in
                let failure = await demoEngine.apply(command)
                if failure == nil, let status = await demoEngine.status() { events.tell(.demo(status.mode.name)) }
                return failure
            },
            failed: { logger.error("The demo server did not do what it was told", metadata: ["err": "\($0.message)"]) }
        )
    }

    /// The time, and where it does not pass by itself, what moves it.
    var clockControl: ClockControl {
        let clock = clock
        guard let manual = clock as? ManualClock else { return ClockControl(now: { clock.wallNanoseconds }) }
        return ClockControl(
            now: { clock.wallNanoseconds },
            advance: { [weak self] milliseconds in
                await cancelWhenGracefulShutdown { await self?.advance(manual, milliseconds: milliseconds) }
            }
        )
    }

    /// Moves a manual clock; whatever is due on the way is scraped, and done when this returns. Where the task is cancelled, the
    /// clock stands where it had come to. Of two at once each goes on from where the one before ends.
    public func advance(_ clock: ManualClock, milliseconds: Int64) async {
        await moves.enter()
        defer { moves.leave() }
        if Task.isCancelled { return }
        let end = clock.wallNanoseconds.plus(milliseconds * 1_000_000)
        // Rules at the same moment come after the scrapes.
        while !Task.isCancelled, let due = rules.manager.nextDue(until: end) {
            await scraper.advance(clock, milliseconds: max(0, due - clock.wallNanoseconds) / 1_000_000)
            if Task.isCancelled { return }
            // Not cut short: a slot that was begun would be lost.
            await Task { await rules.manager.evaluate(dueAt: due) }.value
        }
        await scraper.advance(clock, milliseconds: max(0, end - clock.wallNanoseconds) / 1_000_000)
        await gateway?.deleteExpired()
    }

    /// What the Pushgateway exposes; `nil` where there is none.
    package var pushedExposition: [UInt8]? {
        get async {
            guard case .text(let text)? = await gateway?.exposition() else { return nil }
            return text.bytes
        }
    }

    /// The last push that was refused, in one line; empty where none was.
    package var lastPushError: String {
        guard let history = gateway?.historyJSON(limit: 50) else { return "" }
        let envelope = Array("{\"data\":".utf8) + history + Array("}".utf8)
        guard let answer = try? JSONReader.parse(envelope, file: "pushes") else { return "" }
        return ExpectationEvidence.pushError(inPushes: answer)
    }
}
