import MetricModel

/// Decodes `io.prometheus.write.v2.Request`, where texts stand in a table and everything else refers to them.
struct RemoteWriteDecoder2 {
    private var reader: WireReader
    private var request = RemoteWriteRequest()
    private var symbols: [Range<Int>] = []
    private var builder = LabelBytesBuilder()
    /// The references of the series at hand.
    private var references: [UInt64] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>) { reader = WireReader(bytes) }

    consuming func decode() throws(ExpositionError) -> RemoteWriteRequest {
        // The table may stand behind what refers to it.
        var series: [Range<Int>] = []
        while let tag = try reader.nextTag(of: "Request") {
            switch tag.field {
            case 4: symbols.append(try reader.delimited(tag, "Symbols"))
            case 5: series.append(try reader.delimited(tag, "Timeseries"))
            default: try reader.skip(tag)
            }
        }
        for range in series {
            var message = WireReader(reader.bytes, range)
            try readSeries(&message)
        }
        return request
    }

    private mutating func readSeries(_ message: inout WireReader) throws(ExpositionError) {
        references.removeAll(keepingCapacity: true)
        var series = RemoteWriteRequest.Series(
            labels: Labels(),
            problem: nil,
            samples: request.timestamps.count..<request.timestamps.count,
            histograms: request.histograms.count..<request.histograms.count,
            exemplars: request.exemplars.count..<request.exemplars.count,
            metadata: MetricMetadata()
        )
        var exemplarProblem: String?
        while let tag = try message.nextTag(of: "TimeSeries") {
            switch tag.field {
            case 1: try message.varints(tag, "LabelsRefs", into: &references)
            case 2:
                var sample = try message.message(tag, "Samples")
                let (value, timestamp, start) = try RemoteWriteWire.sample(&sample)
                request.appendSample(value, timestamp, start: start)
            case 3:
                var histogram = try message.message(tag, "Histograms")
                request.histograms.append(try RemoteWriteWire.histogram(&histogram))
            case 4:
                var exemplar = try message.message(tag, "Exemplars")
                try readExemplar(&exemplar, problem: &exemplarProblem)
            case 5:
                var metadata = try message.message(tag, "Metadata")
                series.metadata = try readMetadata(&metadata, references, problem: &series.problem)
            default: try message.skip(tag)
            }
        }
        series.samples = series.samples.lowerBound..<request.timestamps.count
        series.histograms = series.histograms.lowerBound..<request.histograms.count
        series.exemplars = series.exemplars.lowerBound..<request.exemplars.count
        switch labels(references) {
        case .failure(let error):
            let shown = RemoteWriteDecoder2.shown(references)
            series.problem = "parsing labels for series \(shown): \(error.message)"
        case .success(let labels):
            series.labels = labels
            series.problem = series.problem ?? RemoteWriteRequest.problem(of: labels)
            if series.problem == nil, series.samples.isEmpty, series.histograms.isEmpty {
                series.problem = "TimeSeries must contain at least one sample or histogram for series \(labels)"
            }
        }
        request.series.append(series)
    }

    private static func shown(_ references: [UInt64]) -> String {
        "[" + references.map { String(UInt32(truncatingIfNeeded: $0)) }.joined(separator: " ") + "]"
    }

    private mutating func labels(_ references: [UInt64]) -> Result<Labels, ExpositionError> {
        if references.count % 2 != 0 {
            return .failure(ExpositionError("invalid labelRefs length \(references.count)"))
        }
        builder.removeAll()
        for index in stride(from: 0, to: references.count, by: 2) {
            let name = UInt32(truncatingIfNeeded: references[index])
            let value = UInt32(truncatingIfNeeded: references[index + 1])
            guard name < symbols.count, value < symbols.count else {
                let problem =
                    "labelRefs \(name) (name) = \(value) (value) outside of symbols table (size \(symbols.count))"
                return .failure(ExpositionError(problem))
            }
            builder.add(name: reader.slice(symbols[Int(name)]), value: reader.slice(symbols[Int(value)]))
        }
        return .success(builder.build())
    }

    /// Reads an exemplar; one that cannot be understood is left out.
    private mutating func readExemplar(
        _ message: inout WireReader,
        problem: inout String?
    ) throws(ExpositionError) {
        var references: [UInt64] = []
        var value = 0.0
        var timestamp: Timestamp = 0
        while let tag = try message.nextTag(of: "Exemplar") {
            switch tag.field {
            case 1: try message.varints(tag, "LabelsRefs", into: &references)
            case 2: value = try message.double(tag, "Value")
            case 3: timestamp = try message.signed(tag, "Timestamp")
            default: try message.skip(tag)
            }
        }
        switch labels(references) {
        case .success(let labels):
            request.exemplars.append(
                Exemplar(labels: labels, value: value, timestamp: timestamp == 0 ? nil : timestamp)
            )
        case .failure(let error): problem = error.message
        }
    }

    private func readMetadata(
        _ message: inout WireReader,
        _ references: [UInt64],
        problem: inout String?
    ) throws(ExpositionError) -> MetricMetadata {
        var metadata = MetricMetadata()
        var help: UInt32 = 0
        var unit: UInt32 = 0
        while let tag = try message.nextTag(of: "Metadata") {
            switch tag.field {
            case 1: metadata.type = RemoteWriteWire.type(try message.unsigned(tag, "Type"))
            case 3: help = UInt32(truncatingIfNeeded: try message.unsigned(tag, "HelpRef"))
            case 4: unit = UInt32(truncatingIfNeeded: try message.unsigned(tag, "UnitRef"))
            default: try message.skip(tag)
            }
        }
        for (name, reference) in [("unit", unit), ("help", help)] where reference >= symbols.count {
            let shown = RemoteWriteDecoder2.shown(references)
            problem =
                "parsing metadata for series \(shown): metadata \(name)_ref \(reference) outside of symbols table"
                + " (size \(symbols.count))"
            return metadata
        }
        metadata.help = reader.text(symbols[Int(help)])
        metadata.unit = reader.text(symbols[Int(unit)])
        return metadata
    }
}
