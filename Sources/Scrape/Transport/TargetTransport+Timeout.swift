import MetricModel

extension TargetTransport {
    /// Fetches, but not longer than the request's timeout on the handed-in clock.
    func fetch(_ request: TargetRequest, timedBy clock: any StackClock) async throws(TransportError) -> TargetResponse {
        // The usual case: no second task and timer for each scrape.
        if keepsTime, clock is LoopClock || clock is SystemClock { return try await fetch(request) }
        let result = await withTaskGroup(of: Result<TargetResponse, TransportError>?.self) { group in
            group.addTask {
                do throws(TransportError) {
                    return .success(try await fetch(request))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await clock.sleep(milliseconds: request.timeoutMilliseconds)
                return nil
            }
            var isLate = false
            for await result in group {
                group.cancelAll()
                guard let result else {
                    isLate = !Task.isCancelled
                    continue
                }
                guard isLate else { return result }
                return .failure(Self.late(result, request))
            }
            return .failure(.cancelled(context: Self.context(request)))
        }
        return try result.get()
    }

    /// What a fetch that was cancelled for being late came to: where it was is told by its own words.
    private static func late(_ result: Result<TargetResponse, TransportError>, _ request: TargetRequest)
        -> TransportError
    {
        if case .failure(let error) = result, error.code == .cancelled { return .late(context: error.context) }
        return .late(context: context(request))
    }

    private static func context(_ request: TargetRequest) -> String {
        "Get \(GoText.quoted(URLParts(request.url)?.shown ?? request.url)): "
    }
}
