import MetricModel

/// Decodes `io.prometheus.write.v2.Request`, where texts stand in a table and everything else refers to them.
struct RemoteWriteDecoder2 {
    private var reader: WireReader
    private var request = RemoteWriteRequest()
    private var symbols: [Symbol] = []
    private var builder = LabelBytesBuilder()
    private var room = MessageRoom()
    /// The references of the series at hand.
    private var references: [UInt64] = []
    /// Names and values of its labels with their lengths, as they stand in the table.
    private var key: [UInt8] = []
    /// The metadata that was read last.
    private var lastMetadata: (raw: RawMetadata, metadata: MetricMetadata)?

    /// A text of the table.
    private struct Symbol {
        /// Where its length stands.
        var start: Int
        var text: Range<Int>
        /// Where it is a family's name: the place among what is said of families, and what is said.
        var family = -1
        var told = RawMetadata()
    }

    /// What a series says about its family, in references.
    private struct RawMetadata: Equatable {
        var type: UInt64 = 0
        var help: UInt32 = 0
        var unit: UInt32 = 0
    }

    init(_ bytes: UnsafeBufferPointer<UInt8>) { reader = WireReader(bytes) }

    consuming func decode(_ memory: inout SeriesMemory?) throws(ExpositionError) -> RemoteWriteRequest {
        // The table may stand behind what refers to it.
        var series: [Range<Int>] = []
        while let tag = try reader.nextTag(of: "Request") {
            switch tag.field {
            case 4:
                let start = reader.position
                try room.take(MemoryLayout<Symbol>.stride)
                symbols.append(Symbol(start: start, text: try reader.delimited(tag, "Symbols")))
            case 5:
                try room.take(RemoteWriteRequest.seriesSize)
                series.append(try reader.delimited(tag, "Timeseries"))
            default: try reader.skip(tag)
            }
        }
        for range in series {
            var message = WireReader(reader.bytes, range)
            try readSeries(&message, &memory)
        }
        request.size = room.taken
        return request
    }

    private mutating func readSeries(
        _ message: inout WireReader,
        _ memory: inout SeriesMemory?
    ) throws(ExpositionError) {
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
        var raw: RawMetadata?
        while let tag = try message.nextTag(of: "TimeSeries") {
            switch tag.field {
            case 1: try message.varints(tag, "LabelsRefs", into: &references, upTo: 2 * MessageRoom.labelLimit)
            case 2:
                var sample = try message.message(tag, "Samples")
                let (value, timestamp, start) = try RemoteWriteWire.sample(&sample)
                try room.take(RemoteWriteRequest.sampleSize)
                request.appendSample(value, timestamp, start: start)
            case 3:
                var histogram = try message.message(tag, "Histograms")
                request.histograms.append(try RemoteWriteWire.histogram(&histogram, &room))
            case 4:
                var exemplar = try message.message(tag, "Exemplars")
                try readExemplar(&exemplar, problem: &exemplarProblem)
            case 5:
                var metadata = try message.message(tag, "Metadata")
                let found = try readMetadata(&metadata, references, problem: &series.problem)
                series.metadata = found.metadata
                raw = found.raw
            default: try message.skip(tag)
            }
        }
        series.samples = series.samples.lowerBound..<request.timestamps.count
        series.histograms = series.histograms.lowerBound..<request.histograms.count
        series.exemplars = series.exemplars.lowerBound..<request.exemplars.count
        if memory != nil { makeKey() }
        series.reference = series.problem == nil && !key.isEmpty ? memory?.find(key) : nil
        if series.reference == nil { try readLabels(of: &series) }
        if series.problem == nil, series.samples.isEmpty, series.histograms.isEmpty {
            // It is told with its labels, whether they are known or not.
            if series.reference != nil { try readLabels(of: &series) }
            series.reference = nil
            series.problem = "TimeSeries must contain at least one sample or histogram for series \(series.labels)"
        }
        if series.problem == nil {
            if memory != nil, series.reference == nil, !key.isEmpty {
                request.lessons.add(key, for: request.series.count)
            }
            if let raw, let metadata = series.metadata { tell(raw, metadata) }
        }
        if let problem = series.problem { try room.take(problem.utf8.count) }
        request.series.append(series)
    }

    private mutating func readLabels(of series: inout RemoteWriteRequest.Series) throws(ExpositionError) {
        switch try labels(references) {
        case .failure(let error):
            let shown = RemoteWriteDecoder2.shown(references)
            series.problem = "parsing labels for series \(shown): \(error.message)"
        case .success(let labels):
            series.labels = labels
            series.problem = series.problem ?? RemoteWriteRequest.problem(of: labels)
        }
    }

    /// Puts the texts of the series' labels in a row, each after its length; nothing where they are not all in the table.
    private mutating func makeKey() {
        key.removeAll(keepingCapacity: true)
        if references.count % 2 != 0 { return }
        for reference in references {
            let number = Int(UInt32(truncatingIfNeeded: reference))
            guard number < symbols.count else { return key.removeAll(keepingCapacity: true) }
            // What is longer cannot be taken either.
            guard key.count + symbols[number].text.count <= room.left else { return key.removeAll() }
            key.append(contentsOf: reader.slice(symbols[number].start..<symbols[number].text.upperBound))
        }
    }

    /// Notes what a sound series says about its family.
    private mutating func tell(_ raw: RawMetadata, _ metadata: MetricMetadata) {
        for index in stride(from: 0, to: references.count - 1, by: 2) {
            let name = symbols[Int(UInt32(truncatingIfNeeded: references[index]))].text
            guard name.count == Labels.metricName.utf8.count,
                reader.slice(name).elementsEqual(Labels.metricName.utf8)
            else { continue }
            let number = Int(UInt32(truncatingIfNeeded: references[index + 1]))
            let place = symbols[number].family
            if place < 0 {
                symbols[number].family = request.familyMetadata.count
                request.familyMetadata.append((reader.text(symbols[number].text), metadata))
            } else if symbols[number].told != raw {
                request.familyMetadata[place].metadata = metadata
            }
            symbols[number].told = raw
            return
        }
    }

    private static func shown(_ references: [UInt64]) -> String {
        "[" + references.map { String(UInt32(truncatingIfNeeded: $0)) }.joined(separator: " ") + "]"
    }

    private mutating func labels(
        _ references: [UInt64]
    ) throws(ExpositionError) -> Result<Labels, ExpositionError> {
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
            // A text of the table is there again for each that names it.
            try room.take(symbols[Int(name)].text.count + symbols[Int(value)].text.count + 2)
            builder.add(name: reader.slice(symbols[Int(name)].text), value: reader.slice(symbols[Int(value)].text))
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
            case 1: try message.varints(tag, "LabelsRefs", into: &references, upTo: 2 * MessageRoom.labelLimit)
            case 2: value = try message.double(tag, "Value")
            case 3: timestamp = try message.signed(tag, "Timestamp")
            default: try message.skip(tag)
            }
        }
        try room.take(RemoteWriteRequest.exemplarSize)
        switch try labels(references) {
        case .success(let labels):
            request.exemplars.append(
                Exemplar(labels: labels, value: value, timestamp: timestamp == 0 ? nil : timestamp)
            )
        case .failure(let error): problem = error.message
        }
    }

    private mutating func readMetadata(
        _ message: inout WireReader,
        _ references: [UInt64],
        problem: inout String?
    ) throws(ExpositionError) -> (raw: RawMetadata, metadata: MetricMetadata) {
        var raw = RawMetadata()
        while let tag = try message.nextTag(of: "Metadata") {
            switch tag.field {
            case 1: raw.type = try message.unsigned(tag, "Type")
            case 3: raw.help = UInt32(truncatingIfNeeded: try message.unsigned(tag, "HelpRef"))
            case 4: raw.unit = UInt32(truncatingIfNeeded: try message.unsigned(tag, "UnitRef"))
            default: try message.skip(tag)
            }
        }
        // Many series in a row say the same.
        if let lastMetadata, lastMetadata.raw == raw { return lastMetadata }
        var metadata = MetricMetadata(type: RemoteWriteWire.type(raw.type))
        func outside(_ name: String, _ reference: UInt32) -> String {
            "parsing metadata for series \(RemoteWriteDecoder2.shown(references)): metadata \(name)_ref \(reference) "
                + "outside of symbols table (size \(symbols.count))"
        }
        guard raw.unit < symbols.count else {
            problem = outside("unit", raw.unit)
            return (raw, metadata)
        }
        guard raw.help < symbols.count else {
            problem = outside("help", raw.help)
            return (raw, metadata)
        }
        try room.take(symbols[Int(raw.help)].text.count + symbols[Int(raw.unit)].text.count)
        metadata.help = reader.text(symbols[Int(raw.help)].text)
        metadata.unit = reader.text(symbols[Int(raw.unit)].text)
        lastMetadata = (raw, metadata)
        return (raw, metadata)
    }
}
