public import MetricModel

/// One position in a sequence of sample values, as tests write them.
public enum SequenceValue: Hashable, Sendable {
    /// No sample here: `_`.
    case omitted
    /// A number.
    case float(Double)
    /// A native histogram, and whether its counter reset hint was written down (and so has to be met).
    case histogram(NativeHistogram, hintIsGiven: Bool)
}

/// A series with its values: `up{job="demo"} 1 1 _ 0x5 1+2x3 {{count:5 sum:3}}`.
public struct SeriesDescription: Hashable, Sendable {
    /// The series.
    public var labels: Labels
    /// Its values, one for each step.
    public var values: [SequenceValue]
}

extension PromQLParser {
    /// Reads a series with its values.
    public func parseSeriesDescription(_ text: String) throws(ParseError) -> SeriesDescription {
        var parser = SeriesDescriptionParser(text, options: options)
        do {
            return try parser.description()
        } catch {
            throw ParseError(query: text, mistakes: parser.mistakes)
        }
    }
}
