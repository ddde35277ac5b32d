import MetricModel

extension RemoteWriteRequest {
    /// The bytes of the message, before they are packed.
    public func encoded(as version: Version) -> [UInt8] {
        switch version {
        case .version1: encodedVersion1()
        case .version2: encodedVersion2()
        }
    }

    private func encodedVersion1() -> [UInt8] {
        var output: [UInt8] = []
        for series in series {
            WireWriter.message(1, to: &output) { output in
                for label in series.labels { RemoteWriteRequest.append(label, to: &output) }
                for index in series.samples { appendSample(index, 2, to: &output) }
                for index in series.exemplars {
                    let exemplar = exemplars[index]
                    WireWriter.message(3, to: &output) { output in
                        for label in exemplar.labels { RemoteWriteRequest.append(label, to: &output) }
                        WireWriter.double(2, exemplar.value, to: &output)
                        WireWriter.signed(3, exemplar.timestamp ?? 0, to: &output)
                    }
                }
                for index in series.histograms {
                    WireWriter.message(4, to: &output) { RemoteWriteWire.append(histograms[index], to: &$0) }
                }
            }
        }
        for (family, metadata) in metadata {
            WireWriter.message(3, to: &output) { output in
                WireWriter.unsigned(1, RemoteWriteWire.number(of: metadata.type), to: &output)
                WireWriter.text(2, family, to: &output)
                WireWriter.text(4, metadata.help, to: &output)
                WireWriter.text(5, metadata.unit, to: &output)
            }
        }
        return output
    }

    private static func append(_ label: Label, to output: inout [UInt8]) {
        WireWriter.message(1, to: &output) { output in
            WireWriter.text(1, label.name, to: &output)
            WireWriter.text(2, label.value, to: &output)
        }
    }

    private func appendSample(_ index: Int, _ field: Int, to output: inout [UInt8]) {
        WireWriter.message(field, to: &output) { output in
            WireWriter.double(1, values[index], to: &output)
            WireWriter.signed(2, timestamps[index], to: &output)
            if field == 2, index < startTimestamps.count, startTimestamps[index] != 0 {
                WireWriter.signed(3, startTimestamps[index], to: &output)
            }
        }
    }

    private func encodedVersion2() -> [UInt8] {
        var symbols = SymbolTable()
        var body: [UInt8] = []
        for series in series {
            WireWriter.message(5, to: &body) { output in
                WireWriter.packedVarints(1, symbols.references(to: series.labels), to: &output)
                for index in series.samples { appendSample(index, 2, to: &output) }
                for index in series.histograms {
                    WireWriter.message(3, to: &output) { RemoteWriteWire.append(histograms[index], to: &$0) }
                }
                for index in series.exemplars {
                    let exemplar = exemplars[index]
                    WireWriter.message(4, to: &output) { output in
                        WireWriter.packedVarints(1, symbols.references(to: exemplar.labels), to: &output)
                        WireWriter.double(2, exemplar.value, to: &output)
                        WireWriter.signed(3, exemplar.timestamp ?? 0, to: &output)
                    }
                }
                let metadata = series.metadata ?? MetricMetadata()
                WireWriter.message(5, to: &output) { output in
                    WireWriter.unsigned(1, RemoteWriteWire.number(of: metadata.type), to: &output)
                    WireWriter.unsigned(3, symbols.reference(to: metadata.help), to: &output)
                    WireWriter.unsigned(4, symbols.reference(to: metadata.unit), to: &output)
                }
            }
        }
        var output: [UInt8] = []
        for symbol in symbols.symbols { WireWriter.text(4, symbol, to: &output) }
        return output + body
    }
}

/// The texts of a version 2 request; the first one is always empty.
private struct SymbolTable {
    private(set) var symbols = [""]
    private var numbers: [String: UInt64] = ["": 0]

    mutating func reference(to symbol: String) -> UInt64 {
        if let number = numbers[symbol] { return number }
        let number = UInt64(symbols.count)
        symbols.append(symbol)
        numbers[symbol] = number
        return number
    }

    mutating func references(to labels: Labels) -> [UInt64] {
        var references: [UInt64] = []
        for label in labels {
            references.append(reference(to: label.name))
            references.append(reference(to: label.value))
        }
        return references
    }
}
