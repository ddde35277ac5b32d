/// How a store behaves.
public struct StoreOptions: Sendable {
    /// What a commit waits for.
    public enum Durability: String, Sendable, CaseIterable {
        /// Written to the operating system: survives the end of the process, however it ends.
        case process
        /// Written to the device with each commit: survives a power cut too.
        case device
    }

    /// How long samples are kept behind the newest one, in milliseconds; `nil` for ever.
    public var retention: Int64? = 15 * 86_400_000
    /// The most bytes that the store may take on disk; `nil` for no limit. The oldest blocks go first.
    public var retentionSize: Int64?
    /// How far behind the newest sample out-of-order samples are taken, in milliseconds; 0 for not at all.
    public var outOfOrderWindow: Int64 = 0
    /// How far behind the newest sample a new series may start without being out of order, in milliseconds; `nil` for any.
    public var acceptedAge: Int64? = 3_600_000
    /// The most exemplars kept; 0 for none.
    public var exemplarCapacity = 100_000
    /// The most bytes that are kept for followers (remote write) of what they have not dealt with; the oldest goes first.
    public var outboxSize: Int64 = 2 << 30
    /// What a commit waits for.
    public var durability = Durability.process
    /// How many samples the open head may hold before it is closed into a block (at least 16 for each series).
    public var headSamples = 2_000_000
    /// How old the first sample of the open head may get before it is closed into a block, in milliseconds.
    public var headAge: Int64 = 1_800_000
    /// Is called when much memory was freed at once: a head has become a block, blocks have become one.
    public var memoryFreed: @Sendable () -> Void = {}

    /// How long a clock that went ahead has to stand by it before what is older than the retention then is deleted, in nanoseconds.
    package var clockPatience: Int64 = 3_600_000_000_000
    /// The name of SQLite's file system to use, for tests of what happens when it fails; `nil` for the ordinary one.
    package var fileSystem: String?

    /// The usual.
    public init() {}
}
