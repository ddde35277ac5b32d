public import MetricModel
import Synchronization

/// Holds collectors, sees to it that they do not contradict each other, and gathers their families.
public final class CollectorRegistry: MetricGatherer {
    /// The collectors, in order of registration.
    private let collectors = Mutex<[any MetricCollector]>([])

    /// An empty registry.
    public init() {}

    /// Adds collectors.
    /// - Throws: ``MetricRegistrationError`` where a name is taken with another meaning or the very same labels; then nothing
    ///   is added.
    public func register(_ new: any MetricCollector...) throws(MetricRegistrationError) {
        let outcome = collectors.withLock { collectors -> MetricRegistrationError? in
            var known = collectors.flatMap(\.descriptors)
            for collector in new {
                if collectors.contains(where: { $0 === collector }) {
                    return MetricRegistrationError(.alreadyRegistered, "this collector is registered already")
                }
                for descriptor in collector.descriptors {
                    if let problem = Self.conflict(descriptor, with: known) { return problem }
                    known.append(descriptor)
                }
            }
            collectors += new
            return nil
        }
        if let outcome { throw outcome }
    }

    /// Takes a collector out.
    /// - Returns: whether it was there.
    @discardableResult
    public func unregister(_ collector: any MetricCollector) -> Bool {
        collectors.withLock { collectors in
            let before = collectors.count
            collectors.removeAll { $0 === collector }
            return collectors.count < before
        }
    }

    /// All families, sorted by name; their metrics sorted by labels.
    public func gather() throws(MetricRegistrationError) -> [MetricFamily] {
        let collectors = collectors.withLock { $0 }
        return try FamilyMerge.merge(collectors.flatMap { $0.collect() })
    }

    private static func conflict(_ new: MetricDescriptor, with known: [MetricDescriptor]) -> MetricRegistrationError? {
        if let problem = new.problem { return MetricRegistrationError(.invalid, problem) }
        for other in known where other.name == new.name {
            if other.type != new.type {
                return MetricRegistrationError(
                    .conflict,
                    "metric \(new.name) is registered already as a \(other.type.rawValue), not a \(new.type.rawValue)"
                )
            }
            if other.help != new.help || Set(other.labelNames) != Set(new.labelNames) {
                return MetricRegistrationError(
                    .conflict,
                    "metric \(new.name) is registered already with another help text or other label names"
                )
            }
            if other.constantLabels == new.constantLabels {
                return MetricRegistrationError(.alreadyRegistered, "metric \(new.name) is registered already")
            }
        }
        return nil
    }
}

/// Families of several sources as one sorted list.
enum FamilyMerge {
    static func merge(_ families: [MetricFamily]) throws(MetricRegistrationError) -> [MetricFamily] {
        var merged: [String: MetricFamily] = [:]
        for family in families where !family.metrics.isEmpty {
            guard let known = merged[family.name] else {
                merged[family.name] = family
                continue
            }
            guard known.type == family.type else {
                throw MetricRegistrationError(
                    .conflict,
                    "metric \(family.name) comes as a \(known.type.rawValue) and as a \(family.type.rawValue)"
                )
            }
            merged[family.name]?.metrics += family.metrics
        }
        var result = merged.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for index in result.indices where result[index].metrics.count > 1 {
            let sorted = result[index].metrics.map { (Labels($0.labels), $0) }.sorted { $0.0 < $1.0 }
            for (left, right) in zip(sorted, sorted.dropFirst()) where left.0 == right.0 {
                throw MetricRegistrationError(
                    .conflict,
                    "metric \(result[index].name)\(left.0) comes twice with the same labels"
                )
            }
            result[index].metrics = sorted.map(\.1)
        }
        return result
    }
}

/// Several gatherers as one, such as a registry and single collectors.
public struct CombinedGatherer: MetricGatherer {
    private let gatherers: [any MetricGatherer]
    private let collectors: [any MetricCollector]

    /// Gathers from all of these.
    public init(_ gatherers: [any MetricGatherer], collectors: [any MetricCollector] = []) {
        self.gatherers = gatherers
        self.collectors = collectors
    }

    /// All families, merged and sorted.
    public func gather() throws(MetricRegistrationError) -> [MetricFamily] {
        var families: [MetricFamily] = []
        for gatherer in gatherers { families += try gatherer.gather() }
        return try FamilyMerge.merge(families + collectors.flatMap { $0.collect() })
    }
}

/// The kinds of `MetricRegistrationError`.
public enum MetricRegistrationErrorCode: String, Sendable, Hashable {
    /// The name or a label name cannot be used.
    case invalid
    /// The same metric is there.
    case alreadyRegistered
    /// The name is there with another meaning.
    case conflict
}

/// Why a metric could not be registered or gathered.
public typealias MetricRegistrationError = CodedError<MetricRegistrationErrorCode>
