package import MetricModel

/// Series of `prometheus.WriteRequest` piece by piece, for who sends many samples of the same series.
package enum RemoteWriteParts {
    /// The labels of a series, as its message has them.
    package static func labels(_ labels: Labels) -> [UInt8] {
        var output: [UInt8] = []
        for label in labels { pair(label, to: &output) }
        return output
    }

    private static func pair(_ label: Label, to output: inout [UInt8]) {
        WireWriter.message(1, to: &output) { output in
            WireWriter.text(1, label.name, to: &output)
            WireWriter.text(2, label.value, to: &output)
        }
    }

    /// Appends a series with one float sample.
    package static func append(
        series labels: [UInt8],
        _ value: Double,
        at timestamp: Timestamp,
        to output: inout [UInt8]
    ) {
        let size = size(labels.count, value, timestamp)
        output += [UInt8](unsafeUninitializedCapacity: size) { part, count in
            guard let target = part.baseAddress else { return }
            labels.withUnsafeBufferPointer { count = write(series: $0, value, at: timestamp, to: target) }
        }
    }

    @inline(__always)
    private static func sampleSize(_ value: Double, _ timestamp: Timestamp) -> Int {
        (value.bitPattern == 0 ? 0 : 9)
            + (timestamp == 0 ? 0 : 1 + WireWriter.varintSize(UInt64(bitPattern: timestamp)))
    }

    /// How many bytes a series with one float sample takes.
    /// - Parameter labels: How many its labels take.
    package static func size(_ labels: Int, _ value: Double, _ timestamp: Timestamp) -> Int {
        let length = labels + 2 + sampleSize(value, timestamp)
        return 1 + WireWriter.varintSize(UInt64(length)) + length
    }

    /// Writes a series with one float sample by sizes that are known before: this is most of what is sent.
    /// - Returns: How many bytes it took.
    package static func write(
        series labels: UnsafeBufferPointer<UInt8>,
        _ value: Double,
        at timestamp: Timestamp,
        to target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var count = 0
        func byte(_ value: UInt8) {
            target[count] = value
            count += 1
        }
        func varint(_ value: UInt64) {
            var rest = value
            while rest >= 0x80 {
                byte(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            byte(UInt8(truncatingIfNeeded: rest))
        }
        let size = sampleSize(value, timestamp)
        byte(1 << 3 | 2)
        varint(UInt64(labels.count + 2 + size))
        if let source = labels.baseAddress { (target + count).update(from: source, count: labels.count) }
        count += labels.count
        byte(2 << 3 | 2)
        byte(UInt8(size))
        if value.bitPattern != 0 {
            byte(1 << 3 | 1)
            UnsafeMutableRawPointer(target + count).storeBytes(of: value.bitPattern.littleEndian, as: UInt64.self)
            count += 8
        }
        if timestamp != 0 {
            byte(2 << 3)
            varint(UInt64(bitPattern: timestamp))
        }
        return count
    }

    /// Appends a series with one histogram.
    package static func append(
        series labels: [UInt8],
        _ histogram: RemoteWriteRequest.HistogramSample,
        to output: inout [UInt8]
    ) {
        WireWriter.message(1, to: &output) { output in
            output.append(contentsOf: labels)
            WireWriter.message(4, to: &output) { RemoteWriteWire.append(histogram, to: &$0) }
        }
    }

    /// Appends a series with one exemplar.
    package static func append(series labels: [UInt8], _ exemplar: Exemplar, to output: inout [UInt8]) {
        WireWriter.message(1, to: &output) { output in
            output.append(contentsOf: labels)
            WireWriter.message(3, to: &output) { output in
                for label in exemplar.labels { pair(label, to: &output) }
                WireWriter.double(2, exemplar.value, to: &output)
                WireWriter.signed(3, exemplar.timestamp ?? 0, to: &output)
            }
        }
    }
}
