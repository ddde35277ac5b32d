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
        WireWriter.message(1, to: &output) { output in
            output.append(contentsOf: labels)
            WireWriter.message(2, to: &output) { output in
                // What is zero (all bits) is left out, as Go does it.
                if value.bitPattern != 0 { WireWriter.double(1, value, to: &output) }
                if timestamp != 0 { WireWriter.signed(2, timestamp, to: &output) }
            }
        }
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
