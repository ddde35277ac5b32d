public import MetricModel

/// What a store is set to for a requirement.
public struct StorageSettings: Sendable {
    /// How long samples are kept, in milliseconds; `nil` for ever.
    public var retention: Int64? = 15 * 86_400_000
    /// How far behind the newest sample out-of-order samples are taken, in milliseconds; 0 for not at all.
    public var outOfOrderWindow: Int64 = 0
    /// The most exemplars kept; 0 for none.
    public var exemplarCapacity = 100_000

    /// The usual.
    public init() {}
}

/// Makes the stores that are to be tested.
public struct StorageFactory: Sendable {
    /// A store of the kind, which keeps samples and small records.
    public typealias Store = any MetricStore & RecordStore
    /// Makes an empty store, runs a body with it, closes and removes it.
    public typealias Run = @Sendable (StorageSettings, (Store) async throws -> Void) async throws -> Void

    /// The kind of store, for messages.
    public var name: String
    let run: Run

    /// A factory.
    /// - Parameters:
    ///   - name: the kind of store, for messages.
    ///   - run: makes an empty store with the settings, runs the body with it, then closes and removes it.
    public init(name: String, run: @escaping Run) {
        self.name = name
        self.run = run
    }
}

/// What a store does otherwise than the contract says.
public struct StorageViolation: Error, CustomStringConvertible {
    /// What is broken.
    public var requirement: StorageRequirement
    /// The kind of store.
    public var store: String
    /// What was found and what would be right, with the place in the requirement that found it.
    public var message: String

    /// All of it in a sentence.
    public var description: String { "\(store): \(requirement.rawValue): \(message)" }
}

/// A comparison that failed, before it is known where.
struct FailedExpectation: Error {
    var message: String
}

/// Fails unless something is so.
func expect(_ isSo: Bool, file: String = #fileID, line: Int = #line) throws(FailedExpectation) {
    if !isSo { throw FailedExpectation(message: "not so (\(file):\(line))") }
}

/// Fails unless a value is the right one.
func expect<Value: Equatable>(
    _ value: Value,
    equals right: Value,
    file: String = #fileID,
    line: Int = #line
) throws(FailedExpectation) {
    if value != right { throw FailedExpectation(message: "found \(value), right is \(right) (\(file):\(line))") }
}
