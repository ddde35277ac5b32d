import Exposition
import MetricModel

/// Families to and from the forms in which they are kept.
enum FamilyCodec {
    static func encode(_ family: MetricFamily) -> [UInt8] { [] }
    static func decode(_ bytes: [UInt8]) -> MetricFamily? { nil }

    /// A family from the lines of its metrics, as ``SanitizedFamily/text`` has them.
    static func parse(name: String, help: String?, type: MetricType, lines: [UInt8]) -> MetricFamily? {
        var whole: [UInt8] = []
        whole.reserveCapacity(lines.count + 2 * name.utf8.count + 32)
        ByteText.appendHeader(name: name, isLegacy: Label.isLegacyMetricName(name), help: nil, type: type, to: &whole)
        whole.append(contentsOf: lines)
        guard var family = (try? FamilyTextParser(validation: .utf8).parse(whole))?.first else { return nil }
        family.help = help
        return family
    }
}
