extension PrometheusServer {
    /// `/-/quit`: ends the process.
    func quit(_ request: WebRequest) -> WebResponse {
        if let refusal = lifecycleRefusal(request) { return refusal }
        environment.quit()
        return .text("Requesting termination... Goodbye!")
    }

    /// `/-/reload`: reads the configuration again.
    func reload(_ request: WebRequest) async -> WebResponse {
        if let refusal = lifecycleRefusal(request) { return refusal }
        if let problem = await environment.reload() {
            return .error("failed to reload config: \(problem)", status: 500)
        }
        return WebResponse()
    }

    private func lifecycleRefusal(_ request: WebRequest) -> WebResponse? {
        guard request.method == .post || request.method == .put else {
            return .text("Only POST or PUT requests allowed", status: 405)
        }
        return settings.isLifecycleEnabled ? nil : .text("Lifecycle API is not enabled.", status: 403)
    }
}
