import Synchronization
import Testing

/// Collects what differs, and tells it once.
final class Report: Sendable {
    private struct Contents {
        var identical = 0
        var differences: [String] = []
    }

    /// What is told at the most.
    private static let limit = 20
    private let name: String
    /// What was found so far.
    private let contents = Mutex(Contents())

    init(of name: String) { self.name = name }

    /// Notes that an answer is (or is not) the recorded one to the byte.
    func isIdentical(_ isIdentical: Bool) {
        contents.withLock { $0.identical += isIdentical ? 1 : 0 }
    }

    /// Notes what differs in the answer to a request.
    func add(_ request: String, _ differences: [String]) {
        contents.withLock { contents in
            contents.differences.append("\(request)\n  recorded / here: " + differences.joined(separator: "\n  "))
        }
    }

    /// Fails for what was found.
    func finish(count: Int) {
        let contents = contents.withLock { $0 }
        for difference in contents.differences.sorted().prefix(Self.limit) {
            Issue.record("\(name): \(difference)")
        }
        #expect(contents.differences.isEmpty, "\(contents.differences.count) of \(count) answers differ")
        print("\(name): \(count) answers, \(contents.identical) the same to the byte")
    }
}
