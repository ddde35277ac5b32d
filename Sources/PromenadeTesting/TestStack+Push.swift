import MetricModel
import Promenade
import Web

/// Pushes without a client.
extension TestStack {
    /// Pushes a text to a group, as a client that sends `PUT /metrics/job/…` would, without a socket.
    /// - Parameters:
    ///   - text: the metrics, in the text format.
    ///   - job: the label `job` of the group.
    ///   - grouping: further labels of the group.
    ///   - replacing: whether everything in the group is replaced (`PUT`), or only metrics of the same names (`POST`).
    /// - Throws: ``StackRefusal`` with the Pushgateway's words where it does not take the push.
    public func push(
        _ text: String,
        job: String,
        grouping: [String: String] = [:],
        replacing: Bool = true
    ) async throws {
        try await change(replacing ? .put : .post, job, grouping, text)
    }

    /// Deletes a group.
    public func deletePush(job: String, grouping: [String: String] = [:]) async throws {
        try await change(.delete, job, grouping, "")
    }

    private func change(_ method: WebRequest.Method, _ job: String, _ grouping: [String: String], _ text: String)
        async throws
    {
        guard let gateway = stack.pushgateway else { throw StackRefusal(description: "the stack has no Pushgateway") }
        var path = "/metrics/job@base64/" + PathValue.base64(job)
        for (name, value) in grouping.sorted(by: { $0.key < $1.key }) {
            path += "/\(name)@base64/" + PathValue.base64(value)
        }
        let request = WebRequest(method: method, target: path, body: Array(text.utf8))
        let response = await gateway.makeRouter().respond(to: request)
        guard !(200..<300).contains(response.status) else { return }
        var reason =
            response.status == 0 ? "the connection was closed without an answer" : "HTTP status \(response.status)"
        if let body = try? await response.wholeBody(), !body.isEmpty {
            let text = String(decoding: body, as: UTF8.self)
            reason += ": " + (text.hasSuffix("\n") ? text.dropLast() : text[...])
        }
        throw StackRefusal(description: reason)
    }
}

/// Values in the paths of pushes.
private enum PathValue {
    /// Base64 for URLs; an empty value is a single `=`.
    static func base64(_ text: String) -> String { text.isEmpty ? "=" : Base64.encodeURLSafe(text.utf8) }
}
