internal import MetricModel

/// How far a change between the first and the last sample of a window is carried on towards the window's borders: the one place
/// where `rate`, `increase` and `delta` have it from, be it of numbers, of histograms, or for an explanation.
struct Extrapolation {
    /// From the first to the last sample, in seconds.
    var sampled: Double
    /// How far the change is carried on before the first sample, in seconds.
    var toStart: Double
    /// How far it is carried on after the last one, in seconds.
    var toEnd: Double

    /// A border that is further away than so many mean gaps is taken for none of the series' own: only half a gap is added.
    private static let reach = 1.1

    /// The window's borders, and the samples in it.
    struct Window {
        let start: Timestamp
        let end: Timestamp
        let first: Timestamp
        let last: Timestamp
        /// How many gaps there are between the samples.
        let gaps: Int

        var sampled: Double { Double(last - first) / 1000 }
        var averageGap: Double { gaps > 0 ? sampled / Double(gaps) : 0 }
        var threshold: Double { averageGap * Extrapolation.reach }
        var distanceToStart: Double { Double(first - start) / 1000 }
        var distanceToEnd: Double { Double(end - last) / 1000 }
    }

    init() { (sampled, toStart, toEnd) = (0, 0, 0) }

    /// - Parameter beganAt: when the counter is known to have been zero, within the window and before its first sample.
    @inline(__always)
    init(_ window: Window, beganAt began: Timestamp? = nil) {
        let (average, threshold) = (window.averageGap, window.threshold)
        toStart = window.distanceToStart
        toEnd = window.distanceToEnd
        sampled = window.sampled
        if let began {
            toStart = 0
            sampled = Double(window.last - began) / 1000
        } else if toStart >= threshold {
            toStart = average / 2
        }
        if toEnd >= threshold { toEnd = average / 2 }
    }

    /// How far back the counter would have been zero, at the pace of its change.
    @inline(__always)
    func toZero(first: Double, change: Double) -> Double { sampled * (first / change) }

    /// What the change is multiplied by.
    /// - Parameter seconds: what to divide by; `nil` for `increase` and `delta`.
    @inline(__always)
    func factor(toStart: Double, per seconds: Double?) -> Double {
        var factor = 1.0
        if sampled != 0 { factor = (sampled + toStart + toEnd) / sampled }
        if let seconds { factor /= seconds }
        return factor
    }
}

/// How `rate`, `increase` or `delta` came to its number. Times are in seconds.
public struct RateTerms: Sendable, Hashable {
    /// The first sample.
    public var first: Double
    /// The last sample.
    public var last: Double
    /// What a counter had before it began anew, which is added.
    public var lost: Double
    /// From the first sample to the last one, with what is added.
    public var change: Double
    /// From the first sample to the last one.
    public var sampled: Double
    /// The mean gap between samples.
    public var averageGap: Double
    /// A border further away than this is not reached: half a gap is added instead.
    public var threshold: Double
    /// From the window's start to the first sample.
    public var distanceToStart: Double
    /// From the last sample to the window's end.
    public var distanceToEnd: Double
    /// How far the change is carried on before the first sample.
    public var toStart: Double
    /// How far it is carried on after the last one.
    public var toEnd: Double
    /// Whether it is carried on no further than to where the counter would have been zero.
    public var stopsAtZero: Bool
    /// What the result is divided by; `nil` for nothing.
    public var seconds: Double?
    /// What the change is multiplied by.
    public var factor: Double
}
