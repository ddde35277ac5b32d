import Exposition
import Logging
import MetricModel
import NIOCore
import Synchronization

/// Scrapes one target again and again and stores what it brings.
struct ScrapeLoop: Sendable {
    let target: ScrapeTarget
    let config: ScrapeConfig
    let rules: SampleRules
    let store: any MetricStore
    let transport: any TargetTransport
    var clock: any StackClock
    let counters: ScrapeCounters
    let bodies: BodySpaces
    let failures: FailureLogs
    let status: TargetStatus
    let control: LoopControl
    let cache: ScrapeCache
    let stream: StreamRef
    let offsetSeed: UInt64
    /// What is sent each time, but for the clock.
    let request: TargetRequest
    let logger: Logger
    /// Whether the first scrape is at once and not at the target's place in the interval.
    let startsImmediately: Bool
    /// Whether the clock stands still during a scrape, so that the transport itself has to keep to the timeout.
    var isDriven = false
    /// The thread that scrapes it; `nil` for any.
    var executor: LoopExecutor?
    /// Who is told of each scrape.
    var observe: ScrapeObserver?

    /// So many bytes of why a scrape or a discovery failed are told: what is quoted of an answer may be as long as that.
    static let longestProblem = 2048

    /// What is sent to a target.
    static func request(_ target: ScrapeTarget, _ config: ScrapeConfig, userAgent: String) -> TargetRequest {
        var request = TargetRequest(
            url: target.url,
            headers: ScrapeHeaders.all(config, timeout: target.timeout, userAgent: userAgent),
            timeoutMilliseconds: target.timeout.milliseconds,
            bodyLimit: config.limits.bodyLimit
        )
        request.memory = RequestMemory()
        request.socket = target.labels[TargetLabel.unixSocket] ?? ""
        return request
    }

    private var interval: Int64 { target.interval.nanoseconds }

    /// Scrapes until the task is cancelled. A scrape under way is finished, unless the control says to give it up.
    @concurrent
    func run() async {
        var last: Int64?
        let offset = ScrapeSchedule.offset(
            interval: interval,
            hash: target.hash ^ offsetSeed,
            wall: clock.wallNanoseconds
        )
        let begin = clock.steadyNanoseconds
        if startsImmediately {
            last = await shielded(last: last) { clock.wallNanoseconds }
        }
        // A place that follows an immediate first scrape too closely is left out.
        let wait = startsImmediately && offset < interval / 10 ? offset + interval : offset
        expect(at: begin + wait)
        if (try? await clock.sleep(untilSteady: begin + wait)) == nil { return control.ended(last) }
        var schedule = ScrapeSchedule(
            interval: interval,
            steady: clock.steadyNanoseconds,
            wall: clock.wallNanoseconds
        )
        while !Task.isCancelled {
            last = await shielded(last: last) { schedule.sampleTime(wall: clock.wallNanoseconds) }
            let due = schedule.takeTick(steady: clock.steadyNanoseconds)
            expect(at: due)
            if (try? await clock.sleep(untilSteady: due)) == nil { break }
        }
        control.ended(last)
    }

    /// Tells whoever shows the target when it is scraped next.
    private func expect(at steady: Int64) {
        status.expect(next: clock.now + (steady - clock.steadyNanoseconds) / 1_000_000)
    }

    /// One scrape outside the schedule. It waits for one that is under way, and its samples are later than that one's.
    func scrapeOnce() async {
        let last = await shielded(last: nil) {
            guard let before = control.lastTime else { return clock.wallNanoseconds }
            return max(clock.wallNanoseconds, (before + 1) * 1_000_000)
        }
        control.ended(last)
    }

    /// One scrape of an engine of simulated time, which does one thing after the other and stops nothing halfway.
    func scrapeDriven() async {
        let start = clock.steadyNanoseconds
        let time = max(clock.now, (control.lastTime ?? .min) + 1)
        control.lastTime = time
        await scrape(at: time, last: nil)
        control.ended(start)
    }

    /// Scrapes in a task of its own, so that stopping the loop does not cut the scrape off, and alone: the memory of a target's
    /// series is for one scrape at a time.
    private func shielded(last: Int64?, at wall: () -> Int64) async -> Int64 {
        await control.turn.enter()
        let start = clock.steadyNanoseconds
        if control.isClosed {
            control.turn.leave()
            return start
        }
        let time = wall() / 1_000_000
        control.lastTime = time
        let work = Task(executorPreference: executor) { await scrape(at: time, last: last) }
        control.begin(work)
        await work.value
        control.begin(nil)
        control.turn.leave()
        return start
    }

    /// One scrape: fetch, read, store, report.
    @concurrent
    func scrape(at time: Timestamp, last: Int64?) async {
        let start = clock.steadyNanoseconds
        if let last {
            let seconds = Double(start - last) / 1e9
            counters.update { $0.intervals[target.interval.description, default: RecentDurations()].observe(seconds) }
        }
        let began = clock.now
        var request = request
        request.clock = clock
        request.bodies = bodies.budget
        let forced = control.forcedError
        let answer = forced == nil ? await fetch(request) : .failure(TransportError(forced ?? ""))
        if !isDriven, case .success(let response) = answer, isLong(response) {
            // Others are scraped, and served, on this thread meanwhile.
            await EvaluationThreads.run(on: .reading) { [request] in
                await take(answer, of: request, at: time, began: began, start: start, isForced: false)
            }
        } else {
            await take(answer, of: request, at: time, began: began, start: start, isForced: forced != nil)
        }
    }

    /// Whether reading an answer takes some milliseconds.
    private func isLong(_ response: TargetResponse) -> Bool {
        // What is packed may be a thousand times as long, and an expression may take microseconds for each byte.
        let isQuick = !response.isCompressed && config.metricRelabelRules.isEmpty
        return response.body.readableBytes > (isQuick ? Self.longBody : Self.longBody / 64)
    }

    /// A body of so many bytes is read where nobody else waits.
    private static let longBody = 1 << 20

    private func fetch(_ request: TargetRequest) async -> Result<TargetResponse, TransportError> {
        do throws(TransportError) {
            return .success(
                isDriven ? try await transport.fetch(request) : try await transport.fetch(request, timedBy: clock)
            )
        } catch {
            return .failure(error)
        }
    }

    /// Reads, stores and reports what a target answered.
    private func take(
        _ answer: Result<TargetResponse, TransportError>,
        of request: TargetRequest,
        at time: Timestamp,
        began: Timestamp,
        start: Int64,
        isForced: Bool
    ) async {
        let space = bodies.take()
        defer { bodies.give(space) }
        var hasBody = false
        var contentType = ""
        var failure: String?
        var bytesRead = 0
        var raw: (RawScrape, ByteBuffer, Bool)?
        if isForced, case .failure(let error) = answer {
            failure = error.message
        } else {
            let fetched = await read(answer, start: start, into: space)
            switch fetched.outcome {
            case .success:
                hasBody = true
                bytesRead = space.count
                contentType = fetched.response?.header("Content-Type") ?? ""
            case .failure(let error):
                failure = error.message
                if error.code == .bodyTooLarge {
                    bytesRead = -1
                    counters.update { $0.exceededBodySize += 1 }
                }
            }
            raw = (
                RawScrape(
                    time: began,
                    sampleTime: time,
                    duration: clock.steadyNanoseconds - start,
                    url: request.url,
                    requestHeaders: request.headers,
                    status: fetched.response?.status ?? 0,
                    responseHeaders: fetched.response?.headers ?? [],
                    body: nil,
                    bodySize: hasBody ? space.count : 0,
                    error: ""
                ),
                fetched.response?.body ?? ByteBuffer(),
                fetched.isCompressed
            )
        }
        if Task.isCancelled { return }
        let outcome = await append(
            hasBody ? space : nil,
            contentType: contentType,
            at: time,
            start: start,
            bytesRead: bytesRead,
            failure: failure
        )
        let failed = outcome.failure?.shortened(to: Self.longestProblem)
        if let (kept, bytes, isCompressed) = raw {
            var scrape = kept
            scrape.error = failed ?? ""
            status.note(scrape, body: bytes, isCompressed: isCompressed, within: bodies.kept)
        }
        var report = status.report
        report.scrapes += 1
        report.health = outcome.failure == nil ? .up : .down
        report.lastError = failed ?? ""
        report.lastScrape = began
        report.lastDuration = outcome.duration
        report.samplesScraped = outcome.total
        report.samplesAdded = outcome.added
        status.set(report)
        observe?(target, config.jobName, report)
        if let failure = failed {
            logger.debug("Scrape failed", metadata: ["target": "\(target.url)", "err": "\(failure)"])
            if !config.scrapeFailureLogFile.isEmpty {
                failures.note(failure, job: config.jobName, target: target.url, in: config.scrapeFailureLogFile)
            }
        }
        let total = Double(clock.steadyNanoseconds - start) / 1e9
        counters.update { values in
            values.scrapes += 1
            values.samples += outcome.total
            values.scrapeDurations.observe(total)
        }
    }

    private struct Fetched {
        var response: TargetResponse?
        var isCompressed = false
        var outcome: Result<Void, TransportError>
    }

    private func read(
        _ answer: Result<TargetResponse, TransportError>,
        start: Int64,
        into space: BodySpace
    ) async -> Fetched {
        let (end, isEndless) = start.addingReportingOverflow(request.timeoutNanoseconds)
        let response: TargetResponse
        switch answer {
        case .success(let whole): response = whole
        case .failure(let error): return Fetched(outcome: .failure(error))
        }
        var fetched = Fetched(response: response, outcome: .success(()))
        fetched.isCompressed = response.isCompressed
        guard response.status == 200 else {
            fetched.outcome = .failure(
                TransportError("server returned HTTP status \(response.statusText)", code: .status)
            )
            return fetched
        }
        let limit = config.limits.bodyLimit
        do throws(TransportError) {
            try await space.decode(response, limit: limit) {
                Task.isCancelled || !isEndless && clock.steadyNanoseconds > end
            }
            if space.count >= limit { fetched.outcome = .failure(.bodyTooLarge) }
        } catch {
            fetched.outcome = .failure(error)
        }
        return fetched
    }
}

/// How a loop is told what to do, and asked what it did.
final class LoopControl: Sendable {
    private struct State {
        var work: Task<Void, Never>?
        var forcedError: String?
        var last: Int64?
        var lastTime: Timestamp?
        var isClosed = false
    }

    /// One scrape of the target at a time.
    let turn = Turnstile()
    /// The scrape under way, the error that replaces scrapes, and the last scrape.
    private let state = Mutex(State())

    /// An error that every scrape fails with, without asking the target.
    var forcedError: String? {
        get { state.withLock { $0.forcedError } }
        set { state.withLock { $0.forcedError = newValue } }
    }

    /// When the last scrape began (steady); `nil` where there was none.
    var last: Int64? { state.withLock { $0.last } }

    /// The time of the last scrape's samples.
    var lastTime: Timestamp? {
        get { state.withLock { $0.lastTime } }
        set { state.withLock { $0.lastTime = newValue } }
    }

    /// Whether nothing is scraped any more.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    func begin(_ work: Task<Void, Never>?) {
        let isClosed = state.withLock { state in
            state.work = work
            return state.isClosed
        }
        if isClosed { work?.cancel() }
    }

    /// Gives up the scrape under way, and all that would follow.
    func close() {
        let work = state.withLock { state in
            state.isClosed = true
            return state.work
        }
        work?.cancel()
    }

    func ended(_ last: Int64?) { state.withLock { $0.last = last } }
}
