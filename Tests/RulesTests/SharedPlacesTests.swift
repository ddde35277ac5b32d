import MetricModel
import PromQL
import Rules
import Synchronization
import TSDB
import Testing

/// Places in which expressions of all groups together are evaluated at once (`--rules.max-concurrent-evals`).
@Suite(.timeLimit(.minutes(5))) struct SharedPlacesTests {
    /// A store in which reads of the series `held` wait until it is opened, and others are counted.
    private final class Gate: FrontReader {
        private struct State {
            var isOpen = false
            var held: [CheckedContinuation<Void, Never>] = []
            var inside = 0
            var greatest = 0
        }

        let base: any SampleReader
        private let state = Mutex(State())
        /// How many reads are held, each time one more is.
        let (arrivals, arrive) = AsyncStream<Int>.makeStream()

        init(_ base: any SampleReader) { self.base = base }

        /// How many reads that are not held were under way at once.
        var greatest: Int { state.withLock { $0.greatest } }
        /// How many reads are held now.
        var held: Int { state.withLock { $0.held.count } }

        func open() {
            let held = state.withLock { state in
                state.isOpen = true
                defer { state.held = [] }
                return state.held
            }
            for read in held { read.resume() }
        }

        func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
            if request.matchers.contains(where: { $0.value == "held" }) {
                await withCheckedContinuation { read in
                    let count: Int? = state.withLock { state in
                        if state.isOpen { return nil }
                        state.held.append(read)
                        return state.held.count
                    }
                    if let count { arrive.yield(count) } else { read.resume() }
                }
            } else {
                state.withLock { state in
                    state.inside += 1
                    state.greatest = max(state.greatest, state.inside)
                }
                // Others get their turn, if there are any.
                for _ in 0..<50 { await Task.yield() }
                state.withLock { $0.inside -= 1 }
            }
            return try await base.select(request)
        }
    }

    private static let time: Timestamp = 1_700_000_100_000

    /// A gate before a store with the series `held` and `free`, and what groups are evaluated with.
    private static func bench(places: Int) async throws -> (Gate, RuleEnvironment) {
        let clock = ManualClock(now: time)
        let store = TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: clock)
        var batch = SampleBatch(timestamp: time)
        batch.series = try await store.resolve([["__name__": "held"], ["__name__": "free"]])
        batch.values = [100, 200]
        _ = try await store.append(batch)
        let gate = Gate(store)
        let engine = PromQLEngine(clock: clock)
        var environment = RuleEnvironment(engine: engine, reader: gate, sink: StoreSink(store), clock: clock)
        environment.concurrency = places
        return (gate, environment)
    }

    /// Evaluates a group of twelve rules that read a series; how many failed.
    private static func evaluate(_ series: String, _ environment: RuleEnvironment) async throws -> Int {
        let rules = (0..<12).map { #"{"record": "\#(series)\#($0)", "expr": "\#(series) + \#($0)"}"# }
        let file = try RuleScript.rules(#"{"groups": [{"name": "g", "rules": [\#(rules.joined(separator: ","))]}]}"#)
        let definition = file.groups[0].definition(file: "\(series).yml", interval: 15_000)
        var state = RuleGroupState(definition, isRestored: true)
        return await state.evaluate(at: time * 1_000_000, environment).failures.count
    }

    /// What the rules of a group found.
    private static func found(_ series: String, _ gate: Gate) async throws -> [Double] {
        var values: [Double] = []
        for number in 0..<12 {
            let matchers = [LabelMatcher("__name__", equals: "\(series)\(number)")]
            let columns = try await gate.base.select(SelectRequest(matchers: matchers, start: 0, end: time))
            values += columns.flatMap(\.values)
        }
        return values
    }

    @Test func `where one group has all places, another one evaluates its rules in turn`() async throws {
        let (gate, environment) = try await Self.bench(places: 3)
        async let first = Self.evaluate("held", environment)
        for await count in gate.arrivals where count == 3 { break }
        #expect(try await Self.evaluate("free", environment) == 0)
        #expect(gate.greatest == 1)
        #expect(gate.held == 3)
        gate.open()
        #expect(try await first == 0)
        #expect(try await Self.found("held", gate) == (0..<12).map { 100 + Double($0) })
        #expect(try await Self.found("free", gate) == (0..<12).map { 200 + Double($0) })
        // The places were given back.
        #expect(try await Self.evaluate("free", environment) == 0)
        #expect(gate.greatest > 1)
    }
}
