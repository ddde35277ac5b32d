import Foundation
import MetricModel
import NIOCore
import Promenade
import PromenadeTesting
import Scrape
import Testing

/// What a real Prometheus made of odd expositions, made of them again.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ScrapeReplayTests {
    /// An exposition, and what became of it.
    struct Row: Decodable, Sendable {
        var name: String
        /// The Content-Type; without one none is sent.
        var type: String?
        /// Settings of the job, as lines of YAML.
        var config: String?
        var status: Int
        var reason: String?
        var headers: [String: String]?
        /// The body, as a text or in Base64.
        var body: String?
        var body64: Data?
        /// The labels and values of all series of the job.
        var series: [JSONTree]
        var health: String?
        var error: String
        var labels: JSONTree?
        var metadata: JSONTree?
        var exemplars: [JSONTree]?
    }

    /// When the replay starts: a whole second, far from all times in the expositions.
    private static let start: Timestamp = 1_750_000_000_000
    /// What all targets are called, as long as the recorded ones were; nothing is asked of it.
    private static let address = "127.0.0.1:30001"

    private static let recording = Result { try Recording<Row>("expositions") }
    /// The expositions are shared out to so many stacks.
    private static let parts = 12

    @Test func `enough is recorded`() throws {
        #expect(try Self.recording.get().rows.count >= 1_500)
    }

    @Test(arguments: 0..<parts) func replay(_ part: Int) async throws {
        let recording = try Self.recording.get()
        let rows = recording.rows.indices.filter { $0 % Self.parts == part }.map { recording.rows[$0] }
        let known = try Differences.known.get()
        let clock = ManualClock(now: Self.start)
        try await withStack(config: Self.config(rows), clock: clock) { stack in
            for row in rows {
                let response = Self.response(row)
                stack.stack.faults?.setHandler({ _ in response }, job: row.name, target: Self.address)
            }
            await stack.advance(by: .seconds(34))
            let seen = try await Seen(stack, jobs: rows.map(\.name), at: clock.now)
            let report = Report(of: recording.header.program)
            for row in rows where known.isCompared(exposition: row.name) {
                let found = Self.differences(row, seen)
                report.isIdentical(found.isEmpty)
                if !found.isEmpty {
                    let body = (row.body ?? row.body64?.base64EncodedString() ?? "").debugDescription.prefix(400)
                    report.add("\(row.name): \(row.type ?? "no type") \(row.config ?? "") \(body)", found)
                }
            }
            report.finish(count: rows.count)
        }
    }

    private static func differences(_ row: Row, _ seen: Seen) -> [String] {
        var found: [String] = []
        let got = seen.jobs[row.name] ?? Seen.Job()
        func compare(_ what: String, _ want: JSONTree, _ got: JSONTree) {
            if let difference = JSONTree.difference(want, got, tolerance: 0) { found.append(what + difference) }
        }
        func compare(_ what: String, _ want: [JSONTree], _ got: [JSONTree]) {
            let labels = Set((want + got).compactMap { $0.array?.first?.text })
            for labels in labels.sorted() {
                let first = want.first { $0.array?.first?.text == labels }
                let second = got.first { $0.array?.first?.text == labels }
                compare("\(what) \(labels)", first?.array?.last ?? .null, second?.array?.last ?? .null)
            }
        }
        compare("", row.series, got.series)
        let hasTimes = !(row.exemplars ?? []).contains { $0.text.hasSuffix("\"*\"]]]") }
        compare("exemplars of", row.exemplars ?? [], hasTimes ? got.exemplars : got.exemplars.map(timeless))
        compare("labels", row.labels ?? .null, got.labels)
        if row.health != got.health { found.append("health: \(row.health ?? "none") / \(got.health ?? "none")") }
        if !isSame(error: row.error, got.error) { found.append("error: \(row.error) / \(got.error)") }
        // A family whose first metric is bad may or may not have told its help before.
        let isProtobuf = row.type?.contains("protobuf") == true
        if !(isProtobuf && !row.error.isEmpty) {
            compare("metadata", row.metadata ?? .array([]), .array(got.metadata.sorted { $0.text < $1.text }))
        }
        return found
    }

    /// Exemplars without a time of their own have that of the scrape, each time another one.
    private static func timeless(_ series: JSONTree) -> JSONTree {
        guard let parts = series.array, let items = parts.last?.array else { return series }
        var kept: [JSONTree] = []
        for item in items.map({ JSONTree.array(($0.array ?? []).dropLast() + [.string("*")]) })
        where !kept.contains(item) {
            kept.append(item)
        }
        return .array(parts.dropLast() + [.array(kept)])
    }

    /// Bytes that are no UTF-8 are shown as such or as one character; a bare name between braces is told otherwise since 3.5.
    private static func isSame(error want: String, _ got: String) -> Bool {
        if want == got { return true }
        if want.contains("metric name already set while parsing: "), got.contains("expected equal, got") { return true }
        return want.replacing(#/(\\x[0-9a-f]{2})+/#, with: "?") == got.replacing(#/\u{fffd}+/#, with: "?")
    }

    private static func config(_ rows: [Row]) -> String {
        var lines = [
            "global:", "  scrape_interval: 10s", "  scrape_timeout: 8s", "  scrape_native_histograms: true",
            "scrape_configs:",
        ]
        for row in rows {
            lines += [
                "  - job_name: \(row.name)", "    metrics_path: /case/\(row.name)",
                "    static_configs: [{targets: ['\(address)']}]",
            ]
            if let config = row.config { lines.append("    " + config) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func response(_ row: Row) -> TargetResponse {
        var body = row.body64.map { ByteBuffer(bytes: $0) } ?? ByteBuffer(string: instants(in: row.body ?? ""))
        if row.status == 204 { body = ByteBuffer() }
        let type = row.type.map { [(name: "Content-Type", value: $0)] } ?? []
        let others = (row.headers ?? [:]).map { (name: $0.key, value: $0.value) }
        return TargetResponse(status: row.status, reason: row.reason ?? "", headers: type + others, body: body)
    }

    /// The words that stand for moments, and the moments.
    private static let moments: [(word: String, moment: String)] = [
        ("@NOW", "\(start)"), ("@OLDSEC", "\(start / 1000 - 86_400)"), ("@OLD", "\(start - 60_000)"),
        ("@FUTURE", "\(start + 10_800_000)"), ("@SEC", "\(start / 1000)"),
    ]

    private static func instants(in body: String) -> String {
        guard body.contains("@") else { return body }
        return moments.reduce(body) { $0.replacing($1.word, with: $1.moment) }
    }

    /// What a stack knows of all jobs after its scrapes.
    private struct Seen {
        struct Job {
            var series: [JSONTree] = []
            var health: String?
            var error = ""
            var labels = JSONTree.null
            var metadata: [JSONTree] = []
            var exemplars: [JSONTree] = []
        }
        var jobs: [String: Job] = [:]

        init(_ stack: TestStack, jobs names: [String], at now: Timestamp) async throws {
            jobs = Dictionary(uniqueKeysWithValues: names.map { ($0, Job()) })
            let client = WireClient(url: stack.url)
            func ask(_ path: String) async throws -> [JSONTree] {
                let path = path.replacing("{", with: "%7B").replacing("}", with: "%7D").replacing("\"", with: "%22")
                let data = JSONTree(try await client.ask("GET", "/api/v1/" + path).text)?["data"]
                return data?["result"]?.array ?? data?["activeTargets"]?.array ?? data?.array ?? []
            }
            for series in try await ask("query?query={job=~\".%2B\"}&time=\(Double(now) / 1000)") {
                let labels = series["metric"] ?? .null
                let named = labels["job"]?.string ?? ""
                let job = jobs[named] == nil ? "honor_labels" : named
                let name = labels["__name__"]?.string
                var value = series["value"]?.array?.last ?? series["histogram"]?.array?.last ?? .null
                let isVolatile = name == "scrape_series_added" && !job.hasPrefix("text")
                if name == "scrape_duration_seconds" || isVolatile { value = .string("*") }
                jobs[job, default: Job()].series.append(
                    ScrapeReplayTests.plain(.array([labels, value]))
                )
            }
            for target in try await ask("targets?state=active") {
                let job = target["scrapePool"]?.string ?? ""
                jobs[job, default: Job()].health = target["health"]?.string
                jobs[job, default: Job()].error =
                    ScrapeReplayTests.plain(target["lastError"] ?? .null).string ?? ""
                jobs[job, default: Job()].labels = ScrapeReplayTests.plain(target["labels"] ?? .null)
            }
            for item in try await ask("targets/metadata") {
                let job = item["target"]?["job"]?.string ?? ""
                let fields = ["metric", "type", "help", "unit"].map { item[$0] ?? .string("") }
                jobs[job]?.metadata.append(.array(fields))
            }
            let around = "start=\(now / 1000 - 600)&end=\(now / 1000 + 600)"
            for item in try await ask("query_exemplars?query={job=~\".%2B\"}&" + around) {
                let labels = item["seriesLabels"] ?? .null
                var exemplars: [JSONTree] = []
                for exemplar in item["exemplars"]?.array ?? [] {
                    let fields = ["labels", "value", "timestamp"].map { exemplar[$0] ?? .null }
                    exemplars.append(.array(fields))
                }
                jobs[labels["job"]?.string ?? ""]?.exemplars.append(
                    ScrapeReplayTests.plain(.array([labels, .array(exemplars)]))
                )
            }
            try await client.close()
        }
    }

    /// A value with words for moments and for the address, as it was recorded.
    private static func plain(_ value: JSONTree) -> JSONTree {
        switch value {
        case .null, .bool: value
        case .number(let number):
            abs(number - Double(start) / 1000) < 1e6
                ? .number(((number - Double(start) / 1000) * 1000).rounded() / 1000) : value
        case .string(let text):
            // Most are too short to hold a moment or the address.
            text.utf8.count < 10
                ? value
                : .string(
                    moments.reduce(text) { $0.replacing($1.moment, with: $1.word) }.replacing(address, with: "ADDRESS")
                )
        case .array(let items): .array(items.map(plain))
        case .object(let members): .object(members.mapValues(plain))
        }
    }
}
