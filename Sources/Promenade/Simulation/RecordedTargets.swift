import Exposition
import MetricModel
import NIOCore
import Scrape
import Simulation
import Web

/// Answers scrapes as a recording has them.
struct RecordedTargets: Sendable {
    /// Who scraped whom.
    private struct Place: Hashable {
        /// The job; empty where the recording does not say.
        var pool: String
        var url: String
    }

    /// Scrapes of a target, by rising time.
    private var scrapes: [Place: [Recording.Scrape]] = [:]
    /// The job whose scrapes of a target are taken where another one asks that never scraped it.
    private var anyPools: [String: String] = [:]
    private let start: Timestamp

    /// How much later than the world's scrape the recorded one may have begun, in milliseconds.
    private static let slack: Int64 = 250

    init(_ recording: Recording, start: Timestamp) {
        self.start = start
        for scrape in recording.scrapes {
            scrapes[Place(pool: scrape.pool, url: scrape.url), default: []].append(scrape)
        }
        for place in scrapes.keys {
            scrapes[place]?.sort { $0.time < $1.time }
            anyPools[place.url] = min(anyPools[place.url] ?? place.pool, place.pool)
        }
    }

    /// The scrapes of a target by a job. Where it has none, those that no job is known of, or another job's (the first by name):
    /// the same world is seen by stacks whose jobs are called otherwise.
    private func all(_ url: String, of pool: String) -> [Recording.Scrape]? {
        let url = RecordedTraffic.url(url)
        if let own = scrapes[Place(pool: pool, url: url)] { return own }
        return anyPools[url].flatMap { scrapes[Place(pool: $0, url: url)] }
    }

    /// When a job scraped a target first, in milliseconds since 1970; `nil` where that is not in the recording.
    func first(_ url: String, of pool: String) -> Timestamp? { all(url, of: pool)?.first?.time }

    /// When a scrape of a target was recorded that began within the slack of a slot; in milliseconds since 1970.
    func scrape(_ url: String, of pool: String, near slot: Timestamp) -> Timestamp? {
        guard let all = all(url, of: pool) else { return nil }
        let index = Self.count(all, upTo: slot + Self.slack)
        return index > 0 && all[index - 1].time >= slot - Self.slack ? all[index - 1].time : nil
    }

    /// How many scrapes there were up to a moment.
    private static func count(_ all: [Recording.Scrape], upTo moment: Timestamp) -> Int {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].time <= moment { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The answer to a scrape; `nil` where the target is not in the recording.
    func answer(
        _ request: TargetRequest,
        of pool: String,
        time: Int64
    ) async throws(TransportError) -> TargetResponse? {
        guard let all = all(request.url, of: pool) else { return nil }
        let count = Self.count(all, upTo: start + time / 1_000_000 + Self.slack)
        guard count > 0 else {
            throw TransportError("it was not scraped before \(WorldEvent.moment(all[0].time))", code: .refused)
        }
        let scrape = all[count - 1]
        let limit = request.timeoutNanoseconds
        let wait = min(scrape.duration, limit)
        do {
            try await request.clock.sleep(untilSteady: request.clock.steadyNanoseconds + wait)
        } catch {
            throw TransportError("context canceled", code: .cancelled)
        }
        if scrape.status == 0 { throw TransportError(scrape.error, code: wait == limit ? .timeout : .other) }
        return TargetResponse(
            status: scrape.status,
            reason: HTTPStatus.reason(scrape.status),
            headers: [("Content-Type", scrape.contentType)],
            body: ByteBuffer(bytes: scrape.body)
        )
    }
}
