import MetricModel

/// The conventions that `promtool check metrics` knows, in its words.
enum StyleRules {
    /// A metric's label names and where it stands.
    struct Metric {
        var labels: [String]
        var line: Int
    }

    /// What the rules look at.
    struct Family {
        var name: String
        var type: MetricType
        var hasHelp: Bool
        var line: Int
        var metrics: [Metric]
        /// The lines of metrics whose label set comes again later.
        var repeatedLines: [Int]
    }

    static func check(_ family: Family) -> [LintFinding] {
        var findings: [LintFinding] = []
        func add(_ rule: LintRule, _ message: String, line: Int? = nil) {
            findings.append(LintFinding(rule, line: line ?? family.line, metric: family.name, message))
        }
        if !family.hasHelp { add(.helpMissing, "no help text") }
        if let (unit, base) = unit(in: family.name), unit != base {
            add(.baseUnit, "use base unit \(GoText.quoted(base)) instead of \(GoText.quoted(unit))")
        }
        let isUntyped = family.type == .unknown
        let hasTotal = family.name.hasSuffix("_total")
        if family.type == .counter, !hasTotal {
            add(.counterTotal, "counter metrics should have \"_total\" suffix")
        } else if family.type != .counter, !isUntyped, hasTotal {
            add(.counterTotal, "non-counter metrics should not have \"_total\" suffix")
        }
        if !isUntyped {
            checkReserved(family, add)
            checkTypeInName(family, add)
        }
        if family.name.contains(":") { add(.colonInName, "metric names should not contain ':'") }
        checkCamelCase(family, add)
        let lowercased = family.name.lowercased()
        for unit in abbreviations where lowercased.contains("_\(unit)_") || lowercased.hasSuffix("_\(unit)") {
            add(.unitAbbreviation, "metric names should not contain abbreviated units")
        }
        for line in family.repeatedLines { add(.metricRepeated, "metric not unique", line: line) }
        return findings
    }

    private static func checkReserved(_ family: Family, _ add: (LintRule, String, Int?) -> Void) {
        let isHistogram = family.type == .histogram
        let isSummary = family.type == .summary
        if !isHistogram, family.name.hasSuffix("_bucket") {
            add(.reservedSuffix, "non-histogram metrics should not have \"_bucket\" suffix", nil)
        }
        for suffix in ["_count", "_sum"] where !isHistogram && !isSummary && family.name.hasSuffix(suffix) {
            add(.reservedSuffix, "non-histogram and non-summary metrics should not have \"\(suffix)\" suffix", nil)
        }
        for metric in family.metrics {
            for label in metric.labels {
                if !isHistogram, label == "le" {
                    add(.magicLabel, "non-histogram metrics should not have \"le\" label", metric.line)
                }
                if !isSummary, label == "quantile" {
                    add(.magicLabel, "non-summary metrics should not have \"quantile\" label", metric.line)
                }
            }
        }
    }

    private static func checkTypeInName(_ family: Family, _ add: (LintRule, String, Int?) -> Void) {
        let name = family.name.lowercased()
        let type = family.type == .gaugehistogram ? "gauge_histogram" : family.type.rawValue
        if name.contains("_\(type)_") || name.hasSuffix("_\(type)") {
            add(.typeInName, "metric name should not include type '\(type)'", nil)
        }
    }

    private static func checkCamelCase(_ family: Family, _ add: (LintRule, String, Int?) -> Void) {
        if isCamelCase(family.name) {
            add(.camelCase, "metric names should be written in 'snake_case' not 'camelCase'", nil)
        }
        for metric in family.metrics {
            for label in metric.labels where isCamelCase(label) {
                add(.camelCase, "label names should be written in 'snake_case' not 'camelCase'", metric.line)
            }
        }
    }

    private static func isCamelCase(_ name: String) -> Bool {
        var wasLower = false
        for byte in name.utf8 {
            if wasLower, byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") { return true }
            wasLower = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
        }
        return false
    }

    /// The first part of a name that is a known unit, and the base unit that belongs to it.
    private static func unit(in name: String) -> (unit: String, base: String)? {
        for part in name.split(separator: "_") {
            let part = String(part)
            if let base = baseUnits[part] { return (part, base) }
            for prefix in prefixes where part.hasPrefix(prefix) {
                if let base = baseUnits[String(part.dropFirst(prefix.count))] { return (part, base) }
            }
        }
        return nil
    }

    private static let baseUnits = [
        "amperes": "amperes", "bytes": "bytes", "celsius": "celsius", "grams": "grams", "joules": "joules",
        "kelvin": "kelvin", "meters": "meters", "metres": "metres", "seconds": "seconds", "volts": "volts",
        "minutes": "seconds", "hours": "seconds", "days": "seconds", "weeks": "seconds",
        "kelvins": "kelvin", "fahrenheit": "celsius", "rankine": "celsius",
        "inches": "meters", "yards": "meters", "miles": "meters",
        "bits": "bytes", "calories": "joules", "pounds": "grams", "ounces": "grams",
    ]

    private static let prefixes = [
        "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega", "mibi", "giga",
        "gibi", "tera", "tebi", "peta", "pebi",
    ]

    private static let abbreviations = [
        "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
    ]
}
