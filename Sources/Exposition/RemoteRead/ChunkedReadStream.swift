public import MetricModel

/// What a remote reader gets that takes chunks: frames of `prometheus.ChunkedReadResponse`, each with its length and checksum.
public enum ChunkedReadStream {
    /// Reads a whole stream: for each selection its series, with what their chunks hold, also outside of the span that was asked for.
    /// Given up where the task's limit is over.
    /// - Parameters:
    ///   - queries: how many selections were asked for.
    ///   - frameLimit: the most bytes of one frame.
    /// - Returns: `nil` where there are chunks that only a store understands (native histograms): they have to be asked for as samples.
    public static func decode(
        _ bytes: [UInt8],
        queries: Int,
        frameLimit: Int
    ) throws(ExpositionError) -> [[SeriesColumns]]? {
        var results = [[SeriesColumns]](repeating: [], count: queries)
        var offset = 0
        var room = MessageRoom.answer
        while offset < bytes.count {
            let frame = try frame(bytes, &offset, limit: frameLimit)
            // Of empty frames there may be millions; the checksum of a long one takes its time.
            try room.take(64 + frame.count >> 4)
            let part = try frame.withUnsafeBufferPointer { bytes throws(ExpositionError) in
                try message(bytes, &room)
            }
            guard let part else { return nil }
            guard part.query < queries else {
                throw ExpositionError("chunked response: answer to a query that was not asked: \(part.query)")
            }
            for series in part.series {
                // A series of many chunks comes in several frames, one behind the other.
                if let last = results[part.query].indices.last, results[part.query][last].labels == series.labels {
                    results[part.query][last].timestamps += series.timestamps
                    results[part.query][last].values += series.values
                } else {
                    results[part.query].append(series)
                }
            }
        }
        return results
    }

    private static func frame(
        _ bytes: [UInt8],
        _ offset: inout Int,
        limit: Int
    ) throws(ExpositionError) -> [UInt8] {
        var size: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard offset < bytes.count, shift < 64 else {
                throw ExpositionError("chunked response: cut off in a length")
            }
            let byte = bytes[offset]
            offset += 1
            size |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        guard size <= UInt64(limit) else {
            throw ExpositionError("chunkedReader: message size exceeded the limit \(limit) bytes; got: \(size) bytes")
        }
        guard bytes.count - offset >= 4 + Int(size) else { throw ExpositionError("unexpected EOF") }
        let told = bytes[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        offset += 4
        let data = Array(bytes[offset..<offset + Int(size)])
        offset += Int(size)
        guard CastagnoliChecksum.of(data) == told else {
            throw ExpositionError("chunkedReader: corrupted frame; checksum mismatch")
        }
        return data
    }

    private static func message(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> (query: Int, series: [SeriesColumns])? {
        var reader = WireReader(bytes)
        var query = 0
        var found: [SeriesColumns] = []
        while let tag = try reader.nextTag(of: "ChunkedReadResponse") {
            switch tag.field {
            case 1:
                var inner = try reader.message(tag, "ChunkedSeries")
                try room.take(2 * MemoryLayout<SeriesColumns>.stride)
                guard let series = try series(&inner, &room) else { return nil }
                found.append(series)
            case 2: query = Int(clamping: try reader.signed(tag, "QueryIndex"))
            default:
                try room.take(1)
                try reader.skip(tag)
            }
        }
        return (max(0, query), found)
    }

    private static func series(
        _ reader: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> SeriesColumns? {
        var labels: [Label] = []
        var columns = SeriesColumns(labels: Labels())
        while let tag = try reader.nextTag(of: "ChunkedSeries") {
            switch tag.field {
            case 1:
                var inner = try reader.message(tag, "Labels")
                try MessageRoom.checkLabels(labels.count, "Labels")
                let (name, value) = try ClientMetric.label(&inner)
                try room.take(64 + name.count + value.count)
                labels.append(Label(name: inner.text(name), value: inner.text(value)))
            case 2:
                var inner = try reader.message(tag, "Chunks")
                try room.take(16)
                guard try chunk(&inner, &columns, &room) else { return nil }
            default:
                try room.take(1)
                try reader.skip(tag)
            }
        }
        columns.labels = Labels(labels)
        return columns
    }

    private static func chunk(
        _ reader: inout WireReader,
        _ columns: inout SeriesColumns,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> Bool {
        var kind: UInt64 = 0
        var data = 0..<0
        while let tag = try reader.nextTag(of: "Chunk") {
            switch tag.field {
            case 3: kind = try reader.unsigned(tag, "Type")
            case 4: data = try reader.delimited(tag, "Data")
            default: try reader.skip(tag)
            }
        }
        guard kind == 1 else { return false }
        try XORChunk.decode(reader.slice(data), into: &columns, &room)
        return true
    }
}

/// A chunk of floats as Prometheus stores them: times as differences of differences, values as what changed of their bits.
enum XORChunk {
    private struct Bits {
        let bytes: UnsafeBufferPointer<UInt8>
        var position: Int

        mutating func take(_ count: Int) throws(ExpositionError) -> UInt64 {
            guard count <= bytes.count * 8 - position else { throw ExpositionError("EOF") }
            var value: UInt64 = 0
            var rest = count
            while rest > 0 {
                let free = 8 - position & 7
                let step = min(free, rest)
                let byte = UInt64(bytes[position >> 3])
                value = value << UInt64(step) | (byte >> UInt64(free - step)) & ((1 << UInt64(step)) - 1)
                position += step
                rest -= step
            }
            return value
        }

        mutating func varint() throws(ExpositionError) -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while shift < 64 {
                let byte = try take(8)
                value |= (byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            throw ExpositionError("binary: varint overflows a 64-bit integer")
        }

        /// A number with a sign in so many bits, as differences of differences are written.
        mutating func signed(_ count: Int) throws(ExpositionError) -> Int64 {
            let bits = try take(count)
            if count == 64 { return Int64(bitPattern: bits) }
            return bits > 1 << UInt64(count - 1) ? Int64(bits) - 1 << Int64(count) : Int64(bits)
        }
    }

    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>,
        into columns: inout SeriesColumns,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        var bits = Bits(bytes: bytes, position: 0)
        let count = Int(try bits.take(16))
        // Two bits of a chunk may be a sample.
        try room.take(2 * count * (MemoryLayout<Timestamp>.stride + MemoryLayout<Double>.stride))
        var time: Int64 = 0
        var delta: Int64 = 0
        var value: UInt64 = 0
        var leading = 0
        var trailing = 0
        for index in 0..<count {
            switch index {
            case 0:
                time = WireReader.unzigzag(try bits.varint())
                value = try bits.take(64)
            case 1:
                delta = Int64(bitPattern: try bits.varint())
                time &+= delta
                try nextValue(&bits, &value, &leading, &trailing)
            default:
                delta &+= try difference(&bits)
                time &+= delta
                try nextValue(&bits, &value, &leading, &trailing)
            }
            columns.timestamps.append(time)
            columns.values.append(Double(bitPattern: value))
        }
    }

    private static func difference(_ bits: inout Bits) throws(ExpositionError) -> Int64 {
        for size in [0, 14, 17, 20] where try bits.take(1) == 0 { return size == 0 ? 0 : try bits.signed(size) }
        return try bits.signed(64)
    }

    private static func nextValue(
        _ bits: inout Bits,
        _ value: inout UInt64,
        _ leading: inout Int,
        _ trailing: inout Int
    ) throws(ExpositionError) {
        if try bits.take(1) == 0 { return }
        if try bits.take(1) == 1 {
            leading = Int(try bits.take(5))
            let told = Int(try bits.take(6))
            // 64 does not fit, and 0 does not occur.
            let meaningful = told == 0 ? 64 : told
            guard leading + meaningful <= 64 else { throw ExpositionError("invalid XOR chunk") }
            trailing = 64 - leading - meaningful
        }
        value ^= try bits.take(64 - leading - trailing) << UInt64(trailing)
    }
}
