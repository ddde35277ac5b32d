import Exposition
public import MetricModel
package import Pushgateway
package import Scrape

/// Something that has just happened in the stack, as people are shown it.
public struct StackEvent: Sendable {
    /// What happened.
    public enum Kind: Sendable {
        /// A request changed a group of the Pushgateway, or was to change it.
        case push(Push)
        /// A target was scraped, or could not be.
        case scrape(Scrape)
        /// A group of rules was evaluated.
        case evaluation(Evaluation)
        /// An alert became pending, began to fire or is over.
        case alert(AlertState)
        /// The configuration was read again, or could not be.
        ///
        /// The error has the place; it is empty where there is none.
        case reload(file: String, error: String)
        /// Somebody changed what the demo server does: its new state.
        case demo(String)
    }

    /// A push or a deletion.
    public struct Push: Sendable {
        /// `PUT`, `POST` or `DELETE`.
        public var method: String
        /// The group's labels, the job first; empty where the path names no group.
        public var group: [Label] { labels.filter { $0.name == "job" } + labels.filter { $0.name != "job" } }
        /// The same, by name: they are put in order where somebody looks.
        private var labels: [Label]
        /// The status of the answer.
        public var status: Int
        /// What was wrong; empty where nothing was.
        public var error: String
        /// The number by which the Pushgateway remembers it; 0 where it does not.
        public var number: UInt64
        /// Whether the group held something before, so that a push replaced or added and a deletion deleted.
        public var wasThere: Bool

        /// What is told of a remembered push.
        package init(_ record: PushRecord, number: UInt64, wasThere: Bool = false) {
            method = record.method
            labels = record.group?.labels ?? []
            status = record.status
            error = record.error ?? ""
            self.number = number
            self.wasThere = wasThere
        }
    }

    /// A scrape.
    public struct Scrape: Sendable {
        /// The job's name.
        public var pool: String
        /// The target's URL.
        public var url: String
        /// The target's labels.
        public var labels: Labels
        /// When it began, in milliseconds since 1970.
        public var began: Timestamp
        /// How long it took, in nanoseconds.
        public var duration: Int64
        /// How many samples it brought.
        public var samples: Int
        /// Why it failed; empty where it did not.
        public var error: String

        /// What is told of a target's last scrape.
        package init(_ target: ScrapeTarget, job: String, _ report: TargetReport) {
            pool = job
            url = RecordedTraffic.url(target.url)
            labels = target.publicLabels
            began = report.lastScrape ?? 0
            duration = report.lastDuration
            samples = report.samplesScraped
            error = report.lastError
        }
    }

    /// An evaluation of a group of rules.
    public struct Evaluation: Sendable {
        /// The file.
        public var file: String
        /// The group.
        public var group: String
        /// How long it took, in nanoseconds.
        public var duration: Int64
        /// Why a rule failed; empty where none did.
        public var error: String
    }

    /// An alert that became another state.
    public struct AlertState: Sendable {
        /// The group of its rule.
        public var group: String
        /// Its labels.
        public var labels: Labels
        /// `pending`, `firing` or `inactive`.
        public var state: String
    }

    /// Its number, from 1; the numbers have no gaps.
    public var number: UInt64
    /// When it was told, in nanoseconds since 1970.
    public var time: Int64
    /// What happened.
    public var kind: Kind
}

extension StackEvent {
    /// The name of its kind, by which listeners choose.
    package var kindName: String {
        switch kind {
        case .push: "push"
        case .scrape: "scrape"
        case .evaluation: "evaluation"
        case .alert: "alert"
        case .reload: "reload"
        case .demo: "demo"
        }
    }

    /// The names of all kinds.
    static let kindNames = ["push", "scrape", "evaluation", "alert", "reload", "demo"]

    /// As listeners are told it.
    func json(id: String) -> JSONObject {
        var object: JSONObject = ["id": id, "kind": kindName, "time": JSONTime(time / 1_000_000)]
        switch kind {
        case .push(let push):
            object += [
                "method": push.method,
                "group": JSONObject(push.group.map { ($0.name, $0.value) }),
                "status": push.status,
                "error": push.error,
                "number": push.number,
                "wasThere": push.wasThere,
            ]
        case .scrape(let scrape):
            object += [
                "scrapePool": scrape.pool,
                "scrapeUrl": scrape.url,
                "labels": scrape.labels,
                "began": JSONTime(scrape.began),
                "duration": Double(scrape.duration) / 1e9,
                "samples": scrape.samples,
                "error": scrape.error,
            ]
        case .evaluation(let evaluation):
            object += [
                "file": evaluation.file,
                "group": evaluation.group,
                "duration": Double(evaluation.duration) / 1e9,
                "error": evaluation.error,
            ]
        case .alert(let alert): object += ["group": alert.group, "labels": alert.labels, "state": alert.state]
        case .reload(let file, let error): object += ["file": file, "error": error]
        case .demo(let state): object += ["state": state]
        }
        return object
    }
}
