import ConfigTree
import MetricModel

/// Collects the fields of a section as they are shown, leaving out what is empty.
struct ShownFields {
    var all: [(key: String, value: YAMLValue)] = []

    mutating func text(_ key: String, _ value: String) {
        if !value.isEmpty { all.append((key, .text(value))) }
    }
    mutating func secret(_ key: String, _ value: Secret) { text(key, value.description) }
    mutating func flag(_ key: String, _ value: Bool, always: Bool = true) {
        if value || always { all.append((key, .raw(value ? "true" : "false"))) }
    }
    mutating func number(_ key: String, _ value: some BinaryInteger) {
        if value != 0 { all.append((key, .raw(String(value)))) }
    }
    /// A number as YAML writes it, also what is none and what has no end.
    mutating func real(_ key: String, _ value: Double) {
        let endless = value < 0 ? "-.inf" : ".inf"
        let text = value.isFinite ? GoNumber.text(value, .shortest) : value.isNaN ? ".nan" : endless
        all.append((key, .raw(text)))
    }
    mutating func duration(_ key: String, _ value: PrometheusDuration) {
        if value.milliseconds != 0 { all.append((key, .raw(value.description))) }
    }
    mutating func texts(_ key: String, _ values: [String]) {
        if !values.isEmpty { all.append((key, .list(values.map { .text($0) }))) }
    }
    mutating func map(_ key: String, _ fields: [(key: String, value: YAMLValue)]) {
        if !fields.isEmpty { all.append((key, .map(fields))) }
    }
    mutating func list(_ key: String, _ items: [YAMLValue]) {
        if !items.isEmpty { all.append((key, .list(items))) }
    }
    mutating func limits(_ limits: ScrapeLimits) {
        if limits.bodySize.bytes != 0 { all.append(("body_size_limit", .raw(limits.bodySize.description))) }
        number("sample_limit", limits.samples)
        number("target_limit", limits.targets)
        number("label_limit", limits.labels)
        number("label_name_length_limit", limits.labelNameLength)
        number("label_value_length_limit", limits.labelValueLength)
    }
}
