/// What a class may do to the demo server of a running stack.
public struct DemoControl: Sendable {
    /// What is asked for.
    public enum Command: Sendable, Hashable {
        /// Stop listening: whoever connects is refused.
        case stop
        /// Start with counters at 0 where it is stopped; otherwise be well again.
        case start
        /// Stop and start at once: counters begin at 0 between two scrapes.
        case restart
        /// Answer well, or late, or badly.
        case behave(DemoServer.Mode)
    }

    /// How the demo server is.
    public struct Status: Sendable, Hashable {
        /// How it answers.
        public var mode: DemoServer.Mode
        /// Its base URL.
        public var url: String
        /// Whether it is being stopped or started, when it can be told nothing.
        public var isBusy: Bool
        /// A status.
        public init(mode: DemoServer.Mode, url: String, isBusy: Bool = false) {
            self.mode = mode
            self.url = url
            self.isBusy = isBusy
        }
    }

    /// What is answered while it is being stopped or started.
    package static var busy: APIFailure {
        APIFailure(.unavailable, "the demo server is being stopped or started; ask again")
    }

    /// Whether a class may change anything: where nobody else can reach the stack, or the lifecycle API is on.
    public var isAllowed = false
    /// How it is; `nil` where the stack has no demo server.
    public var status: @Sendable () async -> Status?
    /// Does what is asked for; the reason where that fails.
    public var apply: @Sendable (Command) async -> APIFailure?

    /// Told of what failed after it was answered.
    public var failed: @Sendable (APIFailure) -> Void

    /// A control with these.
    public init(
        isAllowed: Bool,
        status: @escaping @Sendable () async -> Status?,
        apply: @escaping @Sendable (Command) async -> APIFailure?,
        failed: @escaping @Sendable (APIFailure) -> Void
    ) {
        self.isAllowed = isAllowed
        self.status = status
        self.apply = apply
        self.failed = failed
    }
}
