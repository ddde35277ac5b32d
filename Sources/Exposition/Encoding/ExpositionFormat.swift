/// How an exposition is written, as agreed with whoever asked for it.
public struct ExpositionFormat: Sendable, Hashable {
    /// The formats.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// Prometheus text 0.0.4.
        case text
        /// Prometheus text 1.0.0.
        case text1
        /// OpenMetrics 0.0.1.
        case openMetrics0
        /// OpenMetrics 1.0.0.
        case openMetrics1
        /// `io.prometheus.client.MetricFamily` messages, each after its length.
        case protobuf

        /// The media type with the parameters that name the format.
        var mediaType: String {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .text1: "text/plain; version=1.0.0; charset=utf-8"
            case .openMetrics0: "application/openmetrics-text; version=0.0.1; charset=utf-8"
            case .openMetrics1: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            case .protobuf:
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// The format.
    public var kind: Kind
    /// How unusual names are shown.
    public var escaping: NameEscaping

    /// A format.
    public init(_ kind: Kind, escaping: NameEscaping = .underscores) {
        self.kind = kind
        self.escaping = escaping
    }

    /// The value of the Content-Type header.
    public var contentType: String { "\(kind.mediaType); escaping=\(escaping.rawValue)" }

    /// Chooses by an Accept header as the Go client library does: the first acceptable one by falling quality, text 0.0.4 where
    /// none is. The last `escaping` seen on the way counts.
    /// - Parameters:
    ///   - accept: the header's value, empty where there is none.
    ///   - offered: what may be chosen besides text 0.0.4. A Go server without OpenMetrics offers protobuf only.
    public static func negotiate(
        accept: String,
        offered: Set<Kind> = [.openMetrics0, .openMetrics1, .protobuf]
    ) -> ExpositionFormat {
        var escaping = NameEscaping.underscores
        for range in AcceptedRange.parse(accept) {
            if let name = range.parameters["escaping"], let known = NameEscaping(rawValue: name) { escaping = known }
            if let kind = range.kind, kind == .text || offered.contains(kind) {
                return ExpositionFormat(kind, escaping: escaping)
            }
        }
        return ExpositionFormat(.text, escaping: escaping)
    }
}

/// One entry of an Accept header.
struct AcceptedRange {
    var type: String
    var subtype: String
    var quality = 1.0
    var parameters: [String: String] = [:]

    /// The format that the entry names.
    var kind: ExpositionFormat.Kind? {
        let version = parameters["version"] ?? ""
        switch "\(type)/\(subtype)" {
        case "application/vnd.google.protobuf":
            let isDelimited =
                parameters["proto"] == "io.prometheus.client.MetricFamily" && parameters["encoding"] == "delimited"
            return isDelimited ? .protobuf : nil
        case "text/plain": return version.isEmpty || version == "0.0.4" ? .text : version == "1.0.0" ? .text1 : nil
        case "application/openmetrics-text":
            return version == "1.0.0" ? .openMetrics1 : version.isEmpty || version == "0.0.1" ? .openMetrics0 : nil
        default: return nil
        }
    }

    /// The entries by falling quality, wildcards behind; otherwise in their order.
    static func parse(_ header: String) -> [AcceptedRange] {
        var ranges: [AcceptedRange] = []
        for part in header.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: ";", omittingEmptySubsequences: false)
            let names = (pieces.first ?? "").split(separator: "/", omittingEmptySubsequences: false)
            let type = trim(names.first ?? "")
            var range = AcceptedRange(type: type, subtype: "*")
            if names.count == 2 {
                range.subtype = trim(names[1])
            } else if names.count != 1 || type != "*" {
                continue
            }
            for piece in pieces.dropFirst() {
                let pair = piece.split(separator: "=", omittingEmptySubsequences: false)
                guard pair.count == 2, !pair[1].isEmpty else { continue }
                if trim(pair[0]) == "q" {
                    range.quality = (try? GoFloat.parse(Array(pair[1].utf8))) ?? 0
                } else {
                    range.parameters[trim(pair[0])] = trim(pair[1])
                }
            }
            ranges.append(range)
        }
        // A header may be a megabyte long: each in its place at once would take minutes.
        return ranges.enumerated().sorted { left, right in
            if left.element.precedes(right.element) { return true }
            return left.offset < right.offset && !right.element.precedes(left.element)
        }
        .map(\.element)
    }

    private func precedes(_ other: AcceptedRange) -> Bool {
        if quality != other.quality { return quality > other.quality }
        if (type == "*") != (other.type == "*") { return other.type == "*" }
        return subtype != "*" && other.subtype == "*"
    }

    private static func trim(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
