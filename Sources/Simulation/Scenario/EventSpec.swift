public import ConfigTree
public import MetricModel

/// Something that happens in a scenario.
public struct EventSpec: Sendable {
    /// Which instances of a service.
    public enum Which: Sendable, Hashable {
        /// All.
        case all
        /// One, by its number from 1.
        case number(Int)
        /// One by chance.
        case any
    }

    /// A part of the stack.
    public enum Part: String, Sendable, CaseIterable {
        /// The Prometheus server.
        case prometheus
        /// The Pushgateway.
        case pushgateway
    }

    /// Whom a fault is about.
    public enum FaultPlace: Sendable, Hashable {
        /// Scrapes of instances of a service.
        case service(String, Which)
        /// Scrapes of a target, by its address.
        case target(String)
        /// Pushes.
        case pushes
        /// What is sent to a remote storage.
        case remoteWrite
    }

    /// What happens.
    public enum Action: Sendable {
        /// Instances are gone from one moment to the next.
        case kill(service: String, which: Which)
        /// Instances begin (again), their counters at 0.
        case start(service: String, which: Which)
        /// Instances end and begin again at once.
        case restart(service: String, which: Which)
        /// There are so many instances.
        case scale(service: String, to: Int)
        /// A new version is rolled out: all instances begin again, with these labels on all their metrics.
        case deploy(service: String, labels: [Label])
        /// A metric changes: rate, value, median and 99th percentile as far as they are given.
        case set(service: String, metric: String, change: MetricChange)
        /// The clock of instances is ahead by so many milliseconds.
        case skew(service: String, which: Which, milliseconds: Int64)
        /// Something goes wrong; `nil` makes it well again.
        case fault(FaultPlace, FaultSpec?)
        /// A part of the stack ends and begins again after a while, with or without its data.
        case restartPart(Part, down: Int64, keepsData: Bool)
        /// A part of the stack is gone from one moment to the next: what its files hold is all.
        case killPart(Part)
        /// A part of the stack begins again.
        case startPart(Part)
        /// A group of the Pushgateway is deleted; all groups of the job without further labels.
        case deleteGroup(job: String, grouping: [Label]?)
        /// All groups are deleted.
        case wipe
        /// Somebody pushes a body.
        case push(job: String, grouping: [Label], body: String, adds: Bool, isRefused: Bool)
        /// A batch runs.
        case run(batch: String)
        /// A batch does not run any more, until it is resumed.
        case pause(batch: String)
        /// A batch runs again.
        case resume(batch: String)
        /// The stack gets another configuration.
        case reload(stack: ConfigNode, file: String, path: String)
    }

    /// The earliest and the latest moment: between them by chance.
    public var at: ClosedRange<Int64>
    /// How long it lasts before it is undone; `nil` for ever.
    public var lasting: ClosedRange<Int64>?
    /// How often it happens again.
    public var every: Int64?
    /// What happens.
    public var action: Action
    /// The word in the file.
    public var word: Word
    /// Where it stands in the file.
    public var place = FieldPlace()
    /// Where it stands there, as it is told: `events[3]`.
    public var path = ""
    /// Where its fields stand.
    public var fieldPlaces: [String: FieldPlace] = [:]

    /// Something that happens at a moment.
    public init(at: Int64, _ action: Action, word: Word) {
        self.at = at...at
        self.action = action
        self.word = word
    }

    /// The words for what can happen, as files have them.
    public static let words = Word.allCases.map(\.rawValue)
}

extension EventSpec {
    /// A word for what happens, as files have it.
    public enum Word: String, Sendable, CaseIterable, CustomStringConvertible {
        /// Instances or a part are gone.
        case kill
        /// They begin again.
        case start
        /// They end and begin again.
        case restart
        /// There are so many instances.
        case scale
        /// A new version of a service is rolled out.
        case deploy
        /// A metric changes.
        case set
        /// Clocks are ahead.
        case skew
        /// Something goes wrong.
        case fault
        /// It is well again.
        case heal
        /// A group of the Pushgateway is deleted.
        case deleteGroup = "delete_group"
        /// All groups are deleted.
        case wipe
        /// Somebody pushes.
        case push
        /// A batch runs.
        case run
        /// A batch does not run any more.
        case pause
        /// It runs again.
        case resume
        /// The stack gets another configuration.
        case reload
        /// What is sent to a remote storage is refused.
        case remoteWriteOutage = "remote_write_outage"

        /// As files have it.
        public var description: String { rawValue }

        /// Whether what it does can end by itself (`for`).
        /// - Parameter isOfPart: whether it is about a part of the stack.
        func canEnd(isOfPart: Bool) -> Bool {
            switch self {
            case .kill, .fault, .pause, .skew, .set, .remoteWriteOutage: true
            case .restart: isOfPart
            case .start, .scale, .deploy, .heal, .deleteGroup, .wipe, .push, .run, .resume, .reload: false
            }
        }

        /// The fields that go with it, besides those of time.
        var fields: [String] {
            switch self {
            case .kill, .start: ["service", "instance", "part"]
            case .restart: ["service", "instance", "part", "down", "keep_data"]
            case .scale: ["service", "instances"]
            case .deploy: ["service", "labels"]
            case .set: ["service", "metric"] + MetricChange.Field.allCases.map(\.rawValue)
            case .skew: ["service", "instance", "by"]
            case .fault: ["service", "instance", "target", "pushes", "remote_write", "part", "fault"]
            case .heal: ["service", "instance", "target", "pushes", "remote_write", "part"]
            case .deleteGroup: ["job", "grouping"]
            case .wipe: []
            case .push: ["job", "grouping", "body", "add", "refused"]
            case .run, .pause, .resume: ["batch"]
            case .reload: ["stack"]
            case .remoteWriteOutage: ["fault"]
            }
        }
    }
}

extension EventSpec.Action {
    /// The one instance of a service that it is about, by its number; `nil` for any other number of them.
    package func instance(of name: String) -> Int? {
        switch self {
        case .kill(name, .number(let number)), .start(name, .number(let number)), .restart(name, .number(let number)),
            .skew(name, .number(let number), _), .fault(.service(name, .number(let number)), _):
            number
        case .fault(.target(let address), _):
            ServiceSpec.number(of: Scenario.host(address), in: name)
        case _: nil
        }
    }

    /// Whom it is about.
    public var subject: String {
        switch self {
        case .kill(let service, _), .start(let service, _), .restart(let service, _), .scale(let service, _),
            .deploy(let service, _), .set(let service, _, _), .skew(let service, _, _),
            .fault(.service(let service, _), _):
            service
        case .fault(.target(let address), _): address
        case .fault(.pushes, _): "pushes"
        case .fault(.remoteWrite, _): "remote_write"
        case .restartPart(let part, _, _), .killPart(let part), .startPart(let part): part.rawValue
        case .deleteGroup(let job, _), .push(let job, _, _, _, _): job
        case .run(let batch), .pause(let batch), .resume(let batch): batch
        case .wipe: "pushgateway"
        case .reload: "prometheus"
        }
    }
}

/// Where something stands in a file.
public struct FieldPlace: Sendable, Hashable {
    /// The line, from 1; 0 where it stands in none.
    public var line = 0
    /// The column, from 1.
    public var column = 0

    /// Nowhere.
    public init() {}

    init(_ node: ConfigNode) {
        line = node.line
        column = node.column
    }
}

/// What changes about a metric.
public struct MetricChange: Sendable, Hashable {
    /// Events a second.
    public var rate: Double?
    /// What a gauge is.
    public var value: Double?
    /// The median of observations, in seconds.
    public var median: Double?
    /// Their 99th percentile.
    public var p99: Double?

    /// Nothing changes.
    public init() {}

    /// What of a metric can be changed.
    public enum Field: String, Sendable, CaseIterable {
        /// How often.
        case rate
        /// What a gauge is.
        case value
        /// The median of observations.
        case median
        /// Their 99th percentile.
        case p99
    }

    /// What a field becomes, as people write it: `20/s`, `80ms`.
    package static func text(_ value: Double, of field: Field) -> String {
        switch field {
        case .rate: Quantity.rateText(value)
        case .value: GoNumber.text(value, .shortest)
        case .median, .p99: Quantity.seconds(value)
        }
    }

    /// What a field becomes; `nil` where it stays.
    public subscript(_ field: Field) -> Double? {
        switch field {
        case .rate: rate
        case .value: value
        case .median: median
        case .p99: p99
        }
    }
}

/// A fault as a scenario tells it, by the names and fields of the fixture's.
public struct FaultSpec: Sendable {
    /// As the fixture reads it: `{fault: latency, latency: 3s}`.
    public var node: ConfigNode
    /// In words, for the log.
    public var text: String
}

/// Something that has to be true.
public struct ExpectationSpec: Sendable {
    /// When it has to be.
    public enum Kind: Sendable, Hashable {
        /// At a moment.
        case at(Int64)
        /// At every look of a span, its end left out.
        case always(from: Int64, to: Int64)
        /// At no look of a span.
        case never(from: Int64, to: Int64)
        /// At some look from a moment on, until another.
        case within(after: Int64, until: Int64)
        /// Somebody is told of an alert in a span.
        case notified(after: Int64, until: Int64)
        /// Nobody is told of an alert in a span.
        case notNotified(from: Int64, to: Int64)
    }

    /// When it has to be.
    public var kind: Kind
    /// When its span ends as it is written, though the scenario may end before; `nil` where that is not said.
    public var end: Int64?
    /// The expression, or the alert.
    public var text: String
    /// Whether it is about what a remote storage has got.
    public var isRemote = false
    /// The conditions on an alert's labels.
    public var matchers: [LabelMatcher] = []
    /// Whether the alert's end is meant.
    public var isResolved = false
    /// Where it stands in the file.
    public var place = FieldPlace()
    /// Where it stands there, as it is told: `expect[3].that`.
    public var path = ""

    /// Something that has to be true.
    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}

/// What is asked of many worlds about an alert.
public struct StudySpec: Sendable {
    /// What the alert is there for.
    public enum Outage: Sendable, Hashable {
        /// Instances of a service were killed.
        case kill(service: String)
        /// Something went wrong with scrapes of a service.
        case fault(service: String)
        /// A batch failed or hung.
        case failure(batch: String)
        /// An event with this word happened.
        case event(word: EventSpec.Word)
    }

    /// The alert's name.
    public var alert: String
    /// What it should fire for.
    public var outages: [Outage]
    /// How long after an outage an alert still belongs to it.
    public var slack: Int64
    /// Where it stands in the file.
    public var place = FieldPlace()
    /// Where it stands there, as it is told: `study.alert`.
    public var path = ""
}
