public import MetricModel

/// The flags of `promenade run`, by Prometheus's names.
///
/// The Pushgateway's flags stand beside them with `--pushgateway.` where it says `--web.`
public struct FlagSet: Sendable {
    /// One flag.
    struct Flag: Sendable {
        /// What it takes.
        enum Kind: Sendable {
            case text, duration, size, integer, number, list
            case toggle
            case choice([String])
        }

        /// Who reads it.
        enum Standing: Sendable {
            /// It does something here.
            case working
            /// Prometheus has it, so it is taken; here there is nothing that it could change.
            case accepted
        }

        var name: String
        var kind: Kind
        var standard: String
        var group: String
        var help: String
        var standing = Standing.working
    }

    private var given: [String: [String]] = [:]

    /// The flags at their defaults.
    public init() {}

    /// Reads arguments such as `--config.file=stack.yml`, `--log.level debug`, `--no-demo.enable`.
    /// - Throws: ``FlagError`` for an unknown flag (with the nearest known one) and for a value of the wrong form.
    public init(parsing arguments: some Sequence<String>) throws(FlagError) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument.count > 2 else {
                throw FlagError(message: "unexpected \(argument)")
            }
            let body = argument.dropFirst(2)
            let equals = body.firstIndex(of: "=")
            let name = String(equals.map { body[..<$0] } ?? body)
            var value = equals.map { String(body[body.index(after: $0)...]) }
            guard let flag = Self.byName[name] else {
                if name.hasPrefix("no-"), let flag = Self.byName[String(name.dropFirst(3))], case .toggle = flag.kind {
                    given[flag.name] = ["false"]
                    continue
                }
                throw .unknown(name)
            }
            if case .toggle = flag.kind {
                value = value ?? "true"
            } else if value == nil {
                guard let next = rest.popFirst() else {
                    throw FlagError(message: "expected argument for flag '--\(name)'")
                }
                value = next
            }
            try Self.check(flag, value ?? "")
            if case .list = flag.kind {
                given[name, default: []].append(value ?? "")
            } else {
                given[name] = [value ?? ""]
            }
        }
    }

    private static let byName: [String: Flag] = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })

    private static func check(_ flag: Flag, _ value: String) throws(FlagError) {
        let problem: String? =
            switch flag.kind {
            case .text, .list: nil
            case .toggle: value == "true" || value == "false" ? nil : "has to be true or false"
            case .integer: Int(value) == nil ? "has to be a whole number" : nil
            case .number: Double(value) == nil ? "has to be a number" : nil
            case .duration: (try? PrometheusDuration(parsing: value)) == nil ? "has to be a duration such as 30s" : nil
            case .size: (try? ByteSize(parsing: value)) == nil ? "has to be a size such as 512MB" : nil
            case .choice(let options):
                options.contains(value) ? nil : "must be one of \(options.joined(separator: ",")), got '\(value)'"
            }
        if let problem { throw FlagError(message: "--\(flag.name): \(GoText.quoted(value)) \(problem)") }
    }

    /// The value of a text flag; its default where it was not given.
    public subscript(name: String) -> String { given[name]?.last ?? Self.byName[name]?.standard ?? "" }

    /// Whether the flag was given.
    public func isGiven(_ name: String) -> Bool { given[name] != nil }

    /// Whether a switch is on.
    public func isOn(_ name: String) -> Bool { self[name] == "true" }

    /// All values of a flag that can be repeated; its default where it was not given.
    public func list(_ name: String) -> [String] {
        let values = given[name] ?? [Self.byName[name]?.standard ?? ""]
        return values.flatMap { $0.split(separator: ",") }.map(String.init)
    }

    /// The value of a flag that takes a whole number.
    public func integer(_ name: String) -> Int { Int(self[name]) ?? 0 }

    /// The value of a flag that takes a duration.
    public func duration(_ name: String) -> PrometheusDuration {
        (try? PrometheusDuration(parsing: self[name])) ?? PrometheusDuration(milliseconds: 0)
    }

    /// Sets a flag, as if it had been given.
    public mutating func set(_ name: String, _ value: String) { given[name] = [value] }

    /// All flags with their values, sorted by name, as `/api/v1/status/flags` lists them.
    public var all: [(name: String, value: String)] {
        Self.table.map { flag in
            var value = given[flag.name]?.joined(separator: ",") ?? flag.standard
            if case .duration = flag.kind, let duration = try? PrometheusDuration(parsing: value) {
                value = duration.description
            }
            if case .size = flag.kind, let size = try? ByteSize(parsing: value) { value = size.description }
            return (flag.name, value)
        }.sorted { $0.0 < $1.0 }
    }

    /// The help text: every flag with what it does and its default.
    public static var help: String {
        var text = """
            OVERVIEW: A whole local Prometheus stack in one process: a demo server, a Pushgateway and a Prometheus server.

            USAGE: promenade run [--flag=value …]

            Every flag bears the name it has in Prometheus; the Pushgateway's say --pushgateway. where it says --web.
            Switches take no value and are turned off with --no-NAME.

            """
        var groups: [String] = []
        for flag in table where !groups.contains(flag.group) { groups.append(flag.group) }
        for group in groups {
            text += "\n\(group):\n"
            for flag in table where flag.group == group && flag.standing == .working {
                var line = "  --\(flag.name)"
                if case .toggle = flag.kind {} else { line += "=\(flag.standard.isEmpty ? "<value>" : flag.standard)" }
                text += line.count < 46 ? line + String(repeating: " ", count: 46 - line.count) : line + "\n" + pad
                text += flag.help.replacing("\n", with: "\n" + pad) + "\n"
            }
        }
        let accepted = table.filter { $0.standing == .accepted }.map { "--" + $0.name }
        text += "\nTaken for the sake of Prometheus's scripts, without effect here:\n"
        text += accepted.map { "  \($0)\n" }.joined()
        return text
    }

    private static let pad = String(repeating: " ", count: 46)

    static var names: [String] { table.map(\.name) }
}

/// Why the command line cannot be used, in one line.
public struct FlagError: Error, Hashable, CustomStringConvertible {
    /// The message.
    public let message: String
    /// The message.
    public var description: String { message }

    static func unknown(_ name: String) -> FlagError {
        var text = "unknown long flag '--\(name)'"
        if let nearest = DidYouMean.nearest(name, among: FlagSet.names) { text += " (did you mean --\(nearest)?)" }
        return FlagError(message: text)
    }
}
