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
        /// Places of those that last until somebody says that they are over.
        private var open: [Kind: Int] = [:]
        /// Places of those that last as long as an event.
        private var events: [Int: [Int]] = [:]

        private struct Kind: Hashable {
            var kind: StudySpec.Outage
            var instance: String
        }

        init(_ studies: [StudySpec]) { asked = Set(studies.flatMap(\.outages)) }

        mutating func begin(_ kind: StudySpec.Outage, _ instance: String, _ event: Int?, at time: Int64) {
            guard asked.contains(kind) else { return }
            if let event {
                events[event, default: []].append(all.count)
            } else {
                let place = Kind(kind: kind, instance: instance)
                if open[place] != nil { return }
                open[place] = all.count
            }
            all.append(Outage(kind: kind, instance: instance, from: time))
        }

        mutating func finish(_ kind: StudySpec.Outage, _ instance: String, at time: Int64) {
            guard let index = open.removeValue(forKey: Kind(kind: kind, instance: instance)) else { return }
            all[index].to = time
        }

        mutating func finishEvents(at time: Int64, where isOver: (Int) -> Bool) {
            for event in events.keys where isOver(event) {
                for index in events.removeValue(forKey: event) ?? [] { all[index].to = time }
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
        book.finish(kind, instance, at: now)
    }

    /// Events that hold nothing any more are over.
    func finishEvents() {
        book.finishEvents(at: now) { !holds.holds($0) }
    }
}
