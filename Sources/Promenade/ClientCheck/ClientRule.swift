import Web

/// The rules that a client library is held to, each with the clause that it comes from.
package enum ClientRule: String, Sendable, Hashable, CaseIterable {
    // What is scraped.
    case reachable = "scrape.status"
    case contentType = "scrape.content-type"
    case defaultFormat = "scrape.default-format"
    case bodyMatches = "scrape.body"
    case unknownAccept = "accept.unknown"
    case text0 = "accept.text-0.0.4"
    case text1 = "accept.text-1.0.0"
    case openMetrics0 = "accept.openmetrics-0.0.1"
    case openMetrics1 = "accept.openmetrics-1.0.0"
    case protobuf = "accept.protobuf"
    case prometheus = "accept.prometheus"
    case escaping = "accept.escaping"
    case charset = "openmetrics.charset"
    case end = "openmetrics.eof"
    case textLint = "text.lint"
    case openMetricsLint = "openmetrics.lint"
    case sameSeries = "formats.same-series"
    case escapes = "text.escapes"
    case timestamps = "text.timestamps"
    case gzip = "http.gzip"
    case unaskedCoding = "http.identity"
    case head = "http.head"
    case query = "http.query"
    case timeoutHeader = "http.timeout-header"
    case keepAlive = "http.keep-alive"
    case concurrent = "http.concurrent"
    case monotone = "repeat.counters"
    case stableTypes = "repeat.types"
    case stableCreated = "repeat.created"
    case stableSeries = "repeat.series"
    // What is pushed.
    case pushCommand = "push.command"
    case pushMethod = "push.method"
    case pushPath = "push.path"
    case pushEscaping = "push.base64"
    case pushType = "push.content-type"
    case pushBody = "push.body"
    case pushNewline = "push.newline"
    case pushTimestamps = "push.timestamps"
    case pushTime = "push.push-time"
    case pushGroupLabels = "push.grouping-labels"
    case pushDelete = "push.delete"
    case pushStatus = "push.status"

    /// What has to be so.
    package var title: String { row.title }
    /// Where that is said.
    package var clause: String { row.clause.rawValue }
    /// What to do where it is not so.
    package var remedy: String { row.remedy }

    /// The clauses.
    private enum Clause: String {
        case formats = "Prometheus, Exposition formats: Basic info"
        case textFormat = "Prometheus, Exposition formats: Text format details"
        case negotiation = "Prometheus, Scrape protocol content negotiation: Protocol headers"
        case choice = "Prometheus, Scrape protocol content negotiation: Content-Type response"
        case escaping = "Prometheus, UTF-8 escaping schemes"
        case compression = "Prometheus, Exposition formats: Basic info (Content-Encoding)"
        case structure = "OpenMetrics 1.0: Text format, Overall structure"
        case openMetrics = "OpenMetrics 1.0: Text format"
        case counter = "OpenMetrics 1.0: Data model, Counter"
        case family = "OpenMetrics 1.0: Data model, MetricFamily"
        case libraries = "Prometheus, Writing client libraries: Exposition"
        case http = "RFC 9110"
        case url = "Pushgateway, README: API, URL"
        case methods = "Pushgateway, README: API, PUT, POST and DELETE method"
        case command = "Pushgateway, README: Command line"
        case times = "Pushgateway, README: About timestamps"
        case job = "Pushgateway, README: About the job and instance labels"
    }

    private struct Row {
        var title: String
        var clause: Clause
        var remedy: String
    }

    private var row: Row {
        switch self {
        case .reachable:
            Row(title: "a scrape is answered with 200", clause: .formats, remedy: "serve the exposition at this URL")
        case .contentType:
            Row(
                title: "every answer has a Content-Type that Prometheus reads",
                clause: .choice,
                remedy:
                    "send text/plain; version=0.0.4 or another type of the table; since 3.0 a scrape without one fails"
            )
        case .defaultFormat:
            Row(
                title: "who asks for nothing gets Prometheus text",
                clause: .formats,
                remedy: "answer text/plain; version=0.0.4 where there is no Accept header"
            )
        case .bodyMatches:
            Row(
                title: "each body can be read as what its Content-Type says",
                clause: .choice,
                remedy: "send the type that the body is written in"
            )
        case .unknownAccept:
            Row(
                title: "who asks for something unknown gets Prometheus text",
                clause: .choice,
                remedy: "fall back to text/plain instead of refusing"
            )
        case .text0:
            Row(
                title: "text 0.0.4 is answered where it is asked for",
                clause: .negotiation,
                remedy: "answer text/plain; version=0.0.4"
            )
        case .text1:
            Row(
                title: "text 1.0.0 is answered where it is asked for, or 0.0.4",
                clause: .negotiation,
                remedy: "answer text/plain with the version that the body has"
            )
        case .openMetrics0:
            Row(
                title: "OpenMetrics 0.0.1 is answered where it is asked for, or text",
                clause: .negotiation,
                remedy: "answer application/openmetrics-text; version=0.0.1, or text"
            )
        case .openMetrics1:
            Row(
                title: "OpenMetrics 1.0.0 is answered where it is asked for, or text",
                clause: .negotiation,
                remedy: "answer application/openmetrics-text; version=1.0.0; charset=utf-8, or text"
            )
        case .protobuf:
            Row(
                title: "delimited protobuf is answered where it is asked for, or text",
                clause: .negotiation,
                remedy: "answer application/vnd.google.protobuf with proto and encoding=delimited, or text"
            )
        case .prometheus:
            Row(
                title: "what Prometheus asks for is answered in a form that it asked for",
                clause: .choice,
                remedy: "choose by the weights of the Accept header"
            )
        case .escaping:
            Row(
                title: "names are escaped as asked for, and the answer says how",
                clause: .escaping,
                remedy: "escape unusual names by the scheme asked for and repeat it in the Content-Type"
            )
        case .charset:
            Row(
                title: "OpenMetrics says charset=utf-8",
                clause: .openMetrics,
                remedy: "send application/openmetrics-text; version=1.0.0; charset=utf-8"
            )
        case .end:
            Row(title: "OpenMetrics ends with # EOF", clause: .structure, remedy: "end the exposition with `# EOF\\n`")
        case .textLint:
            Row(
                title: "the text follows its format and the conventions",
                clause: .textFormat,
                remedy: "\(ProgramName.called) check metrics tells each line"
            )
        case .openMetricsLint:
            Row(
                title: "the OpenMetrics follows its format to the letter",
                clause: .openMetrics,
                remedy: "\(ProgramName.called) check metrics --format openmetrics tells each line"
            )
        case .sameSeries:
            Row(
                title: "every form tells of the same series",
                clause: .family,
                remedy: "let only the form depend on the Accept header, not the figures"
            )
        case .escapes:
            Row(
                title: "backslash, quote and line feed in label values and help are escaped",
                clause: .textFormat,
                remedy: "write \\\\, \\\" and \\n"
            )
        case .timestamps:
            Row(
                title: "samples have no timestamps of their own",
                clause: .libraries,
                remedy: "leave the timestamp to the scrape; with one, a series that ends is seen for five minutes more"
            )
        case .gzip:
            Row(
                title: "gzip is sent where it is asked for",
                clause: .compression,
                remedy: "compress with gzip where Accept-Encoding names it"
            )
        case .unaskedCoding:
            Row(
                title: "nothing is compressed that was not asked for",
                clause: .http,
                remedy: "compress only where Accept-Encoding names the coding"
            )
        case .head:
            Row(
                title: "HEAD is answered as GET, without a body",
                clause: .http,
                remedy: "answer HEAD with the headers of GET"
            )
        case .query:
            Row(
                title: "unknown query parameters are passed over",
                clause: .libraries,
                remedy: "ignore parameters that you do not know; scrape configurations send them"
            )
        case .timeoutHeader:
            Row(
                title: "the header that tells the scrape's timeout does no harm",
                clause: .libraries,
                remedy: "ignore headers that you do not know"
            )
        case .keepAlive:
            Row(
                title: "a connection serves several scrapes",
                clause: .http,
                remedy: "speak HTTP/1.1 and keep the connection open"
            )
        case .concurrent:
            Row(
                title: "scrapes at the same time are all answered",
                clause: .libraries,
                remedy: "collect without a lock that a second scrape fails on"
            )
        case .monotone:
            Row(
                title: "counters, buckets and counts never go down",
                clause: .counter,
                remedy: "count upwards only; use a gauge for what goes down"
            )
        case .stableTypes:
            Row(
                title: "types and help stay the same from scrape to scrape",
                clause: .family,
                remedy: "settle type and help once for each family"
            )
        case .stableCreated:
            Row(
                title: "_created stays the same as long as nothing is reset",
                clause: .counter,
                remedy: "set the creation time when the counter begins, not at the scrape"
            )
        case .stableSeries:
            Row(
                title: "series stay from scrape to scrape",
                clause: .libraries,
                remedy: "keep exposing a series once it was there"
            )
        case .pushCommand:
            Row(
                title: "the command ends well and has pushed",
                clause: .command,
                remedy: "push to the URL in $PUSHGATEWAY_URL (host and port alone in $PUSHGATEWAY_ADDRESS)"
            )
        case .pushMethod:
            Row(title: "pushes are PUT, POST or DELETE", clause: .methods, remedy: "use PUT, POST or DELETE")
        case .pushPath:
            Row(
                title: "the path is /metrics/job/JOB and pairs of a label and its value",
                clause: .url,
                remedy: "push to /metrics/job/JOB{/LABEL/VALUE}; the job must not be empty"
            )
        case .pushEscaping:
            Row(
                title: "values that are empty or contain a slash are sent in Base64",
                clause: .url,
                remedy: "send LABEL@base64/ and the value in URL-safe Base64 (`=` for an empty one)"
            )
        case .pushType:
            Row(
                title: "the Content-Type is that of text or of delimited protobuf",
                clause: .methods,
                remedy: "send text/plain; version=0.0.4 or delimited protobuf; the Pushgateway reads no OpenMetrics"
            )
        case .pushBody:
            Row(title: "the body can be read", clause: .methods, remedy: "send the Prometheus text format 0.0.4")
        case .pushNewline:
            Row(
                title: "the body's last line ends with a line feed",
                clause: .command,
                remedy: "end the body with \\n"
            )
        case .pushTimestamps:
            Row(title: "nothing pushed has a timestamp", clause: .times, remedy: "leave timestamps out")
        case .pushTime:
            Row(
                title: "push_time_seconds is left to the Pushgateway",
                clause: .times,
                remedy: "rename the metric; the Pushgateway adds its own"
            )
        case .pushGroupLabels:
            Row(
                title: "labels of the group are not repeated with other values",
                clause: .job,
                remedy: "leave the labels of the grouping key out of the metrics; the Pushgateway sets them"
            )
        case .pushDelete:
            Row(title: "a deletion has no body", clause: .methods, remedy: "send DELETE without a body")
        case .pushStatus:
            Row(
                title: "the Pushgateway accepts every push",
                clause: .methods,
                remedy: "read the answer: it says what was wrong"
            )
        }
    }
}
