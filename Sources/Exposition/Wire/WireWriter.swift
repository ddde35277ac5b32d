/// Appends protobuf's wire format to a buffer.
enum WireWriter {
    static func varint(_ value: UInt64, to output: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(rest))
    }

    private static func tag(_ field: Int, _ wire: Int, to output: inout [UInt8]) {
        varint(UInt64(field << 3 | wire), to: &output)
    }

    static func unsigned(_ field: Int, _ value: UInt64, to output: inout [UInt8]) {
        tag(field, 0, to: &output)
        varint(value, to: &output)
    }

    static func signed(_ field: Int, _ value: Int64, to output: inout [UInt8]) {
        unsigned(field, UInt64(bitPattern: value), to: &output)
    }

    static func zigzagged(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

    static func zigzag(_ field: Int, _ value: Int64, to output: inout [UInt8]) {
        unsigned(field, zigzagged(value), to: &output)
    }

    static func double(_ field: Int, _ value: Double, to output: inout [UInt8]) {
        tag(field, 1, to: &output)
        fixed64(value, to: &output)
    }

    private static func fixed64(_ value: Double, to output: inout [UInt8]) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { output.append(contentsOf: $0) }
    }

    static func text(_ field: Int, _ value: String, to output: inout [UInt8]) {
        tag(field, 2, to: &output)
        varint(UInt64(value.utf8.count), to: &output)
        output.append(contentsOf: value.utf8)
    }

    static func bytes(_ field: Int, _ value: some Collection<UInt8>, to output: inout [UInt8]) {
        tag(field, 2, to: &output)
        varint(UInt64(value.count), to: &output)
        output.append(contentsOf: value)
    }

    /// A nested message: `write` appends its fields.
    static func message(_ field: Int, to output: inout [UInt8], _ write: (inout [UInt8]) -> Void) {
        tag(field, 2, to: &output)
        delimited(to: &output, write)
    }

    /// A message after its length.
    static func delimited(to output: inout [UInt8], _ write: (inout [UInt8]) -> Void) {
        let start = output.count
        output.append(0)
        write(&output)
        let length = output.count - start - 1
        if length < 0x80 {
            output[start] = UInt8(length)
            return
        }
        // A longer length moves the message on, without another buffer: this is done for each series.
        let extra = varintSize(UInt64(length)) - 1
        for _ in 0..<extra { output.append(0) }
        output.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            (base + start + 1 + extra).copyMemory(from: base + start + 1, byteCount: length)
            var rest = length
            for place in start..<start + extra {
                bytes[place] = UInt8(truncatingIfNeeded: rest) | 0x80
                rest >>= 7
            }
            bytes[start + extra] = UInt8(rest)
        }
    }

    /// How many bytes a number takes.
    static func varintSize(_ value: UInt64) -> Int {
        max(1, (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7)
    }

    static func packedDoubles(_ field: Int, _ values: [Double], to output: inout [UInt8]) {
        if values.isEmpty { return }
        tag(field, 2, to: &output)
        varint(UInt64(values.count * 8), to: &output)
        for value in values { fixed64(value, to: &output) }
    }

    static func packedVarints(_ field: Int, _ values: some Sequence<UInt64>, to output: inout [UInt8]) {
        var packed: [UInt8] = []
        for value in values { varint(value, to: &packed) }
        if !packed.isEmpty { bytes(field, packed, to: &output) }
    }
}
