import Exposition
public import MetricModel
import NIOCore
import Synchronization

/// How a target fares.
public enum TargetHealth: String, Sendable, Hashable {
    /// Not scraped yet.
    case unknown
    /// The last scrape succeeded.
    case up
    /// The last scrape failed.
    case down
}

/// The last scrape of a target.
public struct TargetReport: Sendable {
    /// How it fares.
    public var health = TargetHealth.unknown
    /// Why the last scrape failed; empty where it did not.
    public var lastError = ""
    /// When the last scrape began (milliseconds since 1970); `nil` before the first.
    public var lastScrape: Timestamp?
    /// How long it took, in nanoseconds.
    public var lastDuration: Int64 = 0
    /// Samples it brought.
    public var samplesScraped = 0
    /// Samples left after relabelling.
    public var samplesAdded = 0
    /// When the next scrape is due (milliseconds since 1970); `nil` where nobody knows.
    public var nextScrape: Timestamp?
    /// How many scrapes there were.
    public var scrapes = 0

    /// The report before the first scrape.
    public init() {}
}

/// One scrape as it went over the wire, without what may hold credentials.
public struct RawScrape: Sendable {
    /// When it began (milliseconds since 1970).
    public var time: Timestamp
    /// The time that its samples have: that of its slot where it began close to it.
    public var sampleTime: Timestamp = 0
    /// How long it took, in nanoseconds.
    public var duration: Int64
    /// Where.
    public var url: String
    /// What was sent, as far as `RecordedTraffic` keeps it.
    public var requestHeaders: [(name: String, value: String)]
    /// The status code, 0 without an answer.
    public var status: Int
    /// What came back, as far as `RecordedTraffic` keeps it.
    public var responseHeaders: [(name: String, value: String)]
    /// The body, decompressed; `nil` where it is not kept any more, was not asked for or is longer than the job allows.
    public var body: [UInt8]?
    /// How long the decompressed body was.
    public var bodySize: Int
    /// Why it failed; empty where it did not.
    public var error: String
}

/// What is known about a target while it is scraped. Written by its loop, read by whoever shows it.
final class TargetStatus: Sendable {
    private struct Kept {
        var scrape: RawScrape
        /// `nil` where it was let go.
        var body: ByteBuffer?
        var isCompressed: Bool
        /// The part that the body has of the memory for those that are kept.
        var share: BodyBudget.Share?
    }

    private struct State {
        var report = TargetReport()
        var raw: [Kept] = []
    }

    /// How many scrapes are kept as they came.
    static let rawCount = 4
    /// How many bytes of bodies are kept for each target, besides the last body.
    static let rawBytes = 256 * 1024

    /// The last report and the last scrapes.
    private let state = Mutex(State())

    var report: TargetReport { state.withLock { $0.report } }

    func set(_ report: TargetReport) { state.withLock { $0.report = report } }

    /// Notes when the next scrape is due.
    func expect(next: Timestamp) { state.withLock { $0.report.nextScrape = next } }

    /// Keeps a scrape; without its body, where that is long and there is no room for it.
    func note(_ scrape: RawScrape, body: ByteBuffer, isCompressed: Bool, within budget: BodyBudget) {
        state.withLock { state in
            if state.raw.count == Self.rawCount { state.raw.removeFirst() }
            var bytes = 0
            for index in state.raw.indices.reversed() {
                bytes += state.raw[index].body?.readableBytes ?? 0
                if bytes > Self.rawBytes {
                    state.raw[index].body = nil
                    state.raw[index].share = nil
                }
            }
            let share = budget.share()
            let isKept = share.grow(to: body.readableBytes)
            state.raw.append(
                Kept(scrape: scrape, body: isKept ? body : nil, isCompressed: isCompressed, share: share)
            )
        }
    }

    /// The last scrapes, newest first.
    /// - Parameters:
    ///   - shown: of which the bodies are unpacked.
    ///   - limit: the longest body.
    func rawScrapes(bodiesOf shown: Range<Int>, limit: Int) -> [RawScrape] {
        let kept = state.withLock { $0.raw }
        return kept.reversed().enumerated().map { index, item in
            // Looked at here and not when it was noted: most scrapes nobody ever asks for.
            var scrape = item.scrape
            scrape.url = RecordedTraffic.url(scrape.url)
            scrape.requestHeaders = RecordedTraffic.headers(scrape.requestHeaders)
            scrape.responseHeaders = RecordedTraffic.headers(scrape.responseHeaders)
            if shown.contains(index), let body = item.body {
                scrape.body = try? BodyDecoder.decode(body, isCompressed: item.isCompressed, limit: limit)
            }
            return scrape
        }
    }
}
