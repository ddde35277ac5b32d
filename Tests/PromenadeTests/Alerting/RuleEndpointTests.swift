import AsyncHTTPClient
import Foundation
import NIOCore
import PromenadeTesting
import Testing

/// `/api/v1/rules` and `/api/v1/alerts` of a stack with rules.
@Suite(.timeLimit(.minutes(5))) struct RuleEndpointTests {
    private static let config = """
        global: {evaluation_interval: 15s}
        rules:
          groups:
            - name: g
              rules:
                - {record: r, expr: vector(1), labels: {kind: a}}
                - {alert: Many, expr: 'label_replace(vector(1), "n", "1", "", "") or label_replace(vector(2), "n", "2", "", "") or label_replace(vector(3), "n", "3", "", "")'}
            - {name: h, rules: [{alert: None, expr: vector(1) > 2, for: 1m}]}
        """

    private struct Answer: Decodable {
        struct Group: Decodable {
            var name: String
            var rules: [Rule]
        }
        struct Rule: Decodable {
            var name: String
            var alerts: [Alert]?
            var alertCount: Int?
        }
        struct Alert: Decodable {
            var labels: [String: String]
        }
        struct Content: Decodable {
            var groups: [Group]?
            var alerts: [Alert]?
            var groupNextToken: String?
        }
        var data: Content?
        var error: String?
    }

    private func ask(_ path: String, _ stack: TestStack) async throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: Data(try await body(path, stack).utf8))
    }

    private func body(_ path: String, _ stack: TestStack) async throws -> String {
        let request = HTTPClientRequest(url: stack.url + "/api/v1/" + path)
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        return String(buffer: try await response.body.collect(upTo: 1 << 20))
    }

    @Test func `rules, pages of them, and the first of many alerts`() async throws {
        try await withStack(config: Self.config) { stack in
            await stack.advance(by: .seconds(15))
            let all = try #require(try await ask("rules", stack).data?.groups)
            #expect(all.map(\.name) == ["g", "h"])
            #expect(all.flatMap(\.rules).map(\.name) == ["r", "Many", "None"])
            #expect(all.flatMap(\.rules).map(\.alerts?.count) == [nil, 3, 0])
            #expect(all.flatMap(\.rules).compactMap(\.alertCount).isEmpty)
            #expect(try await ask("alerts", stack).data?.alerts?.map { $0.labels["n"] } == ["1", "2", "3"])

            let two = try #require(try await ask("rules?alert_limit=2&type=alert", stack).data?.groups)
            #expect(two.flatMap(\.rules).map(\.alertCount) == [3, nil])
            #expect(two[0].rules[0].alerts?.map { $0.labels["n"] } == ["1", "2"])
            #expect(try await ask("rules?alert_limit=0", stack).data?.groups?[0].rules[1].alerts?.count == 0)
            #expect(try await ask("rules?alert_limit=3", stack).data?.groups?[0].rules[1].alertCount == nil)
            let none = try await ask("rules?alert_limit=2&exclude_alerts=true", stack).data?.groups?[0].rules[1]
            #expect(none?.alerts == nil && none?.alertCount == nil)
            #expect(
                try await ask("rules?alert_limit=x", stack).error
                    == #"invalid parameter "alert_limit": not a number of alerts: "x""#
            )

            let first = try #require(try await ask("rules?group_limit=1", stack).data)
            #expect(first.groups?.map(\.name) == ["g"])
            let token = try #require(first.groupNextToken)
            let next = try await ask("rules?group_limit=1&group_next_token=\(token)", stack).data
            #expect(next?.groups?.map(\.name) == ["h"] && next?.groupNextToken == nil)
            #expect(try await ask("rules?rule_name[]=None", stack).data?.groups?.map(\.name) == ["h"])
            let matched = try await ask("rules?match%5B%5D=%7Bkind=%22a%22%7D", stack).data
            #expect(matched?.groups?[0].rules.map(\.name) == ["r"])
        }
    }

    @Test func `what explains an alert is told to who asks for it`() async throws {
        let config = """
            global: {evaluation_interval: 15s}
            rules:
              groups:
                - name: g
                  rules:
                    - alert: Asks
                      expr: vector(1)
                      annotations: {a: '{{ query (printf "vector(%v)" 7) | first | value }}{{ query "none" | len }}'}
                    - {alert: Follows, expr: vector(time()), for: 1h, labels: {v: "{{ $value }}"}}
                    - {alert: Gone, expr: vector(time()) < 1e9 or vector(time() % 60) < 30, for: 5m}
            """
        try await withStack(config: config) { stack in
            await stack.advance(by: .seconds(120))
            let plain = try await body("rules", stack)
            #expect(!plain.contains("firstEvaluation") && !plain.contains("lastPending") && !plain.contains("queries"))
            #expect(plain.contains(#""unsteady":{"labels":["v"],"alerts":"#))
            let explained = try await body("rules?explain=true", stack)
            for part in [
                #""queries":[{"query":"vector(7)","series":1,"first":[{"labels":{},"value":"7e+00"}]},{"query":"none","series":0,"first":[]}]"#,
                #""firstEvaluation":"#, #""lastPending":{"labels":{"alertname":"Gone"},"from":"#, #""times":"#,
            ] {
                #expect(explained.contains(part))
            }
            #expect(
                try await ask("rules?explain=perhaps", stack).error?.contains("error converting explain: ") == true
            )
        }
    }

    @Test func `names in rules are those that the configuration allows`() async throws {
        let config = """
            global: {metric_name_validation_scheme: legacy}
            rules: {groups: [{name: g, rules: [{record: a.b, expr: vector(1)}]}]}
            """
        let refusal = await #expect(throws: (any Error).self) { try await withStack(config: config) { _ in } }
        #expect(refusal.map { "\($0)".contains("invalid recording rule name: a.b") } == true)
    }

    @Test func `rule files are found as other files of the configuration are`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // The shell's pattern would pass over a name that begins with a dot; Go's does not.
        let text = "groups: [{name: hidden, rules: [{record: r, expr: vector(1)}]}]"
        try Data(text.utf8).write(to: folder.appending(path: ".h.yml"))
        try await withStack(config: "rule_files: ['\(folder.path)/*.yml']") { stack in
            let answer = try await ask("rules", stack)
            #expect(answer.data?.groups?.map(\.name) == ["hidden"])
        }
    }
}
