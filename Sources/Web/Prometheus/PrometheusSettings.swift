public import Exposition
public import MetricModel

/// How a Prometheus server is set up; what its flags say.
public struct PrometheusSettings: Sendable {
    /// Who built what and when, as `/api/v1/status/buildinfo` tells it.
    public struct BuildInfo: Sendable {
        /// The version.
        public var version = "0.1.0"
        /// The revision.
        public var revision = ""
        /// The branch.
        public var branch = "main"
        /// Who built it.
        public var buildUser = ""
        /// When.
        public var buildDate = ""
        /// The compiler.
        public var goVersion = ""
        /// Nothing known but the version.
        public init() {}
    }

    /// The path of the URL by which it is reached from outside, without a slash at the end: empty or `/prometheus`.
    public var externalPath = ""
    /// The host (with port) of that URL.
    public var externalHost = ""
    /// The port that it listens on.
    public var listenPort = "9090"
    /// The scheme of that URL.
    public var externalScheme = "http"
    /// What every route begins with, without a slash at the end; empty for none.
    public var routePrefix = ""
    /// Whether it may be reloaded and ended over HTTP.
    public var isLifecycleEnabled = false
    /// Whether series may be deleted and copied over HTTP.
    public var isAdminEnabled = false
    /// Whether it takes samples by remote write.
    public var isRemoteWriteEnabled = false
    /// What is done with points of OpenTelemetry that count from the one before.
    public enum DeltaHandling: Sendable, Hashable {
        /// They are refused.
        case refused
        /// They are stored as they are.
        case kept
        /// They are added up.
        case addedUp
    }

    /// Whether it takes OpenTelemetry's metrics.
    public var isOTLPEnabled = false
    /// What is done with points of theirs that count from the one before.
    public var otlpDelta = DeltaHandling.refused
    /// Whether type and unit become labels of what comes by OpenTelemetry's protocol.
    public var addsTypeAndUnitLabels = false
    /// Which pages from elsewhere may read the answers of the API.
    public var crossOrigin = CrossOrigin.none
    /// All flags with their values, sorted.
    public var flags: [(name: String, value: String)] = []
    /// What is switched on, as `/api/v1/features` tells it.
    public var features: [(category: String, features: [(name: String, isOn: Bool)])] = []
    /// Who built it.
    public var build = BuildInfo()
    /// How far back a selector looks, in milliseconds.
    public var lookbackDelta: Int64 = 300_000
    /// The folder of the database; empty in memory.
    public var dataFolder = ""
    /// For how long samples are kept, as `/api/v1/status/runtimeinfo` shows it.
    public var retentionText = "15d"
    /// The title of its pages.
    public var pageTitle = "Prometheus Time Series Collection and Processing Server"

    /// The defaults.
    public init() {}
}

/// What a Prometheus server asks of the process around it.
public struct PrometheusEnvironment: Sendable {
    /// How far the process is.
    public enum Phase: Sendable {
        /// Not yet up.
        case starting
        /// Up.
        case ready
        /// On its way down.
        case stopping
    }

    /// What runtimeinfo tells.
    public struct RuntimeInfo: Sendable {
        /// When the process started, in nanoseconds since 1970.
        public var startNanoseconds: Int64 = 0
        /// The working folder.
        public var workingFolder = ""
        /// The machine's name.
        public var hostName = ""
        /// Whether the last reload worked.
        public var isLastReloadGood = true
        /// When the configuration in use was read, in seconds since 1970.
        public var lastReload: Int64 = 0
        /// How many threads there are.
        public var threads = 1
        /// How many processors are used.
        public var processors = 1
        /// Nothing known.
        public init() {}
    }

    /// Something that an operator should know.
    public struct Notification: Sendable, Hashable {
        /// What it is.
        public var text: String
        /// Since when, in nanoseconds since 1970.
        public var nanoseconds: Int64
        /// Whether it is so still.
        public var isActive = true

        /// Something that is so.
        public init(_ text: String, since nanoseconds: Int64) {
            self.text = text
            self.nanoseconds = nanoseconds
        }
    }

    /// How far the process is.
    public var phase: @Sendable () -> Phase
    /// The configuration in use, in Prometheus's normalised form.
    public var configuration: @Sendable () -> String
    /// How OpenTelemetry's metrics become series.
    public var otlp: @Sendable () -> OTLPTranslator.Settings = { .init() }
    /// The store elsewhere that has the samples; `nil` where they are here.
    public var elsewhere: StoreElsewhere?
    /// How the queues of remote write stand.
    public var remoteWrites: @Sendable () async -> [RemoteQueueStatus] = { [] }
    /// Labels that outsiders are told of.
    public var externalLabels: @Sendable () -> [Label]
    /// Figures about the process.
    public var runtime: @Sendable () -> RuntimeInfo
    /// Reads the configuration again; an error's text where that fails.
    public var reload: @Sendable () async -> String?
    /// Ends the process.
    public var quit: @Sendable () -> Void
    /// The server's own metrics.
    public var metrics: @Sendable () async -> [MetricFamily]
    /// Creates a folder and those above it; the reason where that fails.
    public var createFolder: @Sendable (String) -> String?
    /// Why nothing can be stored until the process is started anew; `nil` where it can.
    public var storageProblem: @Sendable () -> String? = { nil }
    /// What an operator should know now.
    public var notifications: @Sendable () -> [Notification]
    /// What happens in the stack; `nil` where nobody tells it.
    public var events: StackEvents?
    /// What the servers of the stack know of each other; `nil` where this one is alone.
    public var survey: StackSurvey?
    /// The rules and who is told of alerts; `nil` for a server without.
    public var rules: RuleSource?
    /// What only a test fixture does; `nil` where this is none.
    public var fixture: FixtureControl?
    /// What a class does to the demo server.
    public var demo: DemoControl?
    /// The stack's time.
    public var clock: ClockControl?
    /// The lessons; `nil` for a server without.
    public var learn: LearnControl?
    /// What the stack is made of and what an operator should know of it; `nil` where there is no stack around the server.
    public var stack: (@Sendable () -> StackStatus)?
    /// What has to be done before targets (a job's, or all) are scraped on demand.
    public var beforeScrape: @Sendable (_ job: String?) async -> Void = { _ in }

    /// An environment.
    public init(
        phase: @escaping @Sendable () -> Phase,
        configuration: @escaping @Sendable () -> String,
        externalLabels: @escaping @Sendable () -> [Label],
        runtime: @escaping @Sendable () -> RuntimeInfo,
        reload: @escaping @Sendable () async -> String?,
        quit: @escaping @Sendable () -> Void,
        metrics: @escaping @Sendable () async -> [MetricFamily],
        createFolder: @escaping @Sendable (String) -> String?,
        notifications: @escaping @Sendable () -> [Notification] = { [] }
    ) {
        self.phase = phase
        self.configuration = configuration
        self.externalLabels = externalLabels
        self.runtime = runtime
        self.reload = reload
        self.quit = quit
        self.metrics = metrics
        self.createFolder = createFolder
        self.notifications = notifications
    }
}
