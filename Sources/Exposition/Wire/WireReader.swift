import MetricModel

/// Reads protobuf's wire format without copying, with the messages of the Go code that Prometheus reads it with.
///
/// Positions are absolute in the buffer; a nested message is read by a reader that ends earlier.
struct WireReader {
    let bytes: UnsafeBufferPointer<UInt8>
    var position: Int
    let end: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.init(bytes, 0..<bytes.count)
    }

    static let truncated = ExpositionError("unexpected EOF")
    static let overflow = ExpositionError("proto: integer overflow")
    static let negativeLength = ExpositionError("proto: negative length found during unmarshaling")

    /// How a field is encoded.
    struct Tag {
        var field: Int32
        var wire: Int
        /// Where the tag itself began.
        var start: Int
    }

    @inline(__always)
    mutating func varint() throws(ExpositionError) -> UInt64 {
        // Most numbers are tags and lengths of one byte.
        if position < end, bytes[position] < 0x80 {
            position += 1
            return UInt64(bytes[position - 1])
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(ExpositionError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            if shift >= 64 { throw WireReader.overflow }
            if position >= end { throw WireReader.truncated }
            let byte = bytes[position]
            position += 1
            result |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    /// The next field of a message; `nil` at its end.
    @inline(__always)
    mutating func nextTag(of message: StaticString) throws(ExpositionError) -> Tag? {
        if position >= end { return nil }
        let start = position
        let tag = try varint()
        let field = Int32(truncatingIfNeeded: tag >> 3)
        let wire = Int(tag & 7)
        if wire == 4 || field <= 0 { throw Self.illegal(tag, message) }
        return Tag(field: field, wire: wire, start: start)
    }

    @inline(never)
    private static func illegal(_ tag: UInt64, _ message: StaticString) -> ExpositionError {
        if tag & 7 == 4 { return ExpositionError("proto: \(message): wiretype end group for non-group") }
        let field = Int32(truncatingIfNeeded: tag >> 3)
        return ExpositionError("proto: \(message): illegal tag \(field) (wire type \(tag))")
    }

    @inline(__always)
    private func expect(_ wire: Int, _ tag: Tag, _ field: StaticString) throws(ExpositionError) {
        if tag.wire != wire { throw Self.unexpected(tag, field) }
    }

    @inline(never)
    private static func unexpected(_ tag: Tag, _ field: StaticString) -> ExpositionError {
        ExpositionError("proto: wrong wireType = \(tag.wire) for field \(field)")
    }

    /// The stretch of a length-delimited field.
    @inline(__always)
    mutating func delimited(_ tag: Tag, _ field: StaticString) throws(ExpositionError) -> Range<Int> {
        try expect(2, tag, field)
        return try stretch()
    }

    private mutating func stretch() throws(ExpositionError) -> Range<Int> {
        let length = Int(truncatingIfNeeded: try varint())
        if length < 0 { throw WireReader.negativeLength }
        let (upper, overflow) = position.addingReportingOverflow(length)
        if overflow { throw WireReader.negativeLength }
        if upper > end { throw WireReader.truncated }
        let range = position..<upper
        position = upper
        return range
    }

    /// A reader of a nested message.
    mutating func message(_ tag: Tag, _ field: StaticString) throws(ExpositionError) -> WireReader {
        WireReader(bytes, try delimited(tag, field))
    }

    /// An embedded message, as `read` reads it.
    @inline(__always)
    mutating func message<Value>(
        _ tag: Tag,
        _ field: StaticString,
        _ read: (inout WireReader) throws(ExpositionError) -> Value
    ) throws(ExpositionError) -> Value {
        var inner = try message(tag, field)
        return try read(&inner)
    }

    mutating func unsigned(_ tag: Tag, _ field: StaticString) throws(ExpositionError) -> UInt64 {
        try expect(0, tag, field)
        return try varint()
    }

    mutating func signed(_ tag: Tag, _ field: StaticString) throws(ExpositionError) -> Int64 {
        Int64(bitPattern: try unsigned(tag, field))
    }

    mutating func zigzag(_ tag: Tag, _ field: StaticString) throws(ExpositionError) -> Int64 {
        WireReader.unzigzag(try unsigned(tag, field))
    }

    static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func double(_ tag: Tag, _ field: StaticString) throws(ExpositionError) -> Double {
        try expect(1, tag, field)
        return try fixed64()
    }

    private mutating func fixed64() throws(ExpositionError) -> Double {
        if end - position < 8 { throw WireReader.truncated }
        let bits = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: position, as: UInt64.self)
        position += 8
        return Double(bitPattern: UInt64(littleEndian: bits))
    }

    /// A repeated field of doubles, packed or not, one for each bucket of a histogram.
    mutating func doubles(_ tag: Tag, _ field: StaticString, into: inout [Double]) throws(ExpositionError) {
        if tag.wire == 1 {
            if into.count >= NativeHistogram.bucketLimit { throw Self.tooMany(field, NativeHistogram.bucketLimit) }
            into.append(try fixed64())
            return
        }
        var packed = WireReader(bytes, try delimited(tag, field))
        let count = (packed.end - packed.position) / 8
        if into.count + count > NativeHistogram.bucketLimit { throw Self.tooMany(field, NativeHistogram.bucketLimit) }
        // Only for the first stretch: a field that is split into many would be copied for each of them.
        if into.isEmpty { into.reserveCapacity(count) }
        while packed.position < packed.end { into.append(try packed.fixed64()) }
    }

    /// A repeated field of varints, packed or not.
    /// - Parameter limit: How many there may be.
    mutating func varints(
        _ tag: Tag,
        _ field: StaticString,
        into: inout [UInt64],
        upTo limit: Int
    ) throws(ExpositionError) {
        if tag.wire == 0 {
            if into.count >= limit { throw Self.tooMany(field, limit) }
            into.append(try varint())
            return
        }
        var packed = WireReader(bytes, try delimited(tag, field))
        while packed.position < packed.end {
            if into.count >= limit { throw Self.tooMany(field, limit) }
            into.append(try packed.varint())
        }
    }

    /// What a message is refused with that has more of something than makes sense.
    @inline(never)
    static func tooMany(_ field: StaticString, _ limit: Int) -> ExpositionError {
        ExpositionError("proto: more than \(limit) elements in field \(field)")
    }

    /// Steps over an unknown field.
    mutating func skip(_ tag: Tag) throws(ExpositionError) {
        position = tag.start
        var depth = 0
        repeat {
            if position >= end { throw WireReader.truncated }
            let wire = Int(try varint() & 7)
            switch wire {
            case 0: _ = try varint()
            case 1: position += 8
            case 2: _ = try stretch()
            case 3: depth += 1
            case 4:
                if depth == 0 { throw ExpositionError("proto: unexpected end of group") }
                depth -= 1
            case 5: position += 4
            default: throw ExpositionError("proto: illegal wireType \(wire)")
            }
            if position > end { throw WireReader.truncated }
        } while depth > 0
    }

    /// The bytes of a stretch.
    func slice(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[range])
    }

    func isValidUTF8(_ range: Range<Int>) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        return ByteText.isValidUTF8(base + range.lowerBound, range.count)
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: slice(range), as: UTF8.self)
    }
}
