import Foundation
import MetricModel
import PromenadeTesting
import Testing

/// What a real Pushgateway answered to pushes and deletions, one after the other, and what it exposed after each.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PushReplayTests {
    /// A request, the answer to it, and what `/metrics` exposes then.
    struct Row: Decodable, Sendable {
        var method: String
        var path: String
        var headers: [String: String]?
        /// The body, as a text or in Base64.
        var body: String?
        var body64: Data?
        var status: Int
        /// The headers of the answer.
        var answer: [String: String]
        /// The answer to the byte.
        var text: String?
        var text64: Data?
        /// An answer of which only the kind is determined.
        var like: String?
        var undetermined: Bool?
        /// The groups that `/api/v1/metrics` answers.
        var groups: JSONTree?
        var exposes: Exposed?
        /// Whether the real one could expose nothing after this; the replay goes on with empty groups.
        var breaks: Bool?
    }

    /// What is exposed after a step.
    enum Exposed: Decodable, Sendable {
        case same, undetermined
        case lines([String])
        /// Without its helps and with equal metrics in order: what does not depend on the order of a map.
        case sorted([String])

        private struct Text: Decodable {
            var lines: [String]?
            var sorted: [String]?
        }

        init(from decoder: any Decoder) throws {
            if let word = try? decoder.singleValueContainer().decode(String.self) {
                self = word == "same" ? .same : .undetermined
                return
            }
            let text = try Text(from: decoder)
            self = text.lines.map { .lines($0) } ?? .sorted(text.sorted ?? [])
        }
    }

    @Test(arguments: [("pushes", 1_000), ("pushes-utf8", 250), ("pushes-unchecked", 250)])
    func replay(_ name: String, _ least: Int) async throws {
        let recording = try Recording<Row>(name)
        #expect(recording.rows.count >= least)
        let recorded = (recording.header.flags ?? []).map { $0.replacing("--web.", with: "--pushgateway.") }
        // The original's answers may be read by the pages of every origin.
        let flags = recorded + ["--web.cors.origin=.*"]
        try await withStack(config: "scrape_configs: []", flags: flags) { stack in
            let report = Report(of: "\(recording.header.program), \(name)")
            var replay = PushReplay(client: WireClient(url: stack.pushgatewayURL), known: try Differences.known.get())
            for (number, row) in recording.rows.enumerated() {
                // Two pushes never happen at one moment.
                await stack.advance(by: .milliseconds(1))
                let found = try await replay.differences(row)
                report.isIdentical(found.isEmpty)
                guard !found.isEmpty else { continue }
                let body = (row.body ?? row.body64?.base64EncodedString() ?? "").debugDescription.prefix(300)
                report.add("step \(number): \(row.method) \(row.path) \(row.headers ?? [:]) \(body)", found)
            }
            report.finish(count: recording.rows.count)
            try await replay.client.close()
        }
    }
}

/// Goes through the steps of a recording.
private struct PushReplay {
    let client: WireClient
    let known: Differences
    private var last: PushReplayTests.Exposed = .undetermined

    init(client: WireClient, known: Differences) {
        self.client = client
        self.known = known
    }

    /// What the answer to a step, and what is exposed after it, differ in.
    mutating func differences(_ row: PushReplayTests.Row) async throws -> [String] {
        let body = row.body64.map { [UInt8]($0) } ?? Array((row.body ?? "").utf8)
        let answer = try await client.ask(row.method, row.path, headers: row.headers ?? [:], body: body)
        var found: [String] = []
        guard known.isCompared(method: row.method) else {
            return answer.status == 400 ? [] : ["status: 400 / \(answer.status)"]
        }
        if answer.status != row.status { found.append("status: \(row.status) / \(answer.status)") }
        let hasPage = !known.isCompared(page: row.status)
        for name in Self.headers where known.isCompared(header: name) && answer.headers[name] != row.answer[name] {
            if hasPage, name == "content-type" { continue }
            found.append("\(name): \(row.answer[name] ?? "none") / \(answer.headers[name] ?? "none")")
        }
        if !hasPage { found += textDifferences(row, answer) }
        if row.breaks == true {
            _ = try await client.ask("PUT", "/api/v1/admin/wipe")
            last = .undetermined
        } else if let exposes = row.exposes {
            if case .same = exposes {} else { last = exposes }
            found += try await exposedDifferences()
        }
        return found
    }

    private func textDifferences(_ row: PushReplayTests.Row, _ answer: WireAnswer) -> [String] {
        if row.undetermined == true { return [] }
        if let groups = row.groups {
            let difference = JSONTree.difference(groups.inOrder, Self.groups(answer.text), tolerance: 0)
            return difference.map { [$0] } ?? []
        }
        if let like = row.like {
            return kind(like) == kind(answer.text) ? [] : ["\(like) / \(answer.text)"]
        }
        let want = row.text64.map { [UInt8]($0) } ?? Array((row.text ?? "").utf8)
        return want == answer.body ? [] : ["\(String(decoding: want, as: UTF8.self)) / \(answer.text.prefix(400))"]
    }

    /// What of an error is determined.
    private func kind(_ text: String) -> String {
        if let name = known.pushError(text) { return name }
        guard text.contains("error(s) occurred") else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).sorted().joined(separator: "\n")
    }

    private func exposedDifferences() async throws -> [String] {
        let lines = Self.lines(try await client.ask("GET", "/metrics"))
        switch last {
        case .same, .undetermined: return []
        case .lines(let want): return Self.differences(want, lines)
        case .sorted(let want): return Self.differences(want, Self.determined(lines))
        }
    }

    private static func differences(_ want: [String], _ got: [String]) -> [String] {
        if want == got { return [] }
        let less = want.filter { !got.contains($0) }.map { "/metrics lacks \($0)" }
        let more = got.filter { !want.contains($0) }.map { "/metrics has \($0)" }
        return less + more + (less.isEmpty && more.isEmpty ? ["/metrics is in another order"] : [])
    }

    private static let headers = [
        "content-type", "x-content-type-options", "allow", "location", "content-encoding",
        "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers",
        "access-control-expose-headers", "cache-control",
    ]

    /// The lines that pushes brought about, without the moments of the pushes.
    private static func lines(_ answer: WireAnswer) -> [String] {
        guard answer.status == 200 else { return ["status \(answer.status)"] }
        return answer.text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line -> String? in
            let name = line.hasPrefix("# ") ? line.dropFirst(2).drop { $0 != " " }.dropFirst() : line
            let isOwn = name.hasPrefix("go_") || name.hasPrefix("process_") || name.hasPrefix("pushgateway_")
            // Metrics that are pushed under these names have a job, the gateway's own have not.
            if isOwn, !line.contains("job=\"") || line.hasPrefix("#") { return nil }
            guard line.hasPrefix("push_time_seconds{") || line.hasPrefix("push_failure_time_seconds{") else {
                return String(line)
            }
            return String(line).replacing(#/ 1\.\d+e\+09$/#, with: " NOW")
        }
    }

    /// Without what the original takes from the order of a map: the helps, and which of equal metrics comes first.
    private static func determined(_ lines: [String]) -> [String] {
        var runs: [(key: [String]?, lines: [String])] = []
        for line in lines where !line.hasPrefix("# HELP") {
            let key = line.hasPrefix("#") ? nil : key(line)
            if let key, runs.last?.key == key {
                runs[runs.count - 1].lines.append(line)
            } else {
                runs.append((key, [line]))
            }
        }
        // Python's order, which is that of the code points.
        return runs.flatMap { $0.lines.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) } }
    }

    private static func key(_ line: String) -> [String] {
        let name = String(line.prefix { $0 != "{" && $0 != " " }).replacing(#/_(bucket|sum|count)$/#, with: "")
        let labels = line.matches(of: #/([^{,\s="]+|"(?:[^"\\]|\\.)*")="((?:[^"\\]|\\.)*)"/#)
        return [name] + labels.filter { $0.1 != "le" && $0.1 != "quantile" }.map { String($0.2) }
    }

    /// The groups of `/api/v1/metrics` without moments, in order.
    private static func groups(_ text: String) -> JSONTree {
        let plain = text.replacing(#/"value":"1\.\d+e\+09"/#, with: "\"value\":\"NOW\"")
        guard var answer = JSONTree(plain), let items = answer["data"]?.array else { return JSONTree(plain) ?? .null }
        var groups = items.map { group -> JSONTree in
            guard case .object(var families) = group else { return group }
            for (name, var family) in families where family["time_stamp"] != nil {
                family["time_stamp"] = .string("T")
                families[name] = family
            }
            return .object(families)
        }
        groups.sort { ($0["labels"]?.text ?? "") < ($1["labels"]?.text ?? "") }
        answer["data"] = .array(groups)
        return answer
    }
}

extension JSONTree {
    /// The same with groups in the replay's order.
    fileprivate var inOrder: JSONTree {
        guard var items = self["data"]?.array else { return self }
        items.sort { ($0["labels"]?.text ?? "") < ($1["labels"]?.text ?? "") }
        var answer = self
        answer["data"] = .array(items)
        return answer
    }
}
