import MetricModel

/// The functions that templates may call: Go's own and Prometheus's.
enum TemplateFunction: String, CaseIterable {
    // Go's.
    case and, or, not, eq, ne, lt, le, gt, ge, len, index, slice, print, printf, println, html, js, urlquery, call
    // Prometheus's.
    case query, first, label, value, strvalue, args, reReplaceAll, safeHtml, match, title, toUpper, toLower
    case graphLink, tableLink, sortByLabel, stripPort, stripDomain, humanize, humanize1024, humanizeDuration
    case humanizePercentage, humanizeTimestamp, toTime, toDuration, now, pathPrefix, externalURL, parseDuration
    case urlQueryEscape

    /// Whether it is one of Go's own.
    var isBuiltIn: Bool {
        switch self {
        case .and, .or, .not, .eq, .ne, .lt, .le, .gt, .ge, .len, .index, .slice, .print, .printf, .println, .html,
            .js, .urlquery, .call:
            true
        case .query, .first, .label, .value, .strvalue, .args, .reReplaceAll, .safeHtml, .match, .title, .toUpper,
            .toLower, .graphLink, .tableLink, .sortByLabel, .stripPort, .stripDomain, .humanize, .humanize1024,
            .humanizeDuration, .humanizePercentage, .humanizeTimestamp, .toTime, .toDuration, .now, .pathPrefix,
            .externalURL, .parseDuration, .urlQueryEscape:
            false
        }
    }

    /// The type of a parameter.
    enum Parameter {
        /// `string`
        case string
        /// `interface {}`
        case any
        /// Whatever is handed over, `reflect.Value`.
        case value
        /// `*template.sample`
        case sample
        /// `template.queryResult`
        case samples
        /// `int`
        case int
        /// `time.Duration`
        case duration
        /// `time.Time`
        case time

        var name: String {
            switch self {
            case .string: "string"
            case .any: "interface {}"
            case .value: "reflect.Value"
            case .sample: "*template.sample"
            case .samples: "template.queryResult"
            case .int: "int"
            case .duration: "time.Duration"
            case .time: "time.Time"
            }
        }

        /// Whether `nil` may be handed over.
        var takesNil: Bool {
            switch self {
            case .any, .value, .sample, .samples: true
            case .string, .int, .duration, .time: false
            }
        }
    }

    /// What a function takes.
    struct Signature {
        var fixed: [Parameter]
        /// The type of any number of values more.
        var rest: Parameter?

        init(_ fixed: [Parameter], rest: Parameter? = nil) {
            self.fixed = fixed
            self.rest = rest
        }
    }

    var signature: Signature {
        switch self {
        case .and, .or, .eq, .index, .slice, .call: Signature([.value], rest: .value)
        case .not, .len: Signature([.value])
        case .ne, .lt, .le, .gt, .ge: Signature([.value, .value])
        case .print, .println, .html, .js, .urlquery, .args: Signature([], rest: .any)
        case .printf: Signature([.string], rest: .any)
        case .query, .safeHtml, .title, .toUpper, .toLower, .graphLink, .tableLink, .stripPort, .stripDomain,
            .parseDuration, .urlQueryEscape:
            Signature([.string])
        case .first: Signature([.samples])
        case .label: Signature([.string, .sample])
        case .value, .strvalue: Signature([.sample])
        case .reReplaceAll: Signature([.string, .string, .string])
        case .match: Signature([.string, .string])
        case .sortByLabel: Signature([.string, .samples])
        case .humanize, .humanize1024, .humanizeDuration, .humanizePercentage, .humanizeTimestamp, .toTime, .toDuration:
            Signature([.any])
        case .now, .pathPrefix, .externalURL: Signature([])
        }
    }
}

/// Why a function failed, without the place.
struct TemplateCallFailure: Error {
    var message: String
    /// A query that has to be answered before the template can go on.
    var query: String?

    init(_ message: String) { self.message = message }

    init(needing query: String) {
        message = ""
        self.query = query
    }

    static let nilPointer = TemplateCallFailure("runtime error: invalid memory address or nil pointer dereference")
}
