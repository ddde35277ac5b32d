import MetricModel
import Synchronization

/// What a target's expositions said about its metric families. Read by others while a scrape goes on.
final class MetadataMemory: Sendable {
    private struct Family {
        var metadata = MetricMetadata()
        var lastIteration: UInt32 = 0
        /// Whether it was in the last complete scrape that was not as the one before; then it is in those since, too.
        var isCurrent = false
    }

    private struct State {
        var index: [ExactText: Int] = [:]
        var names: [String] = []
        var families: [Family] = []
        var changed: Set<Int> = []
        /// Numbers of forgotten families, for new ones.
        var free: [Int] = []
        /// How many families are not current.
        var strays = 0
    }

    /// For how many scrapes a family is kept that is not exposed any more.
    static let patience: UInt32 = 10

    /// The families by name.
    private let state = Mutex(State())

    /// Notes one line of metadata and answers the family's number.
    func note(
        _ name: String,
        iteration: UInt32,
        _ change: (inout MetricMetadata) -> Void
    ) -> UInt32 {
        state.withLock { state in
            let number: Int
            if let known = state.index[ExactText(name)] {
                number = known
            } else {
                number = state.free.popLast() ?? state.families.count
                if number == state.families.count {
                    state.names.append(name)
                    state.families.append(Family())
                } else {
                    state.names[number] = name
                    state.families[number] = Family()
                }
                state.index[ExactText(name)] = number
                state.changed.insert(number)
                state.strays += 1
            }
            let before = state.families[number].metadata
            change(&state.families[number].metadata)
            state.families[number].lastIteration = iteration
            if state.families[number].metadata != before { state.changed.insert(number) }
            return UInt32(number)
        }
    }

    /// Notes that these families, by their numbers, are those of a complete scrape. Until the next call they count as seen in
    /// every scrape.
    func touch(_ numbers: some Sequence<UInt32>, iteration: UInt32) {
        state.withLock { state in
            for number in state.families.indices { state.families[number].isCurrent = false }
            var current = 0
            for number in numbers where Int(number) < state.families.count {
                state.families[Int(number)].lastIteration = iteration
                if !state.families[Int(number)].isCurrent { current += 1 }
                state.families[Int(number)].isCurrent = true
            }
            state.strays = state.index.count - current
        }
    }

    /// Forgets families that were not seen for more than ten scrapes, as Prometheus does. Costs nothing where all are seen.
    func expire(iteration: UInt32) {
        state.withLock { state in
            if state.strays == 0 { return }
            for (name, number) in state.index
            where !state.families[number].isCurrent
                && iteration &- state.families[number].lastIteration > Self.patience
            {
                state.index[name] = nil
                state.changed.remove(number)
                state.free.append(number)
                state.strays -= 1
            }
        }
    }

    /// What changed since the last call.
    func takeChanges() -> [(family: String, metadata: MetricMetadata)] {
        state.withLock { state in
            defer { state.changed.removeAll() }
            return state.changed.map { (state.names[$0], state.families[$0].metadata) }
        }
    }

    /// Marks changes as not told after all: they could not be stored.
    func giveBack(_ families: [String]) {
        state.withLock { state in
            for name in families { if let number = state.index[ExactText(name)] { state.changed.insert(number) } }
        }
    }

    /// All families.
    var all: [(family: String, metadata: MetricMetadata)] {
        state.withLock { state in
            state.index.map { ($0.key.text, state.families[$0.value].metadata) }
        }
    }

    /// How many families there are, and how many bytes what is known about them takes, as Prometheus counts.
    var size: (entries: Int, bytes: Int) {
        state.withLock { state in
            let bytes = state.index.values.reduce(0) { sum, number in
                let metadata = state.families[number].metadata
                return sum + metadata.help.utf8.count + metadata.unit.utf8.count + metadata.type.rawValue.utf8.count
            }
            return (state.index.count, bytes)
        }
    }

    /// One family.
    subscript(name: String) -> MetricMetadata? {
        state.withLock { state in state.index[ExactText(name)].map { state.families[$0].metadata } }
    }
}
