import Exposition
import MetricModel

/// Families to and from the forms in which they are kept.
enum FamilyCodec {
    /// A family in protobuf, after its length.
    static func encode(_ family: MetricFamily) -> [UInt8] {
        FamilyEncoder.encode([family], as: ExpositionFormat(.protobuf, escaping: .allowUTF8))
    }

    /// A family from protobuf, after its length.
    static func decode(_ bytes: [UInt8]) -> MetricFamily? {
        (try? FamilyProtobuf.decode(bytes))?.first
    }

    /// A family from the lines of its metrics, as ``SanitizedFamily/text`` has them.
    static func parse(name: String, help: String?, type: MetricType, lines: [UInt8]) -> MetricFamily? {
        var whole: [UInt8] = []
        whole.reserveCapacity(lines.count + 2 * name.utf8.count + 32)
        FamilyText.appendHeader(name: name, isLegacy: Label.isLegacyMetricName(name), help: nil, type: type, to: &whole)
        whole.append(contentsOf: lines)
        guard var family = (try? FamilyTextParser(validation: .utf8).parse(whole))?.first else { return nil }
        family.help = help
        return family
    }
}
