public import AsyncHTTPClient
import Exposition
import HTTPCalling
public import MetricModel
import NIOHTTP1
public import PrometheusClient

/// Sends the metrics of a job that will not live long enough to be scraped to a Pushgateway.
///
/// ```swift
/// try await Pusher(url: "http://localhost:9091", job: "db_backup")
///     .gatherer(registry)
///     .grouping("db", "customers")
///     .add()
/// ```
/// A pusher is a value: each of the calls answers a new one.
public struct Pusher: Sendable {
    private var url: String
    private var job: String
    private var groupingLabels: [Label] = []
    private var gatherers: [any MetricGatherer] = []
    private var collectors: [any MetricCollector] = []
    private var caller = HTTPCaller.shared
    private var timeoutSeconds: Int64 = 30

    /// A pusher for a job.
    /// - Parameters:
    ///   - url: the Pushgateway's address; `http://` is added where no scheme is given.
    ///   - job: the label `job` of the group.
    public init(url: String, job: String) {
        self.url = url
        self.job = job
    }

    /// Also pushes what the gatherer, a registry for example, has.
    public func gatherer(_ gatherer: any MetricGatherer) -> Pusher {
        var copy = self
        copy.gatherers.append(gatherer)
        return copy
    }

    /// Also pushes what the collector, a single metric for example, has.
    public func collector(_ collector: any MetricCollector) -> Pusher {
        var copy = self
        copy.collectors.append(collector)
        return copy
    }

    /// Adds a label to the grouping key. The last value given for a name counts.
    public func grouping(_ name: String, _ value: String) -> Pusher {
        var copy = self
        copy.groupingLabels.removeAll { $0.name == name }
        copy.groupingLabels.append(Label(name: name, value: value))
        return copy
    }

    /// Uses this client instead of the shared one. It should not follow redirects itself (`.disallow`): the pusher does, and looks at
    /// each address before.
    public func client(_ client: HTTPClient) -> Pusher {
        var copy = self
        copy.caller = HTTPCaller(client: client)
        return copy
    }

    /// Gives up after this many seconds instead of 30.
    public func timeout(seconds: Int64) -> Pusher {
        var copy = self
        copy.timeoutSeconds = seconds
        return copy
    }

    /// The names of the families that a push would carry; none where they contradict each other.
    public var familyNames: [String] {
        (try? CombinedGatherer(gatherers, collectors: collectors).gather())?.map(\.name) ?? []
    }

    /// Replaces the metrics of the same names in the group (POST); what the push does not name stays.
    public func add() async throws(PushError) {
        try await send("POST", body: try body())
    }

    /// Replaces the whole group (PUT).
    public func push() async throws(PushError) {
        try await send("PUT", body: try body())
    }

    /// Deletes the group.
    public func delete() async throws(PushError) {
        try await send("DELETE", body: nil)
    }

    private func body() throws(PushError) -> [UInt8] {
        let families: [MetricFamily]
        do {
            families = try CombinedGatherer(gatherers, collectors: collectors).gather()
        } catch {
            throw PushError(.gathering, error.message)
        }
        for family in families {
            for metric in family.metrics {
                for label in metric.labels
                where label.name == "job" || groupingLabels.contains(where: { $0.name == label.name }) {
                    throw PushError(
                        .labelConflict,
                        "metric \(family.name)\(Labels(metric.labels)) has a label \(label.name) of its own, which the grouping key sets"
                    )
                }
            }
        }
        return FamilyEncoder.encode(families, as: ExpositionFormat(.protobuf))
    }

    private func send(_ method: String, body: [UInt8]?) async throws(PushError) {
        let path = try GroupingPath.path(job: job, labels: groupingLabels)
        let answer: HTTPAnswer
        let address: String
        do throws(TransportError) {
            address = try ServerAddress(url) + "/metrics/" + path
            let milliseconds = timeoutSeconds.multipliedReportingOverflow(by: 1000)
            var call = HTTPCall(
                address,
                method: HTTPMethod(rawValue: method),
                timeoutMilliseconds: milliseconds.overflow ? HTTPCaller.longestMilliseconds : milliseconds.partialValue
            )
            // An answer longer than this is no message to a person.
            call.bodyLimit = 1 << 20
            if let body {
                call.headers.append(("Content-Type", ExpositionFormat(.protobuf).contentType))
                call.body = body
            }
            answer = try await caller.send(call)
        } catch {
            throw PushError(error.code == .url ? .invalidAddress : .connection, error.message)
        }
        guard answer.method.rawValue == method else {
            throw PushError(
                .refused,
                "\(address) redirects to \(answer.url) in a way that makes a \(answer.method.rawValue) of a \(method), "
                    + "which stores nothing: push to the address that is redirected to"
            )
        }
        guard answer.status == 200 || answer.status == 202 else {
            throw PushError(
                .refused,
                "unexpected status code \(answer.status) while pushing to \(address): \(answer.text)"
            )
        }
    }
}

/// The kinds of `PushError`.
public enum PushErrorCode: String, Sendable, Hashable {
    /// The metrics contradict each other.
    case gathering
    /// A metric has a label of the grouping key.
    case labelConflict
    /// The job's or a label's name cannot be used.
    case invalidGrouping
    /// There can be no Pushgateway at such an address.
    case invalidAddress
    /// No answer came.
    case connection
    /// The Pushgateway said no.
    case refused
}

/// Why a push failed.
public typealias PushError = CodedError<PushErrorCode>
