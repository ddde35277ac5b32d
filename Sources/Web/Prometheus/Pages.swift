/// What browsers are shown, and the first questions of whoever operates the server.
extension PrometheusServer {
    /// The home page for browsers; Prometheus's redirect to its query page for everybody else.
    func home(_ request: WebRequest) -> WebResponse {
        guard request.headers["Accept"]?.contains("text/html") == true else {
            return .redirect(to: settings.externalPath + "/query")
        }
        var page = page(request)
        page.headers.append(("Vary", "Accept"))
        return page
    }

    /// The address that the query page had once.
    func graph(_ request: WebRequest) -> WebResponse {
        .redirect(to: settings.externalPath + "/query?" + request.rawQuery)
    }

    /// Any other page: which one it is, its script tells by the address.
    func page(_ request: WebRequest) -> WebResponse {
        WebAssets.response(to: request, file: "index.html", clock: environment.clock?.pageClock ?? .wall)
    }

    /// A file of the pages.
    func asset(_ request: WebRequest) -> WebResponse {
        WebAssets.response(to: request, file: request.captured(after: "/assets/"))
    }

    /// The picture that browsers ask for unasked.
    func icon(_ request: WebRequest) -> WebResponse { WebAssets.response(to: request, file: "shared/icon.svg") }

    /// `/-/healthy`: whether the server runs.
    func healthy(_ request: WebRequest) -> WebResponse { health("Prometheus Server is Healthy.\n", request) }

    /// `/-/ready`: whether it can be asked.
    func ready(_ request: WebRequest) -> WebResponse {
        unavailable() ?? unstorable() ?? health("Prometheus Server is Ready.\n", request)
    }

    /// For HEAD nothing at all is written, not even a type.
    private func health(_ text: String, _ request: WebRequest) -> WebResponse {
        request.method == .head ? WebResponse() : .text(text)
    }
}
