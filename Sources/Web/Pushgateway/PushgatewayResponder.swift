import Exposition
public import MetricModel
import NIOCore
public import Pushgateway
import Scrape
import Synchronization

/// The Pushgateway's server: every endpoint of the original, its page, and what the original has not.
public final class PushgatewayResponder: Sendable {
    let store: GroupStore
    let settings: PushgatewaySettings
    let clock: any StackClock
    let startTime: Int64
    /// The last Accept header and the format that it led to.
    private let lastFormat = Mutex<(accept: String, format: ExpositionFormat)?>(nil)
    /// The groups of the paths that were pushed to.
    let paths = KnownPaths()
    /// Ends the program.
    private let quit: Mutex<@Sendable () -> Void>
    /// The stack's time.
    private let clockControl = Mutex<ClockControl?>(nil)

    /// Answers for these groups.
    /// - Parameter quit: is called when a client asks the program to end.
    public init(
        store: GroupStore,
        settings: PushgatewaySettings = PushgatewaySettings(),
        clock: any StackClock,
        quit: @escaping @Sendable () -> Void = {}
    ) {
        self.store = store
        self.settings = settings
        self.clock = clock
        self.quit = Mutex(quit)
        startTime = clock.wallNanoseconds
    }

    /// Sets what is called when a client asks the program to end.
    public func onQuit(_ quit: @escaping @Sendable () -> Void) { self.quit.withLock { $0 = quit } }

    /// Lets its own page see and move the stack's time, where it is not the wall's. Before the routes are made.
    public func allow(_ time: ClockControl) { clockControl.withLock { $0 = time.pageClock == .wall ? nil : time } }

    /// The stack's time; `nil` where it is the wall's.
    var time: ClockControl? { clockControl.withLock { $0 } }

    func counted(_ handler: GatewayMetrics.Handler, _ method: String, _ response: WebResponse) -> WebResponse {
        store.metrics.count(handler, code: response.status, method: method)
        return response
    }

    /// Whether changes can be stored.
    func health() -> WebResponse {
        if let problem = store.problem ?? settings.storageProblem() { return .error(problem, status: 500) }
        return .text("OK")
    }

    /// `/-/quit`.
    func quitResponse() -> WebResponse {
        guard settings.enablesLifecycle else { return .text("Lifecycle API is not enabled.", status: 403) }
        defer { quit.withLock { $0 }() }
        return .text("Requesting termination... Goodbye!")
    }

    // MARK: - Metrics

    /// The format for an Accept header. Scrapers send the same one each time.
    private func negotiated(_ accept: String) -> ExpositionFormat {
        lastFormat.withLock { last in
            if let last, last.accept == accept { return last.format }
            let format = ExpositionFormat.negotiate(accept: accept, offered: [.protobuf])
            last = (accept, format)
            return format
        }
    }

    /// Everything that was pushed, for scraping.
    func metricsResponse(_ request: WebRequest) async -> WebResponse {
        let names = Set(FormValues(parsing: request.rawQuery).values("name[]"))
        let wanted = names.isEmpty ? nil : names
        let accept = request.headers.values("Accept").first ?? ""
        let format = negotiated(accept)
        var needsFamilies = format.kind == .protobuf
        if !needsFamilies, format.escaping != .allowUTF8 { needsFamilies = await !store.hasOnlyLegacyNames() }
        var text = ExpositionText()
        if needsFamilies {
            do {
                text = ExpositionText(FamilyEncoder.encode(try await store.families(names: wanted), as: format))
            } catch {
                return Self.gatheringError(error.message)
            }
        } else {
            switch await store.exposition(names: wanted) {
            case .text(let gathered): text = gathered
            case .inconsistent(let problem): return Self.gatheringError(problem)
            }
        }
        var headers = [("Content-Type", format.contentType)]
        guard AcceptedEncodings.prefersGzip(request) else {
            return WebResponse(headers: headers, body: Self.body(text))
        }
        headers.append(("Content-Encoding", "gzip"))
        let deflater = Deflater(.gzip)
        var packed: [UInt8] = []
        for piece in text.pieces { packed += deflater.compress(piece, isLast: false) }
        packed += deflater.compress([], isLast: true)
        return WebResponse(headers: headers, body: .bytes(packed))
    }

    /// The pieces one after the other: copied once, and to where the network takes them from.
    private static func body(_ text: ExpositionText) -> WebResponse.Body {
        guard text.count > 1 << 16 else { return .bytes(text.bytes) }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(text.count)
        for piece in text.pieces { buffer.writeBytes(piece) }
        return .buffer(buffer)
    }

    private static func gatheringError(_ problem: String) -> WebResponse {
        .error("An error has occurred while serving metrics:\n\n\(problem)", status: 500)
    }
}
