public import ConfigTree
public import Exposition
import MetricModel

/// The section `otlp`: how metrics of OpenTelemetry become series, and where they are taken beside the API.
public struct OTLPConfig: Sendable, Hashable {
    /// How they are translated.
    public var translation = OTLPTranslator.Settings()
    /// Where metrics are taken at the path that clients have by default, `/v1/metrics`; `nil` for nowhere. Not Prometheus's.
    public var listenAddress: String?
    /// The section as it is written; `nil` where there is none.
    public var content: ConfigNode?

    /// Prometheus's defaults.
    public init() {}

    init(reading root: ConfigSection, validation: NameValidation) {
        guard let section = root.section("otlp", type: "config.plain") else { return }
        content = root.node("otlp")
        listenAddress = section.string("listen")
        translation.promotesAll = section.bool("promote_all_resource_attributes") ?? false
        let promoted = section.strings("promote_resource_attributes") ?? []
        let ignored = section.strings("ignore_resource_attributes") ?? []
        translation.keepsIdentifying = section.bool("keep_identifying_resource_attributes") ?? false
        translation.convertsToCustomBuckets = section.bool("convert_histograms_to_nhcb") ?? false
        translation.promotesScope = section.bool("promote_scope_metadata") ?? false
        translation.marksUnderscores = section.bool("label_name_underscore_sanitization") ?? true
        translation.keepsUnderscores = section.bool("label_name_preserve_multiple_underscores") ?? true
        translation.omitsTargetInfo = section.bool("disable_target_info") ?? false
        let strategy = section.string("translation_strategy", type: "config.translationStrategyOption") ?? ""
        section.finish()
        if translation.promotesAll, !promoted.isEmpty {
            section.fail(
                "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously"
            )
        }
        if !translation.promotesAll, !ignored.isEmpty {
            section.fail(
                "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true"
            )
        }
        translation.promoted = Self.attributes(promoted, "promote_resource_attributes", "promoted", section)
        translation.ignored = Self.attributes(ignored, "ignore_resource_attributes", "ignored", section)
        if let known = OTLPStrategy(rawValue: strategy) {
            translation.strategy = known
            if validation == .legacy, known == .plain || known == .plainWithSuffixes {
                section.fail(
                    "OTLP translation strategy \(GoText.quoted(strategy)) is not allowed when UTF8 is disabled",
                    at: "translation_strategy"
                )
            }
        } else if !strategy.isEmpty {
            section.fail("unsupported OTLP translation strategy \(GoText.quoted(strategy))", at: "translation_strategy")
        }
    }

    private static func attributes(
        _ values: [String],
        _ field: String,
        _ word: String,
        _ section: ConfigSection
    ) -> Set<String> {
        var seen: Set<String> = []
        for value in values {
            let trimmed = value.trimmingBlanks
            if trimmed.isEmpty {
                section.fail("invalid '\(field)': empty \(word) OTel resource attribute", at: field)
            } else if !seen.insert(trimmed).inserted {
                section.fail(
                    "invalid '\(field)': duplicated \(word) OTel resource attribute \(GoText.quoted(trimmed))",
                    at: field
                )
            }
        }
        return seen
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = self[...].drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
