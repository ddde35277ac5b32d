/// Finds out what a request is for, with the redirects and refusals of the original's router: a slash too many or too few and wrong
/// upper or lower case are redirected, other methods are refused with the list of those that would do.
struct PushgatewayRouter: Sendable {
    /// What a request is for.
    enum Route {
        case healthy, ready, metrics, page, quit, quitHint
        /// A push or deletion; what follows `/metrics/` in the path, decoded.
        case group([UInt8])
        /// Deletion by selector: `/metrics` itself.
        case selection
        /// A file of the page.
        case asset(String)
        case apiMetrics, apiStatus, apiOptions, apiWipe, apiGroups, apiPushes
        /// The other servers of the stack.
        case apiStack
        /// One group; what follows `/api/v1/groups/metrics/`, decoded.
        case apiGroup([UInt8])
        /// One push; its number.
        case apiPush(UInt64)
        /// Below `/static`, where the original has the files of its page.
        case missingFile
        /// Not to be answered by a handler.
        case answer(WebResponse)

        /// Whether the path is one of `/api/v1`, or not known at all.
        var isBelowAPI: Bool {
            switch self {
            case .apiMetrics, .apiStatus, .apiOptions, .apiWipe, .apiGroups, .apiPushes, .apiGroup, .apiPush, .apiStack,
                .answer:
                true
            default: false
            }
        }
    }

    /// Where the metrics are, with the prefix.
    let metricsPath: [UInt8]
    /// Before all other paths; empty for none.
    let prefix: [UInt8]
    let enablesAdmin: Bool
    let allowsDeletionBySelector: Bool

    private static let methods: [WebRequest.Method] = [.delete, .get, .post, .put]
    private let pages: [[UInt8]]
    private let healthy: [UInt8]
    private let ready: [UInt8]
    private let job: [UInt8]
    private let job64: [UInt8]
    private let assets: [UInt8]
    private let files: [UInt8]
    private let api: [UInt8]
    private let quit: [UInt8]

    init(prefix: String, metricsPath: String, enablesAdmin: Bool, allowsDeletionBySelector: Bool) {
        func path(_ rest: String) -> [UInt8] { Array((prefix + rest).utf8) }
        self.prefix = Array(prefix.utf8)
        let cleaned = GoPath.cleaned(path("/" + metricsPath))
        self.metricsPath = cleaned.count > 1 && cleaned.last == UInt8(ascii: "/") ? cleaned.dropLast() : cleaned
        self.enablesAdmin = enablesAdmin
        self.allowsDeletionBySelector = allowsDeletionBySelector
        pages = [path("/"), path("/status")]
        healthy = path("/-/healthy")
        ready = path("/-/ready")
        quit = path("/-/quit")
        job = path("/metrics/job/")
        job64 = path("/metrics/job@base64/")
        assets = path("/assets/")
        files = path("/static/")
        api = path("/api/v1/")
    }

    func route(_ method: WebRequest.Method, rawPath: String, querySuffix: String) -> Route {
        // The original has two routers: one of them loses a question mark that stands alone.
        let query = querySuffix == "?" ? "" : querySuffix
        if method == .options, rawPath == "*" { return .answer(WebResponse()) }
        guard let path = GoPath.decoded(rawPath) else { return .answer(.text("400 Bad Request", status: 400)) }
        guard GoPath.isClean(path) else { return redirect(method, GoPath.cleaned(path), query, status: 301) }
        if path.starts(with: api) { return apiRoute(method, path, querySuffix) }
        if path.count == api.count - 1, api.starts(with: path) { return redirect(method, api, query, status: 301) }
        if let found = find(method, path) { return found }
        if let better = corrected(method, path) {
            return redirect(method, better, querySuffix, status: method == .get ? 301 : 307)
        }
        return refuse(method) { find($0, path) != nil }
    }

    private func redirect(_ method: WebRequest.Method, _ path: [UInt8], _ query: String, status: Int) -> Route {
        let location = GoPath.escaped(path) + query
        return .answer(.redirect(to: location, status: status, for: method))
    }

    private func refuse(_ method: WebRequest.Method, _ isThere: (WebRequest.Method) -> Bool) -> Route {
        let allowed = Self.methods.filter { $0 != method && isThere($0) }.map(\.rawValue)
        guard !allowed.isEmpty else { return .answer(.notFound) }
        let list = (allowed + ["OPTIONS"]).sorted().joined(separator: ", ")
        if method == .options { return .answer(WebResponse(headers: [("Allow", list)])) }
        return .answer(.methodNotAllowed(list))
    }

    /// The handler that the path has for a method.
    private func find(_ method: WebRequest.Method, _ path: [UInt8]) -> Route? {
        switch method {
        case .put, .post, .delete:
            if path.starts(with: job), path.count > job.count { return groupRoute(path) }
            if path.starts(with: job64), path.count > job64.count { return groupRoute(path) }
            if method == .delete, allowsDeletionBySelector, path == metricsPath { return .selection }
            if method != .delete, path == quit { return .quit }
            return nil
        case .get: return findPage(path)
        default: return nil
        }
    }

    /// The job must not be empty, but what follows it may be.
    private func groupRoute(_ path: [UInt8]) -> Route? {
        let start = prefix.count + "/metrics/".utf8.count
        guard let first = path[start...].firstIndex(of: UInt8(ascii: "/")), path.count > first + 1 else { return nil }
        return .group(Array(path[start...]))
    }

    private func findPage(_ path: [UInt8]) -> Route? {
        if path == metricsPath { return .metrics }
        if path == ready { return .ready }
        if path == healthy { return .healthy }
        if pages.contains(path) { return .page }
        if path.elementsEqual("/-/quit".utf8) { return .quitHint }
        if path.starts(with: assets) { return .asset(String(decoding: path[assets.count...], as: UTF8.self)) }
        if path.starts(with: files) { return .missingFile }
        return nil
    }

    /// The path that the client may have meant; `nil` where there is none.
    private func corrected(_ method: WebRequest.Method, _ path: [UInt8]) -> [UInt8]? {
        guard path != [UInt8(ascii: "/")] else { return nil }
        switch method {
        case .get:
            let known = [metricsPath, ready, healthy] + pages + [Array("/-/quit".utf8)]
            return correctedPath(path, exact: known, open: [assets, files])
        case .put, .post, .delete:
            if path == job { return Array(job.dropLast()) }
            return correctedPath(path, exact: method == .delete ? [] : [quit], open: [job, job64])
        default: return nil
        }
    }

    private func correctedPath(_ path: [UInt8], exact: [[UInt8]], open: [[UInt8]]) -> [UInt8]? {
        let slash = UInt8(ascii: "/")
        let trimmed = path.last == slash ? Array(path.dropLast()) : path
        for known in exact where GoPath.equalIgnoringCase(trimmed, known.last == slash ? known.dropLast() : known[...])
        {
            return known
        }
        for start in open {
            if path.count > start.count, GoPath.equalIgnoringCase(path.prefix(start.count), start) {
                return start + path.dropFirst(start.count)
            }
            if start == files || start == assets, GoPath.equalIgnoringCase(trimmed, start.dropLast()) { return start }
        }
        return nil
    }

    // MARK: - API

    private func apiRoute(_ method: WebRequest.Method, _ path: [UInt8], _ query: String) -> Route {
        let rest = String(decoding: path[(api.count - 1)...], as: UTF8.self)
        if method == .options { return .apiOptions }
        if let found = findAPI(method, rest) { return found }
        if method == .get || (method == .put && enablesAdmin) {
            let known = method == .get ? ["/status", "/metrics", "/groups", "/pushes"] : ["/admin/wipe"]
            let trimmed = rest.hasSuffix("/") ? String(rest.dropLast()) : rest
            if let meant = known.first(where: { GoPath.equalIgnoringCase($0.utf8, trimmed.utf8) }), rest != meant {
                // The original's router does not know of what stands before its own paths.
                return redirect(method, Array(meant.utf8), query, status: method == .get ? 301 : 307)
            }
        }
        return refuse(method) { findAPI($0, rest) != nil }
    }

    private func findAPI(_ method: WebRequest.Method, _ rest: String) -> Route? {
        switch (method, rest) {
        case (.get, "/metrics"): .apiMetrics
        case (.get, "/status"): .apiStatus
        case (.get, "/groups"): .apiGroups
        case (.get, "/pushes"): .apiPushes
        case (.get, "/stack"): .apiStack
        case (.put, "/admin/wipe") where enablesAdmin: .apiWipe
        case (.get, _) where rest.hasPrefix("/groups/metrics/"):
            .apiGroup(Array(rest.utf8.dropFirst("/groups/metrics/".utf8.count)))
        case (.get, _) where rest.hasPrefix("/pushes/"): UInt64(rest.dropFirst("/pushes/".count)).map { .apiPush($0) }
        default: nil
        }
    }
}
