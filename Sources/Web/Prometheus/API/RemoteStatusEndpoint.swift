/// How a queue of remote write stands.
public struct RemoteQueueStatus: Sendable {
    /// What it is called.
    public var name: String
    /// Where it sends to.
    public var url: String
    /// Its figures.
    public var fields: [(name: String, value: Double)]
    /// What went wrong last; empty for nothing.
    public var lastError: String

    /// A queue's state.
    public init(name: String, url: String, fields: [(name: String, value: Double)], lastError: String) {
        self.name = name
        self.url = url
        self.fields = fields
        self.lastError = lastError
    }
}

extension PrometheusServer {
    /// `/api/v1/status/remote_write`: the queues, how far each is, and what went wrong last. Not Prometheus's.
    func statusRemoteWrite(_: APIParameters) async throws(APIFailure) -> APIAnswer {
        let queues = await environment.remoteWrites().map { queue in
            var object: JSONObject = ["name": queue.name, "url": queue.url, "lastError": queue.lastError]
            object += JSONObject(queue.fields.map { ($0.name, $0.value) })
            return object
        }
        return .json(queues)
    }
}
