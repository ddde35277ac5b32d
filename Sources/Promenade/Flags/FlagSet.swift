import ConfigTree
public import MetricModel

/// The flags of `promenade run`, by Prometheus's names.
///
/// The Pushgateway's flags stand beside them with `--pushgateway.` where it says `--web.`
public struct FlagSet: Sendable {
    private var given: [String: [String]] = [:]

    /// The flags at their defaults.
    public init() {}

    /// Reads arguments such as `--config.file=stack.yml`, `--log.level debug`, `--no-demo.enabled`, as Prometheus reads its own:
    /// a value after `=` or in the next argument, none for switches, each flag once unless it is a list; `@FILE` stands for the
    /// file's lines, one argument each.
    /// - Throws: ``FlagError`` for an unknown flag (with the nearest known one) and for a value of the wrong form.
    public init(parsing arguments: some Sequence<String>) throws(FlagError) {
        var rest = Array(arguments)[...]
        var isExpanded = false
        while let argument = rest.popFirst() {
            if argument.hasPrefix("@"), !isExpanded {
                rest = try Self.lines(of: String(argument.dropFirst())) + rest
                // What stands in such a file is not expanded again.
                isExpanded = true
                continue
            }
            if argument == "--", rest.isEmpty { break }
            guard argument.hasPrefix("--"), argument.count > 2 else { throw .unexpected(argument, rest.first) }
            let body = argument.dropFirst(2)
            let equals = body.firstIndex(of: "=")
            let name = String(equals.map { body[..<$0] } ?? body)
            let value = equals.map { String(body[body.index(after: $0)...]) }
            if let flag = Self.byName[name] {
                try read(flag, value, &rest)
            } else if name.hasPrefix("no-"), let flag = Self.byName[String(name.dropFirst(3))], flag.isToggle {
                try note(flag, "false", given: value)
            } else {
                throw .unknown(name)
            }
        }
    }

    /// The same, with flags of a variable of the environment, apart by blanks, in the place of the defaults: so an image for containers
    /// listens on all of its interfaces whatever else it is told to do.
    /// - Throws: ``FlagError``, which says so where it is the variable that is wrong.
    public init(parsing arguments: some Sequence<String>, presets: String?) throws(FlagError) {
        do {
            self = try FlagSet(parsing: (presets ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
        } catch {
            throw FlagError(message: "\(Self.presetsVariable): \(error.message)")
        }
        given.merge(try FlagSet(parsing: arguments).given) { _, given in given }
    }

    /// The variable of the environment that has flags for `promenade run`.
    public static let presetsVariable = "PROMENADE_RUN_FLAGS"

    private mutating func read(
        _ flag: Flag,
        _ value: String?,
        _ rest: inout ArraySlice<String>
    ) throws(FlagError) {
        if flag.isToggle { return try note(flag, "true", given: value) }
        // What looks like a flag is one, and no value; a minus by itself is none.
        let isFlag = rest.first.map { $0.hasPrefix("-") && $0.count > 1 } ?? false
        guard let text = value ?? (isFlag ? nil : rest.popFirst()) else {
            throw FlagError(message: "expected argument for flag '--\(flag.name)'")
        }
        try note(flag, try flag.checked(text), given: nil)
    }

    /// Takes a value; `given` is what a switch, which needs none, was given.
    private mutating func note(_ flag: Flag, _ value: String, given text: String?) throws(FlagError) {
        if let text {
            throw FlagError(
                message: "unexpected \(text): --\(flag.name) is a switch and takes no value; "
                    + "--no-\(flag.name) turns it off"
            )
        }
        guard flag.isRepeatable || given[flag.name] == nil else {
            throw FlagError(message: "flag '\(flag.name)' cannot be repeated")
        }
        given[flag.name, default: []].append(value)
    }

    private static func lines(of path: String) throws(FlagError) -> [String] {
        guard let bytes = FileAccess.readNamed(path) else {
            let reason = StackError.system(lastErrorNumber())
            throw FlagError(message: "failed to open arguments file \(GoText.quoted(path)): \(reason)")
        }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            .filter { !$0.hasPrefix("#") }.map(String.init)
    }

    static let byName: [String: Flag] = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })

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
        Self.table.map { flag in (flag.name, given[flag.name]?.joined(separator: ",") ?? flag.standard) }
            .sorted { $0.0 < $1.0 }
    }

    /// Flags and features that were given and change nothing, with the reason, in the order of their names; and features that
    /// nobody knows.
    public var withoutEffect: [FlagRemark] {
        var remarks: [FlagRemark] = []
        for name in given.keys.sorted() {
            guard let flag = Self.byName[name] else { continue }
            switch flag.standing {
            case .working: break
            case .withoutEffect(let reason):
                remarks.append(FlagRemark(flag: "--" + name, text: "has no effect here: \(reason)"))
            }
        }
        for name in ["web.listen-address", "pushgateway.listen-address", "demo.listen-address"]
        where list(name).count > 1 {
            remarks.append(FlagRemark(flag: "--" + name, text: "only the first of several addresses is listened on"))
        }
        var seen: Set<String> = []
        for name in list("enable-feature") where seen.insert(name).inserted {
            guard let text = FeatureName.remark(on: name) else { continue }
            remarks.append(FlagRemark(flag: "--enable-feature=" + name, text: text))
        }
        return remarks
    }

    /// The flag that names a file, where a word looks like that of a configuration.
    package static func naming(configuration word: String) -> String? {
        [".yml", ".yaml", ".json"].contains(where: word.hasSuffix) ? "--config.file=\(word)" : nil
    }

    static var names: [String] { table.map(\.name) }
}

/// What should be known about a flag that was given.
public struct FlagRemark: Sendable, Hashable {
    /// The flag as it was given: `--agent`, `--enable-feature=old-ui`.
    public var flag: String
    /// What is to be said of it.
    public var text: String
}

/// Why the command line cannot be used, in one line.
public struct FlagError: Error, Hashable, CustomStringConvertible {
    /// The message.
    public let message: String
    /// The message.
    public var description: String { message }

    static func unknown(_ name: String) -> FlagError {
        var text = "unknown long flag '--\(name)'"
        let isOff = name.hasPrefix("no-")
        let bare = isOff ? String(name.dropFirst(3)) : name
        if isOff, FlagSet.byName[bare] != nil {
            text += " (--\(bare) takes a value: it cannot be turned off with no-)"
        } else if let nearest = FlagSet.suggestion(for: bare, isOff: isOff) {
            text += " (did you mean --\(isOff && FlagSet.byName[nearest]?.isToggle == true ? "no-" : "")\(nearest)?)"
        }
        return FlagError(message: text)
    }

    static func unexpected(_ argument: String, _ next: String?) -> FlagError {
        if argument == "--" { return FlagError(message: "unexpected \(next ?? "--")") }
        if argument.hasPrefix("-"), argument.count > 1 {
            let letter = argument.dropFirst().prefix(1)
            let isWord = FlagSet.byName[String(argument.dropFirst().prefix { $0 != "=" })] != nil
            return FlagError(
                message: "unknown short flag '-\(letter)'" + (isWord ? " (did you mean -\(argument)?)" : "")
            )
        }
        let isFlag = FlagSet.byName[String(argument.prefix { $0 != "=" })] != nil
        let meant = isFlag ? "--\(argument)" : FlagSet.naming(configuration: argument)
        return FlagError(message: "unexpected \(argument)" + (meant.map { " (did you mean \($0)?)" } ?? ""))
    }
}

extension FlagSet {
    /// Whether each part of a name is nearly the same as the other's, so that a long end in common does not hide another beginning.
    private static func isLike(_ name: String, _ other: String) -> Bool {
        let (parts, others) = (name.split(separator: "."), other.split(separator: "."))
        return parts.count != others.count
            || zip(parts, others).allSatisfy { DidYouMean.nearest(String($0), among: [String($1)]) != nil }
    }

    /// The flag that was probably meant: nearly the same letters, or the same words, if need be with their slips mended.
    /// - Parameter isOff: whether it was to be turned off with `no-`.
    static func suggestion(for name: String, isOff: Bool = false) -> String? {
        if let nearest = DidYouMean.nearest(name, among: names + ["help", "version"]), isLike(name, nearest) {
            return nearest
        }
        if let known = sameWords(as: name, isOff: isOff) { return known }
        let mended = words(of: name).map { DidYouMean.nearest($0, among: vocabulary) ?? $0 }.joined(separator: "-")
        return sameWords(as: mended, isOff: isOff)
    }

    /// What other programs call some of these.
    private static let elsewhere = [
        "port": "web.listen-address", "host": "web.listen-address", "bind": "web.listen-address",
        "data": "storage.path", "verbose": "log.level", "debug": "log.level",
    ]

    /// Every word of the flags' names.
    private static let vocabulary: [String] = Set(names.flatMap(words(of:))).union(elsewhere.keys).sorted()

    private static func words(of name: String) -> [String] { name.split { ".-".contains($0) }.map(String.init) }

    /// The flag with the same end (`--listen-address`), with these words (`--config`, `--no-demo`, `--retention`), or with the same
    /// last word where others have another beginning.
    private static func sameWords(as name: String, isOff: Bool) -> String? {
        let words = words(of: name)
        guard let word = words.last else { return nil }
        if words.count == 1, let known = elsewhere[word] { return known }
        let ends = names.filter { $0.hasSuffix("." + name) || $0.hasSuffix("-" + name) }
        let last = name.split(separator: ".").last ?? ""
        let parts = names.filter { known in
            words.allSatisfy(Self.words(of: known).contains) || last.contains("-") && known.hasSuffix("." + last)
        }
        let all = ends + parts
        let toggles = isOff ? all.filter { byName[$0]?.isToggle == true } : []
        let found = toggles.isEmpty ? all : toggles
        return found.first { byName[$0]?.standing == .working } ?? found.first
    }
}
