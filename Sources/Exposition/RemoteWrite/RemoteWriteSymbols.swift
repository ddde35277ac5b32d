package import MetricModel

/// Writes messages of version 2 (`io.prometheus.write.v2.Request`) for who sends many samples of the same series: each text is
/// looked up once and has a number for good, from which its number in a message follows without looking at it again.
package struct RemoteWriteSymbols: Sendable {
    /// What is said of a series' family.
    package struct Family: Sendable {
        fileprivate var type: UInt64
        fileprivate var help: UInt32
        fileprivate var unit: UInt32
    }

    /// A text's number in a message.
    private struct Place {
        var message: UInt32 = 0
        var number: UInt32 = 0
    }

    /// A text of a message.
    private enum Text {
        /// By its number for good.
        case known(UInt32)
        case once(String)
    }

    private var table = ByteTable()
    private var places: [Place] = []
    /// The texts of the message at hand.
    private var texts: [Text] = []
    private var message: UInt32 = 0
    private var body: [UInt8] = []

    /// No texts.
    package init() { _ = number(of: "") }

    private mutating func number(of text: UnsafeRawBufferPointer) -> UInt32 {
        if let known = table.find(text) { return UInt32(known) }
        places.append(Place())
        return UInt32(table.add(text))
    }

    private mutating func number(of text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { number(of: UnsafeRawBufferPointer($0)) }
    }

    /// The numbers of names and values of labels.
    package mutating func numbers(of labels: Labels) -> [UInt32] {
        var numbers: [UInt32] = []
        labels.encoded.withUnsafeBytes { bytes in
            labels.forEachRange { name, value in
                numbers.append(number(of: UnsafeRawBufferPointer(rebasing: bytes[name])))
                numbers.append(number(of: UnsafeRawBufferPointer(rebasing: bytes[value])))
            }
        }
        return numbers
    }

    /// What is said of a family, to be said often.
    package mutating func family(_ metadata: MetricMetadata) -> Family {
        Family(
            type: RemoteWriteWire.number(of: metadata.type),
            help: number(of: metadata.help),
            unit: number(of: metadata.unit)
        )
    }

    // MARK: A message

    /// Begins a message.
    package mutating func begin() {
        message += 1
        texts.removeAll(keepingCapacity: true)
        body.removeAll(keepingCapacity: true)
        // The first text of a table is always the empty one.
        _ = place(0)
    }

    @inline(__always)
    private mutating func place(_ text: UInt32) -> UInt64 {
        let known = places[Int(text)]
        if known.message == message { return UInt64(known.number) }
        let number = UInt32(texts.count)
        texts.append(.known(text))
        places[Int(text)] = Place(message: message, number: number)
        return UInt64(number)
    }

    /// Adds a series with what it brings.
    package mutating func add(
        _ labels: [UInt32],
        _ family: Family,
        sample: (value: Double, timestamp: Timestamp, start: Timestamp)? = nil,
        histogram: RemoteWriteRequest.HistogramSample? = nil,
        exemplars: [Exemplar] = []
    ) {
        var output = body
        body = []
        defer { body = output }
        WireWriter.message(5, to: &output) { output in
            append(labels, to: &output)
            if let sample {
                WireWriter.message(2, to: &output) { output in
                    WireWriter.double(1, sample.value, to: &output)
                    WireWriter.signed(2, sample.timestamp, to: &output)
                    if sample.start != 0 { WireWriter.signed(3, sample.start, to: &output) }
                }
            }
            if let histogram {
                WireWriter.message(3, to: &output) { RemoteWriteWire.append(histogram, to: &$0) }
            }
            for exemplar in exemplars {
                WireWriter.message(4, to: &output) { output in
                    append(exemplar.labels, to: &output)
                    WireWriter.double(2, exemplar.value, to: &output)
                    WireWriter.signed(3, exemplar.timestamp ?? 0, to: &output)
                }
            }
            WireWriter.message(5, to: &output) { output in
                WireWriter.unsigned(1, family.type, to: &output)
                WireWriter.unsigned(3, place(family.help), to: &output)
                WireWriter.unsigned(4, place(family.unit), to: &output)
            }
        }
    }

    /// References to the labels of an exemplar, whose values do not come again.
    private mutating func append(_ labels: Labels, to output: inout [UInt8]) {
        var references: [UInt64] = []
        for label in labels {
            references.append(place(number(of: label.name)))
            references.append(UInt64(texts.count))
            texts.append(.once(label.value))
        }
        WireWriter.packedVarints(1, references, to: &output)
    }

    /// References to texts.
    private mutating func append(_ labels: [UInt32], to output: inout [UInt8]) {
        if labels.isEmpty { return }
        WireWriter.message(1, to: &output) { output in
            for text in labels { WireWriter.varint(place(text), to: &output) }
        }
    }

    /// The message.
    package mutating func finish() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(body.count + texts.count * 24)
        for text in texts {
            switch text {
            case .known(let number): WireWriter.bytes(4, table.key(Int(number)), to: &output)
            case .once(let text): WireWriter.text(4, text, to: &output)
            }
        }
        output.append(contentsOf: body)
        return output
    }
}
