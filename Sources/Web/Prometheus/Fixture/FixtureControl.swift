public import Scrape

/// What tests may do to a running stack, where it is a test fixture.
public struct FixtureControl: Sendable {
    /// The faults.
    public var faults: FaultBoard
    /// Makes the targets of a job those of a request's body, or adds them; the reason where that fails. Returns, where it
    /// waits, when new targets were scraped.
    public var setTargets: @Sendable (_ job: String, _ body: [UInt8], _ adds: Bool, _ waits: Bool) async -> APIFailure?
    /// Ends a job, or one of its targets; the reason where that fails.
    public var removeTargets: @Sendable (_ job: String, _ target: String) async -> APIFailure?
    /// Reads a fault from a request's body.
    public var readFault: @Sendable (_ body: [UInt8]) -> Result<Fault, APIFailure>

    /// A control with these.
    public init(
        faults: FaultBoard,
        setTargets:
            @escaping @Sendable (_ job: String, _ body: [UInt8], _ adds: Bool, _ waits: Bool) async -> APIFailure?,
        removeTargets: @escaping @Sendable (_ job: String, _ target: String) async -> APIFailure?,
        readFault: @escaping @Sendable (_ body: [UInt8]) -> Result<Fault, APIFailure>
    ) {
        self.faults = faults
        self.setTargets = setTargets
        self.removeTargets = removeTargets
        self.readFault = readFault
    }
}
