import Synchronization

/// A fault with what it has to remember, also while another one covers it.
package final class RunningFault: Sendable {
    private struct Memory {
        /// How often each URL was asked for since.
        var counts: [String: Int] = [:]
        var reset = CounterReset()
    }

    /// What goes wrong.
    package let fault: Fault
    /// What has come of it so far.
    private let memory = Mutex(Memory())

    /// A fault that begins.
    package init(_ fault: Fault) { self.fault = fault }

    /// What comes of one request.
    func take(_ url: String) -> Fault.Kind? {
        let count = memory.withLock { memory in
            defer { memory.counts[url, default: 0] += 1 }
            return memory.counts[url] ?? 0
        }
        if let times = fault.times, count >= times { return nil }
        guard case .flapping(let good, let bad) = fault.kind else { return fault.kind }
        return count % (good + bad) < good ? nil : .refused
    }

    /// Whether nothing goes wrong any more at any URL that was asked for, as that was so often already.
    package var isUsedUp: Bool {
        guard let times = fault.times else { return false }
        return memory.withLock { memory in
            !memory.counts.isEmpty && memory.counts.values.allSatisfy { $0 >= times }
        }
    }

    /// A body whose counters begin anew.
    func reset(_ body: [UInt8], of url: String) -> [UInt8] { memory.withLock { $0.reset.apply(body, of: url) } }
}
