/// A flag of `promenade run`.
struct Flag: Sendable {
    /// What it takes.
    enum Kind: Sendable {
        case text, duration, size, integer, number, list
        /// A whole number as Go's source texts have it: `0x10`, `0o17`, `010`, `1_000`.
        case integerLiteral
        /// A span of time as Go reads it, with days and weeks: `2ms`, `1.5h`, `1d`.
        case goDuration
        /// A regular expression that matches as a whole.
        case pattern
        /// A URL.
        case url
        case toggle
        case choice([String])
        /// Some of these; may be repeated.
        case choices([String])
    }

    /// Who reads it.
    enum Standing: Sendable, Equatable {
        /// It does something here.
        case working
        /// Prometheus or the Pushgateway has it, so it is taken; why nothing changes by it here.
        case withoutEffect(String)
    }

    var name: String
    var kind: Kind
    var standard: String
    var group: String
    var help: String
    var standing = Standing.working

    /// Whether it stands alone, without a value.
    var isToggle: Bool {
        if case .toggle = kind { true } else { false }
    }

    /// Whether it may be given more than once.
    var isRepeatable: Bool {
        switch kind {
        case .list, .choices: true
        case .text, .duration, .size, .integer, .integerLiteral, .number, .goDuration, .pattern, .url, .toggle, .choice:
            false
        }
    }

    /// The values that can be named one by one.
    var knownValues: [String] {
        switch kind {
        case .choice(let values), .choices(let values): values
        case .list where name == "enable-feature": FeatureName.all.map(\.name)
        case .list, .text, .duration, .size, .integer, .integerLiteral, .number, .goDuration, .pattern, .url, .toggle:
            []
        }
    }
}
