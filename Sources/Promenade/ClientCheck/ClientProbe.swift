/// The requests that show how a client's endpoint behaves. Each is sent once, the repeated ones in order on one connection.
package enum ClientProbe: Hashable, Sendable, CaseIterable {
    case plain, unknownAccept, text0, openMetrics0, openMetrics1, protobuf, prometheus
    case allowUTF8, underscores, dots, values
    case gzip, head, query, timeoutHeader
    case first, second, third
    case concurrent1, concurrent2, concurrent3, concurrent4, concurrent5, concurrent6, concurrent7, concurrent8

    /// Those that are sent at the same time.
    package static let concurrent: [ClientProbe] = [
        .concurrent1, .concurrent2, .concurrent3, .concurrent4, .concurrent5, .concurrent6, .concurrent7, .concurrent8,
    ]
    /// Those that follow each other.
    package static let repeated: [ClientProbe] = [.first, .second, .third]
    /// Those that ask for a way to escape names.
    package static let escapings: [ClientProbe] = [.allowUTF8, .underscores, .dots, .values]

    /// The Accept header; `nil` for none.
    package var accept: String? {
        switch self {
        case .plain: nil
        case .unknownAccept: "application/json"
        case .text0: "text/plain;version=0.0.4"
        case .openMetrics0: "application/openmetrics-text;version=0.0.1"
        case .openMetrics1: "application/openmetrics-text;version=1.0.0"
        case .protobuf: "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
        case .allowUTF8, .underscores, .dots, .values: "text/plain;version=1.0.0;escaping=\(scheme)"
        case .prometheus, .gzip, .head, .query, .timeoutHeader, .first, .second, .third, .concurrent1, .concurrent2,
            .concurrent3, .concurrent4, .concurrent5, .concurrent6, .concurrent7, .concurrent8:
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,"
                + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        }
    }

    /// The way to escape names that is asked for.
    var scheme: String {
        switch self {
        case .allowUTF8: "allow-utf-8"
        case .dots: "dots"
        case .values: "values"
        default: "underscores"
        }
    }

    /// The method.
    package var method: String { self == .head ? "HEAD" : "GET" }

    /// What is added to the query of the URL.
    package var query: String { self == .query ? "promenade_check=1" : "" }

    /// The headers.
    package var headers: [(name: String, value: String)] {
        var headers: [(String, String)] = []
        if let accept { headers.append(("Accept", accept)) }
        if self == .gzip { headers.append(("Accept-Encoding", "gzip")) }
        if self == .timeoutHeader { headers.append(("X-Prometheus-Scrape-Timeout-Seconds", "10")) }
        headers.append(("User-Agent", "promenade-check"))
        return headers
    }
}

/// What came back.
package struct ProbeAnswer: Sendable {
    package var status: Int
    /// The protocol's version: `1.1`.
    package var version: String
    package var headers: [(name: String, value: String)]
    /// The body as it came.
    package var body: [UInt8]
    /// Why there was no answer; empty where there was one.
    package var failure = ""

    package init(status: Int, version: String = "1.1", headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.version = version
        self.headers = headers
        self.body = body
    }

    /// No answer.
    package init(failure: String) {
        self.init(status: 0, headers: [], body: [])
        self.failure = failure
    }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// In a few words.
    var summary: String {
        if !failure.isEmpty { return failure }
        return "\(status) \(header("Content-Type") ?? "without a Content-Type")"
    }
}
