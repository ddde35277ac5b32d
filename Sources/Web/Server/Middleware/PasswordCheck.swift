import Hummingbird

/// Lets only those in who give a right password, before a body is read.
struct PasswordCheck: Sendable {
    let keeper: PasswordKeeper

    /// The answer to a request that is not let in; `nil` where it is.
    func refusal(of request: Request, _ context: WebContext) async -> WebResponse? {
        let given = WebHeaders(fields: request.headers, host: nil)["Authorization"]
        var verdict = PasswordKeeper.Verdict.refused
        if let given {
            if let known = keeper.verdict(given) {
                verdict = known
            } else {
                verdict = await keeper.verify(given, from: context.connection.remoteAddress)
            }
        }
        switch verdict {
        case .admitted: return nil
        case .refused:
            var response = WebResponse.error("Unauthorized", status: 401)
            response.headers.append(("WWW-Authenticate", "Basic"))
            return response
        case .busy:
            var response = WebResponse.error("Too many passwords are being verified; try again", status: 429)
            response.headers.append(("Retry-After", "1"))
            return response
        }
    }
}
