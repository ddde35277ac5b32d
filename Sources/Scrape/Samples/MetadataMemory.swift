import MetricModel
import Synchronization

/// What a target's expositions said about its metric families. Read by others while a scrape goes on.
final class MetadataMemory: Sendable {
    private struct Family {
        var metadata = MetricMetadata()
        var lastIteration: UInt32 = 0
    }

    private struct State {
        var index: [ExactText: Int] = [:]
        var names: [String] = []
        var families: [Family] = []
        var changed: Set<Int> = []
    }

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
                number = state.families.count
                state.index[ExactText(name)] = number
                state.names.append(name)
                state.families.append(Family())
                state.changed.insert(number)
            }
            let before = state.families[number].metadata
            change(&state.families[number].metadata)
            state.families[number].lastIteration = iteration
            if state.families[number].metadata != before { state.changed.insert(number) }
            return UInt32(number)
        }
    }

    /// Notes that families were seen, by their numbers.
    func touch(_ numbers: some Sequence<UInt32>, iteration: UInt32) {
        state.withLock { state in
            for number in numbers where Int(number) < state.families.count {
                state.families[Int(number)].lastIteration = iteration
            }
        }
    }

    /// Forgets families that were not seen for more than ten scrapes. Their numbers stay reserved.
    func expire(iteration: UInt32) {
        state.withLock { state in
            for (name, number) in state.index
            where iteration &- state.families[number].lastIteration > 10 {
                state.index[name] = nil
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
