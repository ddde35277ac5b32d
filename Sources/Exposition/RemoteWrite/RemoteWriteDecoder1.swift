import MetricModel

/// Decodes `prometheus.WriteRequest`.
struct RemoteWriteDecoder1 {
    private var reader: WireReader
    private var request = RemoteWriteRequest()
    private var builder = LabelBytesBuilder()
    private var room = MessageRoom()

    init(_ bytes: UnsafeBufferPointer<UInt8>) { reader = WireReader(bytes) }

    /// The series of an answer.
    /// - Parameter room: What all of the answer may take.
    consuming func decode(in room: inout MessageRoom) throws(ExpositionError) -> RemoteWriteRequest {
        self.room = room
        defer { room = self.room }
        var none: SeriesMemory?
        try read(&none)
        return request
    }

    consuming func decode(_ memory: inout SeriesMemory?) throws(ExpositionError) -> RemoteWriteRequest {
        try read(&memory)
        request.size = room.taken
        return request
    }

    private mutating func read(_ memory: inout SeriesMemory?) throws(ExpositionError) {
        while let tag = try reader.nextTag(of: "WriteRequest") {
            switch tag.field {
            case 1:
                var message = try reader.message(tag, "Timeseries")
                try readSeries(&message, &memory)
            case 3:
                var message = try reader.message(tag, "Metadata")
                try readMetadata(&message)
            default:
                try room.take(1)
                try reader.skip(tag)
            }
        }
    }

    private mutating func readSeries(
        _ message: inout WireReader,
        _ memory: inout SeriesMemory?
    ) throws(ExpositionError) {
        // From the first label to the last; they are only read where these bytes are not known.
        var stretch = message.position..<message.position
        var areTogether = true
        let samples = request.timestamps.count
        let histograms = request.histograms.count
        let exemplars = request.exemplars.count
        while let tag = try message.nextTag(of: "TimeSeries") {
            switch tag.field {
            case 1:
                let label = try message.delimited(tag, "Labels")
                if stretch.isEmpty { stretch = tag.start..<tag.start }
                if stretch.upperBound != tag.start { areTogether = false }
                stretch = stretch.lowerBound..<label.upperBound
            case 2:
                var sample = try message.message(tag, "Samples")
                let (value, timestamp, _) = try RemoteWriteWire.sample(&sample)
                try room.take(RemoteWriteRequest.sampleSize)
                request.appendSample(value, timestamp, start: 0)
            case 3:
                var exemplar = try message.message(tag, "Exemplars")
                try room.take(RemoteWriteRequest.exemplarSize)
                request.exemplars.append(try RemoteWriteDecoder1.exemplar(&exemplar))
            case 4:
                var histogram = try message.message(tag, "Histograms")
                request.histograms.append(try RemoteWriteWire.histogram(&histogram, &room))
            default:
                try room.take(1)
                try message.skip(tag)
            }
        }
        let key = message.slice(stretch)
        let known = areTogether ? memory?.find(key) : nil
        var labels = Labels()
        var problem: String?
        if known == nil {
            labels = try readLabels(WireReader(message.bytes, stretch))
            problem = RemoteWriteRequest.problem(of: labels)
            try room.take(labels.encoded.count + (problem?.utf8.count ?? 0))
            if memory != nil, areTogether, problem == nil { request.lessons.add(key, for: request.series.count) }
        }
        try room.take(RemoteWriteRequest.seriesSize)
        request.series.append(
            RemoteWriteRequest.Series(
                labels: labels,
                reference: known,
                problem: problem,
                samples: samples..<request.timestamps.count,
                histograms: histograms..<request.histograms.count,
                exemplars: exemplars..<request.exemplars.count,
                metadata: nil
            )
        )
    }

    /// The labels in a stretch of a series.
    private mutating func readLabels(_ stretch: WireReader) throws(ExpositionError) -> Labels {
        var stretch = stretch
        builder.removeAll()
        while let tag = try stretch.nextTag(of: "TimeSeries") {
            if tag.field == 1 {
                var label = try stretch.message(tag, "Labels")
                try MessageRoom.checkLabels(builder.count, "Labels")
                try RemoteWriteDecoder1.readLabel(&label, into: &builder)
            } else {
                try stretch.skip(tag)
            }
        }
        return builder.build()
    }

    private static func readLabel(
        _ message: inout WireReader,
        into builder: inout LabelBytesBuilder
    ) throws(ExpositionError) {
        var name = 0..<0
        var value = 0..<0
        while let tag = try message.nextTag(of: "Label") {
            switch tag.field {
            case 1: name = try message.delimited(tag, "Name")
            case 2: value = try message.delimited(tag, "Value")
            default: try message.skip(tag)
            }
        }
        builder.add(name: message.slice(name), value: message.slice(value))
    }

    private static func exemplar(_ message: inout WireReader) throws(ExpositionError) -> Exemplar {
        var builder = LabelBytesBuilder()
        var value = 0.0
        var timestamp: Timestamp = 0
        while let tag = try message.nextTag(of: "Exemplar") {
            switch tag.field {
            case 1:
                var label = try message.message(tag, "Labels")
                try MessageRoom.checkLabels(builder.count, "Labels")
                try readLabel(&label, into: &builder)
            case 2: value = try message.double(tag, "Value")
            case 3: timestamp = try message.signed(tag, "Timestamp")
            default: try message.skip(tag)
            }
        }
        return Exemplar(labels: builder.build(), value: value, timestamp: timestamp == 0 ? nil : timestamp)
    }

    private mutating func readMetadata(_ message: inout WireReader) throws(ExpositionError) {
        var family = ""
        var metadata = MetricMetadata()
        while let tag = try message.nextTag(of: "MetricMetadata") {
            switch tag.field {
            case 1: metadata.type = RemoteWriteWire.type(try message.unsigned(tag, "Type"))
            case 2: family = message.text(try message.delimited(tag, "MetricFamilyName"))
            case 4: metadata.help = message.text(try message.delimited(tag, "Help"))
            case 5: metadata.unit = message.text(try message.delimited(tag, "Unit"))
            default: try message.skip(tag)
            }
        }
        try room.take(RemoteWriteRequest.metadataSize)
        request.metadata.append((family, metadata))
    }
}
