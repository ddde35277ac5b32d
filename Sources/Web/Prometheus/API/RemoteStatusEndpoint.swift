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
        let queues = await environment.remoteWrites()
        return .json { text in
            text.raw("[")
            for (index, queue) in queues.enumerated() {
                if index > 0 { text.raw(",") }
                text.raw("{")
                text.field("name", isFirst: true)
                text.string(queue.name)
                text.field("url")
                text.string(queue.url)
                text.field("lastError")
                text.string(queue.lastError)
                for field in queue.fields {
                    text.raw(",")
                    text.string(field.name)
                    text.raw(":")
                    text.number(field.value)
                }
                text.raw("}")
            }
            text.raw("]")
        }
    }
}
