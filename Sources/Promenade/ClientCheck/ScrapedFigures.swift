import Exposition
import MetricModel

/// A scraped body as figures that can be compared with another.
struct ScrapedFigures: Sendable {
    /// What is known of a family.
    struct Family: Sendable, Hashable {
        var type = MetricType.unknown
        var help = ""
        /// Whether it is described twice, as two different things.
        var isTwofold = false
    }

    var format: ScrapeFormat
    /// The families that the body describes.
    var families: [String: Family] = [:]
    /// The series with their values; native histograms are left out.
    var samples: [Labels: Double] = [:]
    /// How many samples have a timestamp.
    var timestamps = 0
    /// Why reading ended before the end of the body; empty where it did not.
    var error = ""

    init(_ body: [UInt8], _ format: ScrapeFormat) {
        self.format = format
        var options = ScrapeOptions()
        options.keepsClassicHistograms = true
        var (families, samples, timestamps, problem) = ([String: Family](), [Labels: Double](), 0, "")
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format, options: options)
            do throws(ExpositionError) {
                while let entry = try parser.next() {
                    switch entry {
                    case .type:
                        let known = families[parser.familyName]?.type ?? .unknown
                        families[parser.familyName, default: Family()].type = parser.familyType
                        if known != .unknown, known != parser.familyType {
                            families[parser.familyName]?.isTwofold = true
                        }
                    case .help: families[parser.familyName, default: Family()].help = parser.familyText
                    case .series:
                        samples[parser.labels()] = parser.value
                        if parser.timestamp != nil { timestamps += 1 }
                    case .unit, .comment, .histogram: break
                    }
                }
            } catch {
                problem = error.message
            }
        }
        (self.families, self.samples, self.timestamps, error) = (families, samples, timestamps, problem)
    }

    /// What a series can only do upwards.
    enum Kind {
        case counter, created, other
    }

    private static let suffixes = ["_total", "_bucket", "_count", "_sum", "_created"]

    /// How the value of a series may change.
    func kind(of labels: Labels) -> Kind {
        let name = labels.name
        if let family = families[name] { return family.type == .counter && !family.isTwofold ? .counter : .other }
        for suffix in Self.suffixes where name.hasSuffix(suffix) {
            guard let type = families[String(name.dropLast(suffix.count))]?.type else { continue }
            switch (suffix, type) {
            case ("_created", _): return .created
            case ("_total", .counter), ("_bucket", .histogram), ("_count", .histogram), ("_count", .summary):
                return .counter
            default: return .other
            }
        }
        return .other
    }

    /// The names of the series that an exposition tells of, without what only some formats have.
    var names: Set<String> {
        Set(
            samples.keys.map { labels in
                let name = labels.name
                // The suffix of counters is in the name of the family in one format and in that of the sample in the other.
                return name.hasSuffix("_total") ? String(name.dropLast(6)) : name
            }.filter { !$0.hasSuffix("_created") }
        )
    }
}
