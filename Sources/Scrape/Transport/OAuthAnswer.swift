import ConfigTree
import MetricModel

/// What a token server answers, as Go's library reads it: JSON, or a form where the server says so.
struct OAuthAnswer: Sendable {
    var token = ""
    var kind = ""
    /// How long the token is valid; 0 for ever.
    var seconds: Int64 = 0
    var problem = ""
    var problemDescription = ""
    var problemURI = ""

    /// Reads an answer.
    /// - Throws: ``ConfigError`` where it is not the JSON that it should be.
    init(_ text: [UInt8], contentType: String) throws(ConfigError) {
        let type = contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        if type == "application/x-www-form-urlencoded" || type == "text/plain" {
            readForm(String(decoding: text, as: UTF8.self))
            return
        }
        let problems = ConfigProblems(file: "token")
        let node = try JSONReader.parse(text, file: "token")
        let root = ConfigSection(node, type: "internal.tokenJSON", path: "", problems: problems)
        token = root.string("access_token") ?? ""
        kind = root.string("token_type") ?? ""
        problem = root.string("error") ?? ""
        problemDescription = root.string("error_description") ?? ""
        problemURI = root.string("error_uri") ?? ""
        // Some servers send the number as text.
        if let node = root.node("expires_in"), !node.isNull {
            guard let number = node.text.flatMap({ Int64($0) }) else {
                // Without what stands there instead, as Go has it: it may be the token.
                let message = "json: invalid number literal, trying to unmarshal expires_in into Number"
                throw ConfigError(file: "token", problems: [ConfigProblem(.decoding, message, line: node.line)])
            }
            seconds = number
        }
        try problems.throwIfAny()
    }

    private mutating func readForm(_ text: String) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = URLText.unescaped(parts[0]), parts.count == 2,
                let value = URLText.unescaped(Substring(parts[1].replacing("+", with: " ")))
            else { continue }
            switch name {
            case "access_token": token = value
            case "token_type": kind = value
            case "expires_in": seconds = Int64(value) ?? 0
            case "error": problem = value
            case "error_description": problemDescription = value
            case "error_uri": problemURI = value
            default: break
            }
        }
    }
}
