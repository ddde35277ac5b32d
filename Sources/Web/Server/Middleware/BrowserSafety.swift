import HTTPTypes
import Hummingbird

/// Tells browsers not to take an answer for what it is not: nothing that is shown may run or load anything, unless a page says what it
/// needs. Browsers show data, too.
struct BrowserSafety: Sendable {
    // Made once: each field's value is looked at when it is made.
    private static let policy = HTTPField(
        name: .contentSecurityPolicy,
        value: "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    private static let unsniffed = HTTPField(name: .xContentTypeOptions, value: "nosniff")

    /// Headers that the operator wants every answer to have.
    let extra: [(name: HTTPField.Name, value: String)]

    init(_ extra: [(name: String, value: String)]) {
        self.extra = extra.compactMap { header in HTTPField.Name(header.name).map { ($0, header.value) } }
    }

    func amend(_ response: inout Response) {
        var hasPolicy = false
        var isUnsniffed = false
        var names: Set<HTTPField.Name> = []
        for field in response.headers {
            if !extra.isEmpty { names.insert(field.name) }
            switch field.name {
            case .contentSecurityPolicy: hasPolicy = true
            case .xContentTypeOptions: isUnsniffed = true
            default: break
            }
        }
        for header in extra where !names.contains(header.name) {
            response.headers.append(HTTPField(name: header.name, value: header.value))
            if header.name == .contentSecurityPolicy { hasPolicy = true }
            if header.name == .xContentTypeOptions { isUnsniffed = true }
        }
        if !isUnsniffed { response.headers.append(Self.unsniffed) }
        if !hasPolicy { response.headers.append(Self.policy) }
    }
}
