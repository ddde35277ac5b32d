import MetricModel

extension TargetTransport {
    /// Fetches, but not longer than the request's timeout on the handed-in clock.
    func fetch(_ request: TargetRequest, timedBy clock: any StackClock) async throws(TransportError) -> TargetResponse {
        // The usual case: no second task and timer for each scrape.
        if keepsTime, clock is SystemClock { return try await fetch(request) }
        let result = await withTaskGroup(of: Result<TargetResponse, TransportError>?.self) { group in
            group.addTask {
                do throws(TransportError) {
                    return .success(try await fetch(request))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                (try? await clock.sleep(milliseconds: request.timeoutMilliseconds)) == nil
                    ? nil : .failure(TransportError("Get \(GoText.quoted(request.url)): context deadline exceeded"))
            }
            defer { group.cancelAll() }
            for await result in group {
                if let result { return result }
            }
            return .failure(TransportError("Get \(GoText.quoted(request.url)): context canceled"))
        }
        return try result.get()
    }
}
