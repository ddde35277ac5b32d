/// Something that is wrong, or could be better, in an exposition.
public struct LintFinding: Sendable, Hashable {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable {
        /// The exposition violates its format; readers may refuse it.
        case error
        /// Well-formed, but against the conventions.
        case advice
    }

    /// What was violated.
    public var rule: LintRule
    /// The line, counted from 1; 0 where it concerns the whole.
    public var line: Int
    /// The column in bytes, counted from 1; 0 where it concerns the whole line.
    public var column: Int
    /// The metric or metric family concerned; empty where there is none.
    public var metric: String
    /// What is wrong. For the rules of `promtool check metrics` in its words.
    public var message: String

    /// A finding.
    public init(_ rule: LintRule, line: Int, column: Int = 1, metric: String = "", _ message: String) {
        self.rule = rule
        self.line = line
        self.column = column
        self.metric = metric
        self.message = message
    }

    /// How bad it is.
    public var severity: Severity { rule.severity }
    /// What to do about it.
    public var remedy: String { rule.remedy }
}

/// The rules of the linter. The raw value is the rule's name for users.
public enum LintRule: String, Sendable, Hashable, CaseIterable {
    // The form of lines.
    /// Text that is not UTF-8.
    case encoding = "utf8"
    /// A blank line in OpenMetrics.
    case blankLine = "blank-line"
    /// A line that is neither a sample nor metadata.
    case lineForm = "line-form"
    /// A name with characters that are not allowed.
    case metricName = "metric-name"
    /// Labels that are not written as they should be.
    case labelForm = "label-form"
    /// A label that occurs twice in a sample.
    case labelRepeated = "label-repeated"
    /// A value that is not a number.
    case value = "value"
    /// A timestamp that is not a finite number.
    case timestamp = "timestamp"
    /// An exemplar that is not written as it should be.
    case exemplarForm = "exemplar-form"
    /// No `# EOF`.
    case endMissing = "eof-missing"
    /// Something behind `# EOF`.
    case afterEnd = "eof-not-last"
    /// Anything that the Prometheus text format does not allow.
    case textFormat = "text-format"
    // Metadata.
    /// A metadata line with parts missing.
    case metadataForm = "metadata-form"
    /// A `#` line that is no metadata.
    case metadataKeyword = "metadata-keyword"
    /// A second line of the same metadata.
    case metadataRepeated = "metadata-repeated"
    /// Metadata behind samples.
    case metadataLate = "metadata-after-samples"
    /// A type that does not exist.
    case typeUnknown = "type-unknown"
    /// A unit that the name does not end with.
    case unitSuffix = "unit-suffix"
    /// A unit on an info or stateset.
    case unitForbidden = "unit-forbidden"
    /// Two families that share a name.
    case nameClash = "name-clash"
    /// The suffix of samples in the name of their family.
    case familySuffix = "family-suffix"
    // Samples.
    /// An exemplar where none may be.
    case exemplarPlace = "exemplar-place"
    /// An exemplar with too long labels.
    case exemplarLength = "exemplar-length"
    /// A negative count or NaN.
    case counterValue = "counter-value"
    /// An info that is not 1.
    case infoValue = "info-value"
    /// A state that is neither 0 nor 1.
    case statesetValue = "stateset-value"
    /// A state without its label.
    case statesetLabel = "stateset-label"
    /// A quantile without a proper label.
    case quantileLabel = "quantile-label"
    /// A negative quantile.
    case quantileValue = "quantile-value"
    /// A bucket without a proper bound.
    case bucketLabel = "bucket-label"
    /// A fraction where a count should be.
    case countInteger = "count-integer"
    /// Samples of label sets mixed up.
    case grouping = "grouping"
    /// Some samples of a label set with and some without time.
    case timestampMixed = "timestamp-mixed"
    /// Time that goes backwards.
    case timestampOrder = "timestamp-order"
    /// The same sample twice.
    case sampleRepeated = "sample-repeated"
    // Histograms.
    /// Buckets not sorted.
    case bucketOrder = "bucket-order"
    /// Buckets not cumulative.
    case bucketCumulative = "bucket-cumulative"
    /// No `+Inf` bucket.
    case bucketInfinity = "bucket-infinity"
    /// A count that is missing or wrong.
    case histogramCount = "histogram-count"
    /// A sum that is missing or makes no sense.
    case histogramSum = "histogram-sum"
    // Conventions.
    /// A name in quotes.
    case quotedName = "utf8-name"
    /// A label that begins with `__`.
    case reservedLabel = "reserved-label"
    /// No HELP.
    case helpMissing = "help-missing"
    /// A unit that is not a base unit.
    case baseUnit = "base-unit"
    /// `_total` missing or out of place.
    case counterTotal = "counter-total"
    /// A suffix of histograms or summaries on something else.
    case reservedSuffix = "reserved-suffix"
    /// `le` or `quantile` on something else.
    case magicLabel = "magic-label"
    /// The type as a part of the name.
    case typeInName = "type-in-name"
    /// A colon in a name.
    case colonInName = "colon-in-name"
    /// A name in camelCase.
    case camelCase = "camel-case"
    /// An abbreviated unit.
    case unitAbbreviation = "unit-abbreviation"
    /// The same label set twice.
    case metricRepeated = "metric-repeated"

    /// How bad a violation is.
    public var severity: LintFinding.Severity {
        switch self {
        case .quotedName, .reservedLabel, .helpMissing, .baseUnit, .counterTotal, .reservedSuffix, .magicLabel,
            .typeInName, .colonInName, .camelCase, .unitAbbreviation, .metricRepeated:
            .advice
        case .encoding, .blankLine, .lineForm, .metricName, .labelForm, .labelRepeated, .value, .timestamp,
            .exemplarForm, .endMissing, .afterEnd, .textFormat, .metadataForm, .metadataKeyword, .metadataRepeated,
            .metadataLate, .typeUnknown, .unitSuffix, .unitForbidden, .nameClash, .familySuffix, .exemplarPlace,
            .exemplarLength, .counterValue, .infoValue, .statesetValue, .statesetLabel, .quantileLabel,
            .quantileValue, .bucketLabel, .countInteger, .grouping, .timestampMixed, .timestampOrder, .sampleRepeated,
            .bucketOrder, .bucketCumulative, .bucketInfinity, .histogramCount, .histogramSum:
            .error
        }
    }

    /// What to do about a violation.
    public var remedy: String {
        switch self {
        case .encoding: "write the exposition in UTF-8, without a byte order mark"
        case .blankLine: "remove the blank line"
        case .lineForm: "write a sample as `name{label=\"value\"} value [timestamp]` with single blanks"
        case .metricName: "use letters, digits, `_` and `:`; a digit may not come first"
        case .labelForm: "write labels as `name=\"value\"`, separated by single commas, without blanks"
        case .labelRepeated: "give each label once"
        case .value: "write a decimal number, +Inf, -Inf or NaN"
        case .timestamp: "write seconds since 1970 as a finite decimal number"
        case .exemplarForm: "write an exemplar as ` # {label=\"value\"} value [timestamp]`"
        case .endMissing: "end the exposition with the line `# EOF`"
        case .afterEnd: "make `# EOF` the last line"
        case .textFormat:
            "see the text format's description at https://prometheus.io/docs/instrumenting/exposition_formats/"
        case .metadataForm: "write `# TYPE name type`, `# UNIT name unit` or `# HELP name text`"
        case .metadataKeyword: "OpenMetrics has no comments; remove the line"
        case .metadataRepeated: "keep one TYPE, one UNIT and one HELP line for each metric family"
        case .metadataLate: "move the metadata in front of the family's samples"
        case .typeUnknown:
            "use counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown"
        case .unitSuffix: "let the family's name end with `_` and the unit, or drop the UNIT line"
        case .unitForbidden: "remove the UNIT line; info and stateset have no unit"
        case .nameClash: "give each metric family a name of its own, and keep all its samples together"
        case .familySuffix:
            "name the family without the suffix in TYPE, UNIT and HELP (`# TYPE a counter`); only samples have it (`a_total 1`)"
        case .exemplarPlace: "attach exemplars to counters' `_total` and to histograms' `_bucket` samples only"
        case .exemplarLength: "keep the names and values of an exemplar's labels within 128 characters together"
        case .counterValue: "counts and their sums start at 0 and are never negative or NaN"
        case .infoValue: "the value of an info is always 1"
        case .statesetValue: "the value of a state is 0 or 1"
        case .statesetLabel: "name the state in a label that is called as the family is"
        case .quantileLabel: "give each quantile a `quantile` label between 0 and 1"
        case .quantileValue: "a quantile's value cannot be negative"
        case .bucketLabel: "give each bucket an `le` label with its bound as a number, `+Inf` for the last"
        case .countInteger: "counts are whole numbers"
        case .grouping: "keep all samples of one label set together"
        case .timestampMixed: "give all samples of one label set a timestamp, or none"
        case .timestampOrder: "let timestamps rise within a label set"
        case .sampleRepeated: "expose each sample once"
        case .bucketOrder: "sort buckets by rising bound"
        case .bucketCumulative: "buckets are cumulative: each counts what the ones before it count too"
        case .bucketInfinity: "end the buckets with `le=\"+Inf\"`"
        case .histogramCount: "the count equals the `+Inf` bucket, and stands beside the sum or not at all"
        case .histogramSum: "a sum stands beside the count; there is none where buckets have negative bounds"
        case .quotedName: "names outside letters, digits and `_` need a reader that negotiated `escaping=allow-utf-8`"
        case .reservedLabel: "do not begin label names with `__`; these are for internal use"
        case .helpMissing: "add a HELP line that says what is measured"
        case .baseUnit: "measure in the base unit and convert when you display"
        case .counterTotal: "end the names of counters, and only those, with `_total`"
        case .reservedSuffix: "rename the metric; the suffix belongs to histograms and summaries"
        case .magicLabel: "rename the label; `le` and `quantile` belong to histograms and summaries"
        case .typeInName: "leave the type out of the name"
        case .colonInName: "colons are for recording rules; use `_`"
        case .camelCase: "write names in snake_case"
        case .unitAbbreviation: "spell the unit out"
        case .metricRepeated: "expose each label set once"
        }
    }
}
