import MetricModel
import Pushgateway
import Synchronization

/// The groups that paths of pushes name. Whoever pushes does so to the same path again and again, and to read one takes longer than
/// to take the push.
final class KnownPaths: Sendable {
    /// So many are remembered; then all are forgotten.
    private static let mostPaths = 1024
    /// Longer ones are not remembered, in bytes.
    private static let longestPathLimit = 256

    /// The groups by path as it was sent.
    private let known = Mutex<[ExactText: GroupingKey]>([:])

    /// The group of a path; read where it is not known.
    func key(
        _ path: String,
        _ read: () throws(GroupingKeyError) -> GroupingKey
    ) throws(GroupingKeyError) -> GroupingKey {
        guard path.utf8.count <= Self.longestPathLimit else { return try read() }
        let path = ExactText(path)
        if let key = known.withLock({ $0[path] }) { return key }
        let key = try read()
        known.withLock { known in
            if known.count >= Self.mostPaths { known = [:] }
            known[path] = key
        }
        return key
    }
}
