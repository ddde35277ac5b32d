import Exposition
import HTTPTypes
import Hummingbird
import MetricModel
import NIOCore

/// Answers a request. The task is cancelled where the client goes away.
public typealias WebHandler = @Sendable (WebRequest) async -> WebResponse

/// One route of a server: methods, a pattern of a path, and who answers.
public struct Route: Sendable {
    /// Where an answer is made.
    enum Pace: Sendable {
        /// On the connection's own thread, which serves many others: for what takes some ten microseconds and waits for nothing.
        case brief
        /// In a task of its own, on the threads for whatever takes time.
        case long
        /// One or the other.
        case briefIf(@Sendable (WebRequest) -> Bool)
    }

    /// Threads for what may take long and grow with what is stored.
    struct Threads: Sendable {
        /// The threads; `nil` for those that everything runs on.
        var executor: (any TaskExecutor)?
        /// Runs the work, under whatever ends it early.
        var run: @Sendable (_ work: @Sendable () async -> WebResponse) async -> WebResponse

        /// For what is told of what there is, which may be long: it waits neither for queries nor for what is read.
        static let telling = Threads(executor: EvaluationThreads(.reading)) { work in await work() }
    }

    /// Longer queries are not read on the connection's own thread where ``small()`` says so.
    private static let smallQueryLimit = 1024
    /// What a pattern ends in for whatever may follow.
    static let rest = "/**"

    /// The methods, sorted by name.
    let methods: [WebRequest.Method]
    /// The path: `:name` stands for one part, `**` at the end for one or more.
    let pattern: String
    /// Where the answer is made.
    var pace = Pace.long
    /// Where it is answered, whatever is sent, and where a body is made that is written piece by piece, instead of the threads that everything else runs on.
    var threads: Threads?
    /// The longest body that is read; a longer one is answered with 413.
    var bodyLimit = 1 << 20
    /// Whether a request may change something, so that only those may send it who are let.
    var changesState: Bool
    /// Whether it needs nothing of a server that is down in a scenario.
    var outlives = false
    /// What is done to request and answer on their way, outermost first.
    var middleware: [WebMiddleware] = []
    /// Who answers.
    var handler: WebHandler

    private init(_ methods: [WebRequest.Method], _ pattern: String, _ handler: @escaping WebHandler) {
        self.methods = methods.sorted { $0.rawValue < $1.rawValue }
        self.pattern = pattern
        self.handler = handler
        changesState = methods.contains { $0 != .get && $0 != .head && $0 != .options }
    }

    /// A route that only shows something.
    package static func get(_ pattern: String, _ handler: @escaping WebHandler) -> Route {
        Route([.get], pattern, handler)
    }

    /// A route that only shows something, also to those who ask with a form.
    package static func form(_ pattern: String, _ handler: @escaping WebHandler) -> Route {
        var route = Route([.get, .post], pattern, handler)
        route.changesState = false
        return route
    }

    /// A route for some methods.
    package static func on(_ methods: WebRequest.Method..., at pattern: String, _ handler: @escaping WebHandler)
        -> Route
    {
        Route(methods, pattern, handler)
    }

    /// The route, answered on the connection's own thread.
    package func brief() -> Route { with { $0.pace = .brief } }

    /// The route, answered on the connection's own thread unless what is asked is long: for what is said at once, however much is
    /// stored. To have another thread woken takes longer than that.
    func small() -> Route {
        with { $0.pace = .briefIf { $0.rawQuery.utf8.count <= Self.smallQueryLimit && $0.body.isEmpty } }
    }

    /// The route, answered also while the server is down in a scenario.
    func outliving() -> Route { with { $0.outlives = true } }

    /// The route, answered on threads for what takes long, or on the connection's own where it is brief.
    func long(_ threads: Threads, unless isBrief: (@Sendable (WebRequest) -> Bool)? = nil) -> Route {
        with { route in
            route.threads = threads
            if let isBrief { route.pace = .briefIf(isBrief) }
        }
    }

    /// The route, with another limit for bodies.
    package func bodies(upTo limit: Int) -> Route { with { $0.bodyLimit = limit } }

    /// The route with a change.
    func with(_ change: (inout Route) -> Void) -> Route {
        var route = self
        change(&route)
        return route
    }

    /// Whether it is for all paths that begin so.
    var isOpen: Bool { pattern.hasSuffix(Self.rest) }

    /// The pattern without what stands for whatever follows, ending in a slash where that is so.
    var start: String { isOpen ? String(pattern.dropLast(2)) : pattern }

    /// Whether a path has the pattern.
    func matches(_ path: String) -> Bool {
        if isOpen { return path.utf8.count > start.utf8.count && path.utf8.starts(with: start.utf8) }
        guard pattern.utf8.contains(UInt8(ascii: ":")) else { return path == pattern }
        let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false)
        let found = path.split(separator: "/", omittingEmptySubsequences: false)
        return wanted.count == found.count
            && zip(wanted, found).allSatisfy { $0 == $1 || $0.hasPrefix(":") && !$1.isEmpty }
    }
}

/// Answers at the end of a route's middleware: reads the body, has the handler make the answer.
struct RouteResponder: HTTPResponder {
    let route: Route

    func respond(to request: Request, context: WebContext) async throws -> Response {
        var asked = WebRequest(request, context)
        let isRead =
            switch asked.method {
            case .post, .put, .delete: true
            // As Go's forms: the parts of a body count whatever the method.
            case .get: asked.headers["Content-Type"]?.lowercased().hasPrefix("multipart/form-data") ?? false
            case .head, .options, .other: false
            }
        if isRead {
            // Held until the answer is made.
            let share = context.connection.bodies.share()
            asked.share = share
            switch try await body(of: request, context, share) {
            case .bytes(let bytes): asked.body = bytes
            case .noRoom: return try WebResponse.noRoom.hummingbird(context)
            case .tooLarge:
                return try WebResponse.error("http: request body too large", status: 413).hummingbird(context)
            }
        }
        let isPipelined = context.connection.isPipelined
        let isBrief =
            switch route.pace {
            case .brief: true
            case .long: false
            case .briefIf(let isSo): isSo(asked)
            }
        if isBrief && !isPipelined || context.connection.executor == nil {
            return try await route.handler(asked).hummingbird(context)
        }
        let (handler, whole, threads) = (route.handler, asked, route.threads)
        let isLong = threads == nil && (isPipelined || asked.body.count > EvaluationThreads.longText)
        let executor = isLong ? EvaluationThreads.reading : threads?.executor
        let response = try await context.connection.working(on: executor) {
            guard let threads else { return await handler(whole) }
            return await threads.run { await handler(whole) }
        }
        return try response.hummingbird(context, on: threads?.executor)
    }

    private func body(
        of request: Request,
        _ context: WebContext,
        _ share: BodyBudget.Share
    ) async throws -> BodyCollector.Outcome {
        var length: Int?
        for field in request.headers where field.name == .contentLength { length = Int(field.value) }
        if let length, length > route.bodyLimit { return .tooLarge }
        if length == 0 { return .bytes([]) }
        context.connection.sendContinue()
        var collector = BodyCollector(request.body, length: length, limit: route.bodyLimit, share: share)
        if context.connection.executor == nil { return try await collector.rest() }
        if let outcome = try await collector.beginning() { return outcome }
        // To make room for what is longer, and to copy it, takes as long as many short requests.
        return try await withTaskExecutorPreference(EvaluationThreads.reading) { try await collector.rest() }
    }
}

/// Puts a body together from the pieces that come.
private struct BodyCollector {
    enum Outcome {
        case bytes([UInt8])
        case tooLarge
        case noRoom
    }

    private var pieces: RequestBody.AsyncIterator
    private let length: Int?
    private let limit: Int
    private let share: BodyBudget.Share
    private var bytes: [UInt8] = []
    /// The first piece of what is long.
    private var next: ByteBuffer?

    /// A body is short up to that length: it counts for nothing, and is put together where it comes.
    private static let short = BodyBudget.free

    /// - Parameter length: the length that its head tells; `nil` where only the chunks do.
    init(_ body: RequestBody, length: Int?, limit: Int, share: BodyBudget.Share) {
        pieces = body.makeAsyncIterator()
        (self.length, self.limit, self.share) = (length, limit, share)
        // What is promised is not there yet.
        bytes.reserveCapacity(min(length ?? 0, Self.short))
    }

    /// The body, where it is short or cannot be taken; `nil` once it is known to be long.
    mutating func beginning() async throws -> Outcome? {
        while let piece = try await pieces.next(isolation: #isolation) {
            if bytes.count + piece.readableBytes > Self.short {
                next = piece
                return nil
            }
            if let refusal = take(piece) { return refusal }
        }
        return .bytes(bytes)
    }

    /// The body, with what has come of it before.
    mutating func rest() async throws -> Outcome {
        if let next, let refusal = take(next) { return refusal }
        next = nil
        while let piece = try await pieces.next(isolation: #isolation) {
            if let refusal = take(piece) { return refusal }
        }
        return .bytes(bytes)
    }

    private mutating func take(_ piece: ByteBuffer) -> Outcome? {
        let size = bytes.count + piece.readableBytes
        if size > limit { return .tooLarge }
        guard share.grow(to: size) else { return .noRoom }
        if let length, size > bytes.capacity { bytes.reserveCapacity(min(length, size * 2)) }
        bytes.append(contentsOf: piece.readableBytesView)
        return nil
    }
}

extension WebRequest {
    /// A request without its body.
    init(_ request: Request, _ context: WebContext) {
        self.init(
            method: Method(rawValue: request.method.rawValue) ?? .other,
            target: context.target,
            headers: WebHeaders(fields: request.headers, host: request.head.authority),
            from: context.connection.remoteAddress
        )
    }
}
