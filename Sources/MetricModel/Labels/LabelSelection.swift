/// Names of labels, prepared for choosing labels out of many sets.
public struct LabelNames: Sendable, Hashable {
    /// The names in byte order, each once.
    public let names: [String]
    @usableFromInline let encoded: [[UInt8]]

    /// Prepares names.
    public init(_ names: some Sequence<String>) {
        encoded = Set(names.map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
        self.names = encoded.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The labels that describe the metric itself: name, type and unit.
    public static let reserved = LabelNames(["__name__", "__type__", "__unit__"])
    /// The label that names the metric.
    public static let metricName = LabelNames(["__name__"])
}

extension Labels {
    /// The set with only the named labels.
    public func keeping(_ names: LabelNames) -> Labels { Labels(encoded: selected(names, keepsNamed: true)) }

    /// The set without the named labels.
    public func dropping(_ names: LabelNames) -> Labels {
        let rest = selected(names, keepsNamed: false)
        return rest.count == encoded.count ? self : Labels(encoded: rest)
    }

    /// The set without the metric's name, type and unit.
    public var withoutReserved: Labels {
        afterMetricName ?? dropping(.reserved)
    }

    /// Whether the metric's name can be told at a glance to be the only one that ``withoutReserved`` drops.
    public var isWithoutReservedBesideName: Bool {
        encoded.withUnsafeBufferPointer { Labels.endOfMetricName($0) != nil }
    }

    /// The common case: nothing is dropped but the name in front.
    private var afterMetricName: Labels? {
        encoded.withUnsafeBufferPointer { bytes in
            guard let position = Labels.endOfMetricName(bytes) else { return nil }
            if position == bytes.count { return Labels() }
            return Labels(encoded: Array(UnsafeBufferPointer(rebasing: bytes[position...])))
        }
    }

    /// Where the metric's name ends, where it comes first and all other labels begin with a letter behind `_`, so that none is
    /// reserved.
    private static func endOfMetricName(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard bytes.count > 10, bytes[0] == 8, let base = bytes.baseAddress else { return nil }
        let name: StaticString = "__name__"
        for index in 0..<8 where base[1 + index] != name.utf8Start[index] { return nil }
        var position = 9
        _ = Labels.field(bytes, &position)
        if position == bytes.count { return position }
        // A name of 128 bytes or more has its length in two.
        guard position + 1 < bytes.count, bytes[position] < 0x80, bytes[position + 1] > UInt8(ascii: "_") else {
            return nil
        }
        return position
    }

    private func selected(_ names: LabelNames, keepsNamed: Bool) -> [UInt8] {
        encoded.withUnsafeBufferPointer { bytes in
            if keepsNamed, names.encoded.isEmpty { return [] }
            return [UInt8](unsafeUninitializedCapacity: bytes.count) { output, count in
                var position = 0
                var next = 0
                while position < bytes.count {
                    let start = position
                    let name = Labels.field(bytes, &position)
                    _ = Labels.field(bytes, &position)
                    var isNamed = false
                    while next < names.encoded.count {
                        let order = names.encoded[next].withUnsafeBufferPointer {
                            Labels.compare(bytes, name, $0, 0..<$0.count)
                        }
                        if order < 0 { break }
                        if order == 0 {
                            isNamed = true
                            break
                        }
                        next += 1
                    }
                    guard isNamed == keepsNamed else { continue }
                    if let target = output.baseAddress, let source = bytes.baseAddress {
                        (target + count).update(from: source + start, count: position - start)
                        count += position - start
                    }
                }
            }
        }
    }
}
