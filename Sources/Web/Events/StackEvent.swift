public import MetricModel

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
        case reload(Reload)
        /// Somebody changed what the demo server does: its new state.
        case demo(String)
    }

    /// A push or a deletion.
    public struct Push: Sendable {
        /// `PUT`, `POST` or `DELETE`.
        public var method: String
        /// The group's labels, the job first; empty where the path names no group.
        public var group: [Label]
        /// The status of the answer.
        public var status: Int
        /// What was wrong; empty where nothing was.
        public var error: String
        /// The number by which the Pushgateway remembers it; 0 where it does not.
        public var number: UInt64
        /// Whether the group held something before, so that a push replaced or added and a deletion deleted.
        public var wasThere: Bool

        /// A push.
        public init(
            method: String,
            group: [Label],
            status: Int,
            error: String = "",
            number: UInt64 = 0,
            wasThere: Bool = false
        ) {
            self.method = method
            self.group = group
            self.status = status
            self.error = error
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

        /// A scrape.
        public init(
            pool: String,
            url: String,
            labels: Labels,
            began: Timestamp,
            duration: Int64,
            samples: Int,
            error: String
        ) {
            self.pool = pool
            self.url = url
            self.labels = labels
            self.began = began
            self.duration = duration
            self.samples = samples
            self.error = error
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

        /// An evaluation.
        public init(file: String, group: String, duration: Int64, error: String) {
            self.file = file
            self.group = group
            self.duration = duration
            self.error = error
        }
    }

    /// An alert that became another state.
    public struct AlertState: Sendable {
        /// The group of its rule.
        public var group: String
        /// Its labels.
        public var labels: Labels
        /// `pending`, `firing` or `inactive`.
        public var state: String

        /// An alert.
        public init(group: String, labels: Labels, state: String) {
            self.group = group
            self.labels = labels
            self.state = state
        }
    }

    /// A reload of the configuration.
    public struct Reload: Sendable {
        /// The file.
        public var file: String
        /// Why it failed, with the place; empty where it did not.
        public var error: String

        /// A reload.
        public init(file: String, error: String) {
            self.file = file
            self.error = error
        }
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

    /// Writes it as an object.
    func write(id: String, to text: inout JSONText) {
        text.raw("{")
        text.field("id", isFirst: true)
        text.string(id)
        text.field("kind")
        text.string(kindName)
        text.field("time")
        text.timestamp(time / 1_000_000)
        switch kind {
        case .push(let push): Self.write(push, to: &text)
        case .scrape(let scrape): Self.write(scrape, to: &text)
        case .evaluation(let evaluation):
            text.field("file")
            text.string(evaluation.file)
            text.field("group")
            text.string(evaluation.group)
            text.field("duration")
            text.number(Double(evaluation.duration) / 1e9)
            text.field("error")
            text.string(evaluation.error)
        case .alert(let alert):
            text.field("group")
            text.string(alert.group)
            text.field("labels")
            text.labels(alert.labels)
            text.field("state")
            text.string(alert.state)
        case .reload(let reload):
            text.field("file")
            text.string(reload.file)
            text.field("error")
            text.string(reload.error)
        case .demo(let state):
            text.field("state")
            text.string(state)
        }
        text.raw("}")
    }

    private static func write(_ push: Push, to text: inout JSONText) {
        text.field("method")
        text.string(push.method)
        text.field("group")
        text.raw("{")
        for (index, label) in push.group.enumerated() {
            if index > 0 { text.raw(",") }
            text.string(label.name)
            text.raw(":")
            text.string(label.value)
        }
        text.raw("}")
        text.field("status")
        text.integer(push.status)
        text.field("error")
        text.string(push.error)
        text.field("number")
        text.integer(push.number)
        text.field("wasThere")
        text.bool(push.wasThere)
    }

    private static func write(_ scrape: Scrape, to text: inout JSONText) {
        text.field("scrapePool")
        text.string(scrape.pool)
        text.field("scrapeUrl")
        text.string(scrape.url)
        text.field("labels")
        text.labels(scrape.labels)
        text.field("began")
        text.timestamp(scrape.began)
        text.field("duration")
        text.number(Double(scrape.duration) / 1e9)
        text.field("samples")
        text.integer(scrape.samples)
        text.field("error")
        text.string(scrape.error)
    }
}
