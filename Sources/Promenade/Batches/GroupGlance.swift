import AsyncHTTPClient
import ConfigTree
import MetricModel
import NIOCore

/// What a Pushgateway holds of one group: the names of its families and when each was pushed.
struct GroupGlance: Sendable, Equatable {
    /// By its family's name, the value that changes with every push.
    var families: [String: String] = [:]

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
                guard let name = entry.key.text, let stamp = entry.value["time_stamp"]?.text,
                    name != "push_time_seconds", name != "push_failure_time_seconds"
                else { continue }
                families[name] = stamp
            }
        }
    }

    /// Asks a Pushgateway; `nil` where it does not tell.
    static func fetch(url: String, group labels: [String: String]) async -> GroupGlance? {
        let request = HTTPClientRequest(url: url + "/api/v1/metrics")
        guard let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(5)),
            let body = try? await response.body.collect(upTo: 16 << 20),
            let answer = try? JSONReader.parse(Array(body.readableBytesView), file: "metrics")
        else { return nil }
        return GroupGlance(answer, group: labels)
    }

    /// What a push has done, in one line: `PUT replaced {job="a"}: 2 families gone (x, y), 1 new (z)`.
    static func story(_ method: String, _ group: String, from before: GroupGlance?, to after: GroupGlance?) -> String {
        let verb = method == "PUT" ? "PUT replaced" : "POST added to"
        guard let before, let after else { return "\(verb) \(group)" }
        func list(_ names: [String], _ what: String) -> String? {
            if names.isEmpty { return nil }
            return "\(names.count) \(what) (\(names.sorted().joined(separator: ", ")))"
        }
        let gone = before.families.keys.filter { after.families[$0] == nil }
        let new = after.families.keys.filter { before.families[$0] == nil }
        let common = after.families.keys.filter { before.families[$0] != nil }
        let renewed = common.filter { before.families[$0] != after.families[$0] }
        let kept = common.filter { before.families[$0] == after.families[$0] }
        let parts = [list(gone, "gone"), list(new, "new"), list(renewed, "renewed"), list(kept, "kept")].compactMap(
            \.self
        )
        return "\(verb) \(group): " + (parts.isEmpty ? "nothing in it" : parts.joined(separator: ", "))
    }
}
