import MetricModel

extension PrometheusServer {
    /// `POST /api/v1/write`.
    func remoteWrite(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        guard settings.isRemoteWriteEnabled else {
            return .error(
                "remote write receiver needs to be enabled with --web.enable-remote-write-receiver",
                status: 404
            )
        }
        return .error("not implemented", status: 501)
    }
}
