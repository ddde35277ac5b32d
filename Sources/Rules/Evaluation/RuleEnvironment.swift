public import MetricModel
public import PromQL
import Synchronization

/// Where rules write.
public protocol RuleSink: Sendable {
    /// Writes samples; when the call returns, they can be read.
    /// - Returns: those that were not taken, by position, with the reason in Prometheus's words.
    /// - Throws: ``RuleFailure`` where none could be written.
    func write(_ samples: [RuleSample], group: String) async throws(RuleFailure) -> [(index: Int, reason: String)]
    /// A group is gone: what is remembered of it is not needed any more.
    func forget(group: String)
}

extension RuleSink {
    /// Nothing is remembered.
    public func forget(group: String) {}
}

/// Places that expressions of all groups share: whoever finds none waits for its turn.
final class RulePlaces: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) { free = Mutex(count) }

    func take() -> Bool {
        free.withLock { free in
            if free == 0 { return false }
            free -= 1
            return true
        }
    }

    func giveBack() { free.withLock { $0 += 1 } }
}

/// What rules are evaluated with.
public struct RuleEnvironment: Sendable {
    /// What evaluates expressions.
    public var engine: PromQLEngine
    /// Where they read.
    public var reader: any SampleReader
    /// Where results go.
    public var sink: any RuleSink
    /// What measures how long it takes.
    public var clock: any StackClock
    /// What templates know of the server.
    public var surroundings = RuleSurroundings()
    /// The least time between two notices of the same alert, in nanoseconds.
    public var resendDelay: Int64 = 60_000_000_000
    /// How many expressions of all groups together are evaluated beside the groups' own turn, where none reads what another one of
    /// its group writes.
    public var concurrency = 1 {
        didSet { places = RulePlaces(concurrency > 1 ? concurrency : 0) }
    }
    /// The places for these expressions.
    private(set) var places = RulePlaces(0)
    /// Is told of alerts as soon as their rule was evaluated.
    public var tell: @Sendable ([AlertNotice]) -> Void = { _ in }
    /// Whether the group is to end: no further rule begins then.
    var isEnding: @Sendable () -> Bool = { false }

    /// What rules are evaluated with.
    public init(engine: PromQLEngine, reader: any SampleReader, sink: any RuleSink, clock: any StackClock) {
        self.engine = engine
        self.reader = reader
        self.sink = sink
        self.clock = clock
    }

    /// What an expression finds at a time.
    func elements(_ query: InstantQuery, at time: Timestamp) async throws(RuleFailure) -> [RuleElement] {
        let result: QueryResult
        do throws(PromQLError) {
            result = try await engine.instant(query, at: time, reader: reader)
        } catch {
            throw RuleFailure(.query, error.message)
        }
        return try Self.elements(result)
    }

    /// The elements of an answer.
    static func elements(_ result: QueryResult) throws(RuleFailure) -> [RuleElement] {
        switch result.value {
        case .scalar(let value, _): return [RuleElement(labels: Labels(), value: value)]
        case .vector(let rows):
            return (0..<rows.count).map { row in
                let histogram = rows.histograms(row).first.map { rows.histograms[$0] }
                let value = rows.floats(row).first.map { rows.values[$0] } ?? 0
                return RuleElement(labels: rows.labels[row], value: value, histogram: histogram)
            }
        case .string, .matrix: throw RuleFailure(.resultType, "rule result is not a vector or scalar")
        }
    }
}
