public import MetricModel

/// An engine elsewhere that has the samples, and answers by itself what it can.
public struct StoreElsewhere: Sendable {
    /// Where it is, without a password.
    public var url: String
    /// Whether expressions are evaluated here all the same, over samples read from it.
    public var isExact: Bool
    /// Asks a path with its query below its address: with a form where that is posted, else by GET. `nil` where nobody has all of an
    /// answer.
    public var ask: (@Sendable (_ path: String, _ form: String?) async throws(StorageError) -> WebResponse)?

    /// An engine.
    public init(
        url: String,
        isExact: Bool,
        ask: (@Sendable (_ path: String, _ form: String?) async throws(StorageError) -> WebResponse)?
    ) {
        self.url = url
        self.isExact = isExact
        self.ask = ask
    }
}

extension PrometheusServer {
    /// Whoever answers: the store elsewhere where there is one, `own` where there is none, and for expressions also where they are
    /// to be evaluated here.
    func answeredElsewhere(_ own: @escaping WebHandler, isExpression: Bool = false) -> WebHandler {
        guard let store = environment.elsewhere, let ask = store.ask, !(isExpression && store.isExact) else {
            return own
        }
        let prefix = settings.routePrefix.utf8.count
        return { request in
            if let response = self.unavailable() { return response }
            let path = String(decoding: request.rawPath.utf8.dropFirst(prefix), as: UTF8.self) + request.querySuffix
            let form = request.method == .post ? String(decoding: request.body, as: UTF8.self) : nil
            do throws(StorageError) {
                return try await ask(path, form)
            } catch {
                var response = APIFailure(.unavailable, error.message).response()
                response.status = 502
                return response
            }
        }
    }
}
