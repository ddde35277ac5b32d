import Exposition
public import MetricModel
import NIOCore
public import Pushgateway
import Scrape
import Synchronization

/// The Pushgateway's server: every endpoint of the original, its page, and what the original has not.
public final class PushgatewayResponder: WebResponder {
    let store: GroupStore
    let settings: PushgatewaySettings
    let clock: any StackClock
    let startTime: Int64
    private let router: PushgatewayRouter
    /// Ends the program.
    private let quit: Mutex<@Sendable () -> Void>

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
        router = PushgatewayRouter(
            prefix: settings.routePrefix,
            metricsPath: settings.telemetryPath,
            enablesAdmin: settings.enablesAdminAPI,
            allowsDeletionBySelector: store.options.allowsDeletionBySelector
        )
    }

    /// Sets what is called when a client asks the program to end.
    public func onQuit(_ quit: @escaping @Sendable () -> Void) { self.quit.withLock { $0 = quit } }

    /// Pushes may be long.
    public func bodyLimit(for method: WebRequest.Method, rawPath: String) -> Int { settings.bodyLimit }

    /// Answers a request.
    public func respond(to request: WebRequest) async -> WebResponse {
        let route = router.route(request.method, rawPath: request.rawPath, querySuffix: request.querySuffix)
        if !route.isBelowAPI, let problem = PushBody.compressionProblem(request) { return .error(problem, status: 400) }
        switch route {
        case .group(let path):
            if let fault = settings.faults?.takePush() { return await faulty(fault, path, request) }
            return await change(path, request)
        case .selection: return await deleteSelection(request)
        case .apiWipe: return await wipe()
        case .answer(let response): return response
        default: return await respond(to: request, route)
        }
    }

    /// A push or a deletion.
    func change(_ path: [UInt8], _ request: WebRequest) async -> WebResponse {
        request.method == .delete ? await delete(path, request) : await push(path, request)
    }

    private func respond(to request: WebRequest, _ route: PushgatewayRouter.Route) async -> WebResponse {
        switch route {
        case .metrics: return await metricsResponse(request)
        case .healthy: return counted(.healthy, "get", health())
        case .ready: return counted(.ready, "get", health())
        case .page: return counted(.status, "get", WebAssets.response(to: request, file: "pushgateway/index.html"))
        case .asset(let file): return counted(.static, "get", WebAssets.response(to: request, file: file))
        case .missingFile: return counted(.static, "get", .notFound)
        case .quitHint: return .text("Only POST or PUT requests allowed.", status: 405)
        case .quit: return quitResponse()
        case .apiMetrics: return counted(.apiMetrics, "get", await groups())
        case .apiStatus: return counted(.apiStatus, "get", envelope(statusJSON()))
        case .apiOptions: return counted(.apiOptions, "options", crossOrigin(WebResponse()))
        case .apiGroups: return counted(.apiGroups, "get", await changes(request))
        case .apiPushes: return counted(.apiPushes, "get", history(request))
        case .apiStack:
            return counted(.apiStatus, "get", settings.survey?.response() ?? missing("this server is alone"))
        case .apiGroup(let path): return counted(.apiGroups, "get", await group(path))
        case .apiPush(let number): return counted(.apiPushes, "get", push(number: number))
        case .answer(let response): return response
        case .group, .selection, .apiWipe: return .notFound
        }
    }

    func counted(_ handler: GatewayMetrics.Handler, _ method: String, _ response: WebResponse) -> WebResponse {
        store.metrics.count(handler, code: response.status, method: method)
        return response
    }

    private func health() -> WebResponse {
        if let problem = store.problem ?? settings.storageProblem() { return .error(problem, status: 500) }
        return .text("OK")
    }

    private func quitResponse() -> WebResponse {
        guard settings.enablesLifecycle else { return .text("Lifecycle API is not enabled.", status: 403) }
        defer { quit.withLock { $0 }() }
        return .text("Requesting termination... Goodbye!")
    }

    // MARK: - Metrics

    private func metricsResponse(_ request: WebRequest) async -> WebResponse {
        let names = Set(FormValues(parsing: request.rawQuery).values("name[]"))
        let wanted = names.isEmpty ? nil : names
        let accept = request.headers.values("Accept").first ?? ""
        let format = ExpositionFormat.negotiate(accept: accept, offered: [.protobuf])
        let needsFamilies = format.kind == .protobuf || !(format.escaping == .allowUTF8 || store.hasOnlyLegacyNames)
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
