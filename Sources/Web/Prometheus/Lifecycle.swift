extension PrometheusServer {
    /// `/-/quit` and `/-/reload`.
    func lifecycle(_ route: PrometheusRoute, _ request: WebRequest) async -> WebResponse {
        guard request.method == .post || request.method == .put else {
            return .text("Only POST or PUT requests allowed", status: 405)
        }
        guard settings.isLifecycleEnabled else { return .text("Lifecycle API is not enabled.", status: 403) }
        if route == .quit {
            environment.quit()
            return .text("Requesting termination... Goodbye!")
        }
        if let problem = await environment.reload() {
            return .error("failed to reload config: \(problem)", status: 500)
        }
        return WebResponse()
    }
}
