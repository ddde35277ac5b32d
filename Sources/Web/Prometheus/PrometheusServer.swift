public import Logging
public import MetricModel
public import PromQL
public import Scrape
import Synchronization

/// The Prometheus server's HTTP surface: API, pages, federation, health.
public final class PrometheusServer: Sendable {
    let settings: PrometheusSettings
    let environment: PrometheusEnvironment
    let store: any MetricStore
    /// What queries read: the store, and what others have besides.
    let reader: any SampleReader
    let clock: any StackClock
    let engine: PromQLEngine
    let scraper: ScrapeManager?
    let logger: Logger
    let requests = RequestCounts()
    let figures = ServerFigures()
    let otlp = OTLPReceipts()
    let remoteSeries = RemoteSeries()
    /// Lets one request at a time look at a target's last body.
    let showingBody = Turnstile()
    /// Labels, as paths name them, that had many values when these were listed last.
    private let manyValues = Mutex<Set<String>>([])

    /// A server over a store.
    /// - Parameter reader: what queries read; `nil` for the store.
    public init(
        settings: PrometheusSettings,
        environment: PrometheusEnvironment,
        store: any MetricStore,
        reader: (any SampleReader)? = nil,
        engine: PromQLEngine,
        scraper: ScrapeManager? = nil,
        clock: any StackClock,
        logger: Logger
    ) {
        self.settings = settings
        self.environment = environment
        self.store = store
        self.reader = reader ?? store
        self.clock = clock
        self.logger = logger
        self.engine = engine
        self.scraper = scraper
    }

    /// Whether the values of the label that a request asks for come from the index and are not many: they have to be looked for
    /// where `match[]` asks for some series, which shows by its bracket, plain or escaped.
    func isLabelBrief(_ request: WebRequest) -> Bool {
        let name = Self.labelName(of: request)
        return manyValues.withLock { !$0.contains(name) }
            && !request.rawQuery.utf8.contains { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "%") }
    }

    /// The label of `/api/v1/label/NAME/values`, as the path names it.
    static func labelName(of request: WebRequest) -> String {
        request.captured(after: "/api/v1/label/", before: "/values")
    }

    /// Remembers whether a label has so many values that to list them takes long.
    func remember(valuesOf name: String, count: Int) {
        manyValues.withLock { names in
            if count < 1000 {
                names.remove(name)
            } else if names.count < 1000 {
                names.insert(name)
            }
        }
    }

    /// What everything but health answers while the server comes up or goes down.
    func unavailable() -> WebResponse? {
        let isStopping: Bool
        switch environment.phase() {
        case .ready: return nil
        case .starting: isStopping = false
        case .stopping: isStopping = true
        }
        var response = WebResponse.text("Service Unavailable", status: 503)
        response.headers.append(("X-Prometheus-Stopping", isStopping ? "true" : "false"))
        return response
    }

    /// What a server that cannot store anything any more is not ready for.
    func unstorable() -> WebResponse? {
        environment.storageProblem().map { .text("Service Unavailable: \($0)\n", status: 503) }
    }
}
