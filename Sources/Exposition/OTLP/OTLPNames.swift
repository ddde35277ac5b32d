import MetricModel

/// How names of OpenTelemetry become names of metrics and labels.
public enum OTLPStrategy: String, Sendable, Hashable, CaseIterable {
    /// Underscores for what older programs do not know, unit and kind as suffixes.
    case underscoresWithSuffixes = "UnderscoreEscapingWithSuffixes"
    /// Underscores for what older programs do not know, nothing added.
    case underscoresWithoutSuffixes = "UnderscoreEscapingWithoutSuffixes"
    /// Names as they are, unit and kind as suffixes.
    case plainWithSuffixes = "NoUTF8EscapingWithSuffixes"
    /// Names as they are.
    case plain = "NoTranslation"

    /// Whether characters are replaced.
    var escapes: Bool {
        switch self {
        case .underscoresWithSuffixes, .underscoresWithoutSuffixes: true
        case .plainWithSuffixes, .plain: false
        }
    }

    /// Whether unit and kind are added.
    var addsSuffixes: Bool {
        switch self {
        case .underscoresWithSuffixes, .plainWithSuffixes: true
        case .underscoresWithoutSuffixes, .plain: false
        }
    }
}

/// Names of metrics: the rules of OpenTelemetry's specification, "Prometheus and OpenMetrics compatibility".
struct OTLPMetricNamer {
    var strategy: OTLPStrategy

    private static let units: [String: String] = [
        "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
        "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
        "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
        "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius",
        "Hz": "hertz", "1": "", "%": "percent",
    ]
    private static let unitsPer: [String: String] = [
        "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
    ]

    /// What a name is made of.
    private struct Origin: Hashable {
        var name: String
        var unit: String
        var isCounter: Bool
        var isGauge: Bool
    }

    /// Names that were made already: requests have the same ones for many resources.
    private var known: [Origin: (origin: Origin, name: String)] = [:]

    init(strategy: OTLPStrategy) { self.strategy = strategy }

    /// The name of a metric's family.
    mutating func name(of metric: OTLPMetrics.Metric) throws(ExpositionError) -> String {
        let isCounter: Bool
        if case .sum(_, _, isMonotonic: true) = metric.content { isCounter = true } else { isCounter = false }
        let isGauge: Bool
        if case .gauge = metric.content { isGauge = true } else { isGauge = false }
        let origin = Origin(name: metric.name, unit: metric.unit, isCounter: isCounter, isGauge: isGauge)
        // Texts that look the same may differ in their bytes.
        if let known = known[origin], known.origin.name.hasSameBytes(as: metric.name),
            known.origin.unit.hasSameBytes(as: metric.unit)
        {
            return known.name
        }
        let name = try makeName(metric, isCounter, isGauge)
        known[origin] = (origin, name)
        return name
    }

    private func makeName(
        _ metric: OTLPMetrics.Metric,
        _ isCounter: Bool,
        _ isGauge: Bool
    ) throws(ExpositionError) -> String {
        guard strategy.escapes else { return plain(metric, isCounter, isGauge) }
        let name =
            strategy.addsSuffixes
            ? normalized(metric, isCounter, isGauge)
            : Self.startingWithLetter(Self.words(metric.name, keeping: "_").joined("_"))
        if name.isEmpty {
            throw ExpositionError("normalization for metric \(GoText.quoted(metric.name)) resulted in empty name")
        }
        if name.utf8.allSatisfy({ $0 == UInt8(ascii: "_") }), !name.hasSameBytes(as: metric.name) {
            throw ExpositionError(
                "normalization for metric \(GoText.quoted(metric.name)) resulted in invalid name \(GoText.quoted(name))"
            )
        }
        return name
    }

    private func normalized(_ metric: OTLPMetrics.Metric, _ isCounter: Bool, _ isGauge: Bool) -> String {
        var words = Self.words(metric.name)
        let (main, per) = Self.suffixes(metric.unit)
        Self.add(Self.cleaned(main), Self.cleaned(per), to: &words)
        func end(in word: String) { words = words.filter { $0 != word } + [word] }
        if isCounter { end(in: "total") }
        if metric.unit == "1", isGauge { end(in: "ratio") }
        return Self.startingWithLetter(words.joined("_"))
    }

    private static func add(_ main: String, _ per: String, to words: inout [String]) {
        var (main, per) = (words.contains(main) ? "" : main, per == "per_" ? "" : per)
        if per.hasSuffix("_") { per.removeLast() }
        if words.contains(per) { per = "" }
        if !per.isEmpty, main.hasSuffix("_") { main.removeLast() }
        if !main.isEmpty { words.append(main) }
        if !per.isEmpty { words.append(per) }
    }

    /// A name whose characters stay: suffixes that are there already come last.
    private func plain(_ metric: OTLPMetrics.Metric, _ isCounter: Bool, _ isGauge: Bool) -> String {
        guard strategy.addsSuffixes else { return metric.name }
        var name = metric.name
        let isRatio = metric.unit == "1" && isGauge
        let (main, per) = Self.suffixes(metric.unit)
        if isRatio { Self.trim("ratio", from: &name) }
        if isCounter { Self.trim("total", from: &name) }
        if !per.isEmpty { Self.trim(per, from: &name) }
        if !main.isEmpty, !Self.ends(name, main) { name += "_" + main }
        if !per.isEmpty { name += "_" + per }
        if isCounter { name += "_total" }
        if isRatio { name += "_ratio" }
        return name
    }

    /// Takes a suffix off, with the character before it.
    private static func trim(_ suffix: String, from name: inout String) {
        guard ends(name, suffix), name.utf8.count > suffix.utf8.count + 1 else { return }
        name = String(decoding: name.utf8.dropLast(suffix.utf8.count + 1), as: UTF8.self)
    }

    private static func ends(_ name: String, _ suffix: String) -> Bool {
        name.utf8.count >= suffix.utf8.count && name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// What a unit adds to a name.
    private static func suffixes(_ unit: String) -> (main: String, per: String) {
        let parts = unit.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        func word(_ text: Substring, _ known: [String: String]) -> String {
            var trimmed = text.drop(while: \.isWhitespace)
            while trimmed.last?.isWhitespace == true { trimmed.removeLast() }
            if trimmed.isEmpty || trimmed.contains(where: { $0 == "{" || $0 == "}" }) { return "" }
            return known[String(trimmed)] ?? String(trimmed)
        }
        let main = parts.first.map { word($0, units) } ?? ""
        let per = parts.count > 1 ? word(parts[1], unitsPer) : ""
        return (main, per.isEmpty ? "" : "per_" + per)
    }

    /// A unit's name as metadata tell it.
    static func unit(_ unit: String, escapes: Bool) -> String {
        var (main, per) = suffixes(unit)
        if escapes { (main, per) = (cleaned(main), cleaned(per)) }
        var name = [main, per].filter { !$0.isEmpty }.joined("_")
        if name.hasPrefix("_") { name.removeFirst() }
        if name.hasSuffix("_") { name.removeLast() }
        return name
    }

    private static func cleaned(_ unit: String) -> String {
        var result = ""
        var isAfterUnderscore = false
        for scalar in unit.unicodeScalars {
            let isKept = isNamed(scalar)
            if isKept { result.unicodeScalars.append(scalar) } else if !isAfterUnderscore { result += "_" }
            isAfterUnderscore = !isKept
        }
        return result.hasPrefix("_") ? String(result.dropFirst()) : result
    }

    /// The stretches of a name that may stay.
    private static func words(_ name: String, keeping also: Unicode.Scalar? = nil) -> [String] {
        var words: [String] = []
        var word = ""
        for scalar in name.unicodeScalars {
            if isNamed(scalar) || scalar == also {
                word.unicodeScalars.append(scalar)
            } else if !word.isEmpty {
                words.append(word)
                word = ""
            }
        }
        return word.isEmpty ? words : words + [word]
    }

    private static func startingWithLetter(_ name: String) -> String {
        name.utf8.first.map(OTLPLabelNamer.isDigit) == true ? "_" + name : name
    }

    private static func isNamed(_ scalar: Unicode.Scalar) -> Bool {
        OTLPLabelNamer.isNamed(scalar) || scalar == ":"
    }
}

/// Names of labels.
struct OTLPLabelNamer {
    var escapes: Bool
    /// Whether `_x` becomes `key_x`.
    var marksUnderscores: Bool
    /// Whether several underscores in a row stay several.
    var keepsUnderscores: Bool
    /// What was worked out before, as far as it fits.
    private var known: [String: String] = [:]
    /// So many names are kept.
    private static let knownLimit = 4096

    init(escapes: Bool, marksUnderscores: Bool, keepsUnderscores: Bool) {
        self.escapes = escapes
        self.marksUnderscores = marksUnderscores
        self.keepsUnderscores = keepsUnderscores
    }

    /// The name of the label of an attribute.
    mutating func name(_ key: String) throws(ExpositionError) -> String {
        if let name = known[key] { return name }
        let name = try made(key)
        if known.count < Self.knownLimit { known[key] = name }
        return name
    }

    private func made(_ key: String) throws(ExpositionError) -> String {
        if key.isEmpty { throw ExpositionError("label name is empty") }
        guard escapes else {
            if Self.isUnderscores(key) {
                throw ExpositionError("label name \(GoText.quoted(key)) contains only underscores")
            }
            return key
        }
        var name = cleaned(key)
        if name.utf8.first.map(Self.isDigit) == true {
            name = "key_" + name
        } else if marksUnderscores, name.hasPrefix("_"), !name.hasPrefix("__") {
            name = "key" + name
        }
        if Self.isUnderscores(name) {
            throw ExpositionError(
                "normalization for label name \(GoText.quoted(key)) resulted in invalid name \(GoText.quoted(name))"
            )
        }
        return name
    }

    private func cleaned(_ key: String) -> String {
        if keepsUnderscores {
            var name = ""
            for scalar in key.unicodeScalars { name.unicodeScalars.append(Self.isNamed(scalar) ? scalar : "_") }
            return name
        }
        let isReserved = key.utf8.count >= 4 && key.hasPrefix("__") && key.hasSuffix("__")
        var name = isReserved ? "__" : ""
        var isAfterUnderscore = false
        for scalar in (isReserved ? key.dropFirst(2).dropLast(2) : key[...]).unicodeScalars {
            let isKept = Self.isNamed(scalar)
            if isKept { name.unicodeScalars.append(scalar) } else if !isAfterUnderscore { name += "_" }
            isAfterUnderscore = !isKept
        }
        return isReserved ? name + "__" : name
    }

    static func isNamed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: false
        }
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isUnderscores(_ text: String) -> Bool { text.utf8.allSatisfy { $0 == UInt8(ascii: "_") } }
}

extension [String] {
    fileprivate func joined(_ separator: String) -> String { joined(separator: separator) }
}
