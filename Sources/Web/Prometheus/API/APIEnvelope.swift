/// Puts the answers of endpoints into the envelope that all of them have.
extension PrometheusServer {
    /// An endpoint that needs no more than the parameters.
    func answering(
        _ answer: @escaping @Sendable (APIParameters) async throws(APIFailure) -> APIAnswer
    ) -> WebHandler {
        answering { _, parameters throws(APIFailure) in try await answer(parameters) }
    }

    /// An endpoint that looks at more of the request.
    func answering(
        _ answer: @escaping @Sendable (WebRequest, APIParameters) async throws(APIFailure) -> APIAnswer
    ) -> WebHandler {
        { request in
            if let response = self.unavailable() { return response }
            do throws(APIFailure) {
                return try await answer(request, APIParameters(request)).response()
            } catch {
                return error.response()
            }
        }
    }
}
