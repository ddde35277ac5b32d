public import Logging
public import Scrape

/// How the Pushgateway's server is set up, besides what concerns its groups.
public struct PushgatewaySettings: Sendable {
    /// Where it exposes its metrics.
    public var telemetryPath = "/metrics"
    /// Before all its paths: empty, or starting but not ending with a slash.
    public var routePrefix = ""
    /// Whether `/-/quit` ends the program.
    public var enablesLifecycle = false
    /// Whether everything can be deleted at once.
    public var enablesAdminAPI = false
    /// The flags that the status shows, by name.
    public var flags: [String: String] = [:]
    /// What the status shows about the program: version, revision and so on.
    public var buildInformation: [String: String] = [:]
    /// The longest body of a push in bytes.
    public var bodyLimit = 64 << 20
    /// How long a body may become when it is decompressed.
    public var decompressedLimit = 256 << 20

    /// Why nothing can be stored until the process is started anew; `nil` where it can.
    public var storageProblem: @Sendable () -> String? = { nil }
    /// Where pushes are told; `nil` where nobody listens.
    public var events: StackEvents?
    /// Where refused changes are told; `nil` where nobody reads.
    public var logger: Logger?
    /// What the servers of the stack know of each other; `nil` where this one is alone.
    public var survey: StackSurvey?
    /// Which pages from elsewhere may read the answers of the API.
    public var crossOrigin = CrossOrigin.none

    /// What goes wrong with pushes on purpose; `nil` where this is no test fixture.
    public var faults: FaultBoard?

    /// The original's behaviour.
    public init() {}

    /// The prefix of the routes as the flags `--web.route-prefix` and `--web.external-url` give it.
    public static func routePrefix(_ prefix: String, externalPath: String) -> String {
        var result = prefix.isEmpty ? externalPath : prefix
        if result.isEmpty || result == "/" { return "" }
        if !result.hasPrefix("/") { result = "/" + result }
        if result.hasSuffix("/") { result.removeLast() }
        return result
    }
}
