public import MetricModel

/// Which origins may call a server from a page, as Prometheus's `--web.cors.origin`.
public struct CrossOrigin: Sendable {
    private let pattern: RegularExpression?

    /// Every origin.
    public static let any = CrossOrigin(pattern: nil)

    private init(pattern: RegularExpression?) { self.pattern = pattern }

    /// The origins that the pattern matches as a whole.
    /// - Throws: ``RegularExpressionError`` where it is not a pattern.
    public init(matching pattern: String) throws(RegularExpressionError) {
        self.pattern = pattern == ".*" ? nil : try RegularExpression(pattern, anchored: true)
    }

    /// Adds the headers to an answer.
    func apply(to response: inout WebResponse, for request: WebRequest) {
        response.headers.append(("Vary", "Origin"))
        guard let origin = request.headers["Origin"], !origin.isEmpty else { return }
        response.headers.append(("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin"))
        response.headers.append(("Access-Control-Allow-Methods", "GET, POST, OPTIONS"))
        response.headers.append(("Access-Control-Expose-Headers", "Date"))
        if pattern?.matches(origin) ?? true { response.headers.append(("Access-Control-Allow-Origin", origin)) }
    }
}
