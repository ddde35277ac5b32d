import ConfigTree
import HTTPCalling
import MetricModel
import NIOCore

/// What a Pushgateway holds of one group: the names of its families.
struct GroupGlance: Sendable, Equatable {
    /// The families that were pushed; not those that the Pushgateway adds.
    var families: Set<String> = []

    /// Reads the answer of `/api/v1/metrics`.
    /// - Parameter labels: the grouping key, `job` included.
    init(_ answer: ConfigNode, group labels: [String: String]) {
        for group in answer["data"]?.items ?? [] {
            guard case .mapping(let entries) = group.content else { continue }
            var found: [String: String] = [:]
            if case .mapping(let pairs)? = group["labels"]?.content {
                for pair in pairs { found[pair.key.text ?? ""] = pair.value.text ?? "" }
            }
            guard found.filter({ $0.key != "instance" || labels["instance"] != nil }) == labels else { continue }
            for entry in entries {
                guard let name = entry.key.text, entry.value["metrics"] != nil,
                    name != "push_time_seconds", name != "push_failure_time_seconds"
                else { continue }
                families.insert(name)
            }
        }
    }

    /// Asks a Pushgateway; `nil` where it does not tell.
    static func fetch(url: String, group labels: [String: String]) async -> GroupGlance? {
        var call = HTTPCall(url + "/api/v1/metrics", timeoutMilliseconds: 5000)
        call.bodyLimit = 16 << 20
        guard let said = try? await HTTPCaller.shared.send(call), said.status == 200,
            let answer = try? JSONReader.parse(Array(said.body.readableBytesView), file: "metrics"),
            answer["status"]?.text == "success"
        else { return nil }
        return GroupGlance(answer, group: labels)
    }

    /// What a push has done, in one line: `PUT replaced {job="a"}: 2 gone (x, y), 1 new (z)`.
    /// - Parameters:
    ///   - pushed: the names of the families that were pushed.
    ///   - before: what was there; `nil` where nobody knows.
    static func story(_ method: String, _ group: String, pushed: Set<String>, before: GroupGlance?) -> String {
        let isReplacing = method == "PUT"
        // What was not there was not replaced.
        let isFirst = before?.families.isEmpty ?? false
        let start = "\(isReplacing ? isFirst ? "PUT made" : "PUT replaced" : "POST added to") \(group)"
        guard let before else { return start }
        func list(_ names: Set<String>, _ what: String) -> String? {
            if names.isEmpty { return nil }
            return "\(names.count) \(what) (\(names.sorted().joined(separator: ", ")))"
        }
        let others = before.families.subtracting(pushed)
        let parts = [
            list(isReplacing ? others : [], "gone"), list(pushed.subtracting(before.families), "new"),
            list(pushed.intersection(before.families), "renewed"), list(isReplacing ? [] : others, "kept"),
        ]
        return start + ": " + parts.compactMap(\.self).joined(separator: ", ")
    }
}
