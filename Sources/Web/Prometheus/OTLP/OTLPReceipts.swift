import Exposition
import MetricModel
import Synchronization

/// The last requests of OpenTelemetry's clients, with what became of them, and what their points add up to.
final class OTLPReceipts: Sendable {
    /// A request.
    struct Receipt: Sendable {
        /// Its number, from 1.
        var number: UInt64 = 0
        /// When it came, in nanoseconds since 1970.
        var time: Int64
        /// Who sent it: the address, and what the client calls itself.
        var client: String
        var agent: String
        /// How it was encoded.
        var type: String
        var coding: String
        /// How long it was, as it was sent.
        var size: Int
        var status = 0
        var error = ""
        var verdicts: [OTLPTranslator.Verdict] = []
        var warnings: [String] = []
        /// What was taken.
        var samples = 0
        var histograms = 0
        var exemplars = 0

        init(_ request: WebRequest, time: Int64) {
            self.time = time
            client = request.remoteAddress
            agent = request.headers["User-Agent"] ?? ""
            type = request.headers["Content-Type"] ?? ""
            coding = request.headers["Content-Encoding"] ?? ""
            size = request.body.count
        }

        /// How many bytes its texts have.
        fileprivate private(set) var textSize = 0

        /// Leaves out what need not be remembered: of long texts the end, of many metrics and warnings the last.
        fileprivate mutating func shorten() {
            func short(_ texts: [String]) -> [String] {
                texts.prefix(OTLPReceipts.warningLimit).map { $0.shortened(to: OTLPReceipts.textLimit) }
            }
            for text in [\.client, \.agent, \.type, \.coding, \.error] as [WritableKeyPath<Self, String>] {
                self[keyPath: text] = self[keyPath: text].shortened(to: OTLPReceipts.textLimit)
                textSize += self[keyPath: text].utf8.count
            }
            warnings = short(warnings)
            verdicts = verdicts.prefix(OTLPReceipts.metricLimit).map { verdict in
                var verdict = verdict
                verdict.facts = verdict.facts.shortened(to: OTLPReceipts.textLimit)
                verdict.problem = verdict.problem?.shortened(to: OTLPReceipts.textLimit)
                verdict.warnings = short(verdict.warnings)
                textSize += verdict.facts.size + (verdict.problem?.utf8.count ?? 0)
                for text in verdict.warnings { textSize += text.utf8.count }
                return verdict
            }
            for text in warnings { textSize += text.utf8.count }
        }
    }

    /// So many requests are remembered.
    static let limit = 100
    /// Of so many metrics each.
    static let metricLimit = 1000
    /// So many bytes of each text, and of all texts together; the oldest requests go.
    static let textLimit = 1024
    static let byteLimit = 16 << 20
    /// So many of what is odd about a request, or a metric, are told.
    static let warningLimit = 100

    private struct State {
        var receipts: [Receipt] = []
        var last: UInt64 = 0
        /// How many bytes the texts of the receipts have.
        var size = 0
    }

    private let state = Mutex(State())
    private let totals = OTLPDelta()
    private let memory = Mutex(Lent())

    /// What the bytes of messages are known to mean. While a long message is read with it, others are read without: nobody waits for
    /// a thread that reads.
    private struct Lent {
        var memory = OTLPMemory()
        var isAway = false
        /// Whether what it knows of series does not hold any more, once it comes back.
        var isOld = false
    }

    /// A message of more bytes is long.
    private static let shortMessage = 256 << 10

    func add(_ receipt: Receipt) {
        var receipt = receipt
        receipt.shorten()
        state.withLock { state in
            state.last += 1
            receipt.number = state.last
            state.receipts.append(receipt)
            state.size += receipt.textSize
            while state.receipts.count > Self.limit || state.size > Self.byteLimit && state.receipts.count > 1 {
                state.size -= state.receipts.removeFirst().textSize
            }
        }
    }

    /// The requests after one, oldest first.
    func since(_ number: UInt64) -> [Receipt] {
        state.withLock { state in state.receipts.filter { $0.number > number } }
    }

    /// Translates a message with what is known by its bytes.
    func translate(
        _ message: [UInt8],
        _ settings: OTLPTranslator.Settings
    ) throws(ExpositionError) -> OTLPTranslator.Outcome {
        if message.count > Self.shortMessage { return try translateLong(message, settings) }
        let outcome = try memory.withLock { lent throws(ExpositionError) -> OTLPTranslator.Outcome? in
            if lent.isAway { return nil }
            return try OTLPTranslator.translate(message, settings, &lent.memory)
        }
        if let outcome { return outcome }
        return try OTLPTranslator.translate(message, settings)
    }

    private func translateLong(
        _ message: [UInt8],
        _ settings: OTLPTranslator.Settings
    ) throws(ExpositionError) -> OTLPTranslator.Outcome {
        let taken = memory.withLock { lent -> OTLPMemory? in
            if lent.isAway { return nil }
            defer { lent = Lent(isAway: true) }
            return lent.memory
        }
        guard var own = taken else { return try OTLPTranslator.translate(message, settings) }
        defer {
            memory.withLock { lent in
                if lent.isOld { own.forgetSeries() }
                lent = Lent(memory: own)
            }
        }
        return try OTLPTranslator.translate(message, settings, &own)
    }

    /// Remembers the series that were looked up for a message.
    func learn(_ outcome: OTLPTranslator.Outcome, _ references: [SeriesRef]) {
        if outcome.lessons.isEmpty { return }
        memory.withLock { lent in if !lent.isAway { lent.memory.learn(outcome, references) } }
    }

    /// Forgets which series points belong to.
    func forgetSeries() {
        memory.withLock { lent in
            lent.isOld = true
            lent.memory.forgetSeries()
        }
    }

    /// Adds up points that count from the one before.
    func accumulate(
        _ metrics: inout OTLPMetrics,
        now: Timestamp,
        _ figures: ServerFigures
    ) throws(ExpositionError) -> OTLPDelta.Addition {
        let addition = try totals.accumulate(&metrics, now: now)
        ServerFigures.add(addition.dropped, to: figures.otlpDropped)
        return addition
    }

    /// What was added comes again.
    func takeBack(_ addition: OTLPDelta.Addition) { totals.takeBack(addition) }
}
