public import MetricModel

/// What senders of OpenTelemetry's metrics repeat with each message, by its bytes: resources, metrics, and which series of a store
/// their points belong to.
public struct OTLPMemory: Sendable {
    /// The series that tells about a resource.
    enum Info {
        case unread
        case absent
        case series(Labels)
    }

    /// Beyond so many resources, scopes or metrics, or so many bytes of what is said of them, all is forgotten.
    private static let limit = 100_000
    private static let byteLimit = 32 << 20

    private var settings: OTLPTranslator.Settings?
    private var resources = ByteTable()
    private var lastResource = -1
    /// What tells about each resource.
    private(set) var infos: [Info] = []
    private var scopes = ByteTable()
    private var metrics = ByteTable()
    private var lastMetric = -1
    private(set) var facts: [OTLPTranslator.Facts] = []
    /// In which message each metric was told of last.
    private var told: [UInt64] = []
    private var message: UInt64 = 0
    /// How many bytes ``facts`` and ``infos`` have.
    private var textSize = 0
    /// The series of points.
    var series = SeriesMemory()
    /// How often all was forgotten: numbers of resources, scopes and metrics mean nothing after that.
    private(set) var generation: UInt64 = 0

    /// A memory of nothing.
    public init() {}

    /// A new message begins. What was learned by other settings does not hold.
    mutating func begin(_ settings: OTLPTranslator.Settings) {
        if self.settings != settings { forget(settings) }
        message += 1
    }

    /// A message is read. Who sends ever new names, or long ones, must not fill the memory with them.
    mutating func end() {
        let size = resources.byteCount + scopes.byteCount + metrics.byteCount + textSize
        if size > Self.byteLimit || max(resources.count, scopes.count, metrics.count) > Self.limit { forget(settings) }
    }

    private mutating func forget(_ settings: OTLPTranslator.Settings?) {
        let generation = generation + 1
        self = Self()
        self.generation = generation
        self.settings = settings
    }

    /// Notes what tells about a resource.
    mutating func setInfo(_ info: Info, of resource: Int) {
        if case .series(let labels) = info { textSize += labels.encoded.count }
        infos[resource] = info
    }

    /// Remembers the series that were looked up for a message: those of ``OTLPTranslator/Outcome/labels``, in their order.
    public mutating func learn(_ outcome: OTLPTranslator.Outcome, _ references: [SeriesRef]) {
        if outcome.generation == generation { series.learn(outcome.lessons) { references[$0] } }
    }

    /// Forgets which series points belong to.
    public mutating func forgetSeries() { series.forget() }

    mutating func resource(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let number = resources.find(UnsafeRawBufferPointer(bytes), after: lastResource) else { return nil }
        lastResource = number
        return number
    }

    mutating func add(resource bytes: UnsafeBufferPointer<UInt8>) -> Int {
        infos.append(.unread)
        return resources.add(UnsafeRawBufferPointer(bytes))
    }

    func scope(_ key: [UInt8]) -> Int? { key.withUnsafeBytes { scopes.find($0) } }

    mutating func add(scope key: [UInt8]) -> Int { key.withUnsafeBytes { scopes.add($0) } }

    mutating func metric(_ key: [UInt8]) -> Int? {
        guard let number = key.withUnsafeBytes({ metrics.find($0, after: lastMetric) }) else { return nil }
        lastMetric = number
        return number
    }

    mutating func add(metric key: [UInt8], _ new: OTLPTranslator.Facts) -> Int {
        textSize += new.size
        facts.append(new)
        told.append(0)
        return key.withUnsafeBytes { metrics.add($0) }
    }

    /// Whether this message has not told of a metric yet; it has then.
    mutating func isUntold(_ metric: Int) -> Bool {
        defer { told[metric] = message }
        return told[metric] != message
    }
}
