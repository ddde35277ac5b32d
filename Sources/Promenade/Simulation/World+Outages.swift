package import MetricModel
package import Simulation

/// What studies want to know of a world.
extension World {
    /// A time in which something was wrong.
    package struct Outage: Sendable, Hashable {
        /// What it is counted as.
        package var kind: StudySpec.Outage
        /// The instance; empty for no particular one.
        package var instance: String
        package var from: Int64
        /// `nil` while it lasts.
        package var to: Int64?
    }

    /// An alert that began to fire.
    package struct Firing: Sendable, Hashable {
        package var time: Int64
        package var labels: Labels
    }

    /// Outages, of which only those are noted that a study asks about.
    struct OutageBook {
        let asked: Set<StudySpec.Outage>
        private(set) var all: [Outage] = []
        /// Places of those that last, and the event that each of them lasts as long as.
        private var open: [(index: Int, event: Int?)] = []

        init(_ studies: [StudySpec]) { asked = Set(studies.flatMap(\.outages)) }

        mutating func begin(_ kind: StudySpec.Outage, _ instance: String, _ event: Int?, at time: Int64) {
            guard asked.contains(kind) else { return }
            let isKnown = open.contains { all[$0.index].kind == kind && all[$0.index].instance == instance }
            if isKnown, event == nil { return }
            open.append((all.count, event))
            all.append(Outage(kind: kind, instance: instance, from: time))
        }

        mutating func finish(at time: Int64, where isOver: (Outage, Int?) -> Bool) {
            open.removeAll { index, event in
                guard isOver(all[index], event) else { return false }
                all[index].to = time
                return true
            }
        }
    }

    /// Something goes wrong.
    /// - Parameter event: the event as long as which it lasts; `nil` where somebody says when it is over.
    func begin(_ kind: StudySpec.Outage, _ instance: String, by event: Int? = nil) {
        book.begin(kind, instance, event, at: now)
    }

    /// It is over.
    func finish(_ kind: StudySpec.Outage, _ instance: String = "") {
        if book.asked.isEmpty { return }
        book.finish(at: now) { outage, event in event == nil && outage.kind == kind && outage.instance == instance }
    }

    /// Events that hold nothing any more are over.
    func finishEvents() {
        if book.asked.isEmpty { return }
        book.finish(at: now) { _, event in event.map { !holds.holds($0) } ?? false }
    }
}
