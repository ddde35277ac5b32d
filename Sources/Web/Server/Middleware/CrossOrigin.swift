import HTTPTypes
import Hummingbird
public import MetricModel

/// Which origins may read a server's answers from a page, as Prometheus's `--web.cors.origin`.
public struct CrossOrigin: Sendable {
    private enum Origins: Sendable {
        case none
        case all
        case matching(RegularExpression)
    }

    private let origins: Origins

    /// No other than the server's own.
    public static let none = CrossOrigin(.none)
    /// Every origin.
    public static let any = CrossOrigin(.all)

    private init(_ origins: Origins) { self.origins = origins }

    /// The origins that the pattern matches as a whole.
    /// - Throws: ``RegularExpressionError`` where it is not a pattern.
    public init(matching pattern: String) throws(RegularExpressionError) {
        origins = pattern == ".*" ? .all : .matching(try RegularExpression(pattern, anchored: true))
    }

    /// Whether pages of whatever origin may read answers.
    var allowsAll: Bool {
        switch origins {
        case .all: true
        case .none, .matching: false
        }
    }

    /// Whether pages from anywhere else may read answers at all.
    var isOff: Bool {
        switch origins {
        case .none: true
        case .all, .matching: false
        }
    }

    /// Whether pages of that origin may read answers.
    func allows(_ origin: String) -> Bool {
        switch origins {
        case .none: false
        case .all: true
        case .matching(let pattern): pattern.matches(origin)
        }
    }
}

/// Adds to the answers of an API what lets pages from elsewhere read them.
struct CrossOriginHeaders: OriginFields {
    let origins: CrossOrigin

    /// The fields for a request from a page of that origin.
    func fields(for origin: String?) -> [HTTPField] {
        let vary = HTTPField(name: .vary, value: "Origin")
        guard let origin, !origin.isEmpty, !origins.isOff else { return [vary] }
        // Go's handler tells what would be allowed to others, too; without their origin among it a browser lets no page read.
        var fields = [
            vary,
            HTTPField(name: .accessControlAllowHeaders, value: "Accept, Authorization, Content-Type, Origin"),
            HTTPField(name: .accessControlAllowMethods, value: "GET, POST, OPTIONS"),
            HTTPField(name: .accessControlExposeHeaders, value: "Date"),
        ]
        if origins.allows(origin) { fields.append(HTTPField(name: .accessControlAllowOrigin, value: origin)) }
        return fields
    }
}

/// Adds fields to answers by the origin of the page that asks.
protocol OriginFields: AnswerAmendment {
    /// The fields for a request from a page of that origin; `nil` where none is named.
    func fields(for origin: String?) -> [HTTPField]
}

extension OriginFields {
    func amend(_ response: inout Response, to request: Request) {
        for field in fields(for: WebHeaders(fields: request.headers, host: nil)["Origin"]) {
            response.headers.append(field)
        }
    }
}
