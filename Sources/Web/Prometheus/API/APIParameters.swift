import MetricModel

/// The parameters of a request to the API, read as Prometheus reads them.
struct APIParameters {
    let form: FormValues
    /// Only what stood in the URL; a few parameters are looked for nowhere else.
    let query: FormValues

    init(_ request: WebRequest) {
        form = FormValues(withParts: request)
        query = FormValues(parsing: request.rawQuery)
    }

    /// Refuses what is malformed, where Prometheus does; elsewhere the well-formed values count.
    func requireForm() throws(APIFailure) {
        if let error = form.error { throw APIFailure(.badData, "error parsing form values: \(error)") }
    }

    subscript(name: String) -> String { form[name] }

    /// `limit`: 0 for none.
    func limit() throws(APIFailure) -> Int {
        let text = form["limit"]
        guard !text.isEmpty else { return 0 }
        switch GoSyntax.integer(text) {
        case .failure(let error): throw .invalid("limit", error.message)
        case .success(let value):
            guard value >= 0 else { throw .invalid("limit", "limit must be non-negative") }
            return value
        }
    }

    /// An optional time.
    func time(_ name: String, default standard: APITime) throws(APIFailure) -> APITime {
        let text = form[name]
        guard !text.isEmpty else { return standard }
        guard let time = APITime(parsing: text) else {
            throw .invalid(
                name,
                "invalid time value for '\(name)': cannot parse \(GoText.quoted(text)) to a valid timestamp"
            )
        }
        return time
    }

    /// A time that has to be there.
    func requiredTime(_ name: String) throws(APIFailure) -> APITime {
        let text = form[name]
        guard let time = APITime(parsing: text) else {
            throw .invalid(name, "cannot parse \(GoText.quoted(text)) to a valid timestamp")
        }
        return time
    }

    /// A duration in nanoseconds.
    static func duration(_ text: String) -> Result<Int64, APIFailure.Text> {
        if let seconds = GoSyntax.float(text) {
            let nanoseconds = seconds * 1e9
            if nanoseconds > 0x1p63 || nanoseconds < -0x1p63 {
                return .failure(
                    APIFailure.Text("cannot parse \(GoText.quoted(text)) to a valid duration. It overflows int64")
                )
            }
            return .success(Int64(exactly: nanoseconds.rounded(.towardZero)) ?? .min)
        }
        if let duration = try? PrometheusDuration(parsing: text) {
            return .success(duration.milliseconds * 1_000_000)
        }
        return .failure(APIFailure.Text("cannot parse \(GoText.quoted(text)) to a valid duration"))
    }

    /// `timeout` in nanoseconds; `nil` where there is none.
    func timeout() throws(APIFailure) -> Int64? {
        let text = form["timeout"]
        guard !text.isEmpty else { return nil }
        switch Self.duration(text) {
        case .success(let value): return value
        case .failure(let error): throw .invalid("timeout", error.message)
        }
    }

    /// `lookback_delta` in milliseconds; `nil` where there is none, or none above zero.
    func lookbackDelta() throws(APIFailure) -> Int64? {
        let text = form["lookback_delta"]
        guard !text.isEmpty else { return nil }
        switch Self.duration(text) {
        case .success(let value): return value > 0 ? value / 1_000_000 : nil
        case .failure(let error):
            throw APIFailure(.badData, "error parsing lookback delta duration: \(error.message)")
        }
    }
}
