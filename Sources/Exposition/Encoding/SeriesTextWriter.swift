import MetricModel

/// Writes a series' name and labels into memory that is known to be large enough.
struct SeriesTextWriter {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private var count = 0
    /// What stands before the next label.
    private var separator = UInt8(ascii: "{")

    init(buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    var written: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: buffer[..<count]) }

    /// Writes the name, in braces and quotes where it needs them.
    mutating func writeMetricName(_ name: String, _ suffix: StaticString) {
        let suffix = UnsafeBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount)
        var name = name
        name.withUTF8 { bytes in
            if ByteClass.isPlainName(bytes) {
                copy(bytes)
                copy(suffix)
                return
            }
            put(UInt8(ascii: "{"))
            put(UInt8(ascii: "\""))
            copyEscaped(bytes)
            copy(suffix)
            put(UInt8(ascii: "\""))
            separator = UInt8(ascii: ",")
        }
    }

    /// Writes a label; its name in quotes where it needs them, judged as a metric's name is.
    mutating func writeLabel(_ label: Label) {
        beginLabel()
        var name = label.name
        name.withUTF8 { bytes in
            if ByteClass.isPlainName(bytes) {
                copy(bytes)
                return
            }
            put(UInt8(ascii: "\""))
            copyEscaped(bytes)
            put(UInt8(ascii: "\""))
        }
        put(UInt8(ascii: "="))
        put(UInt8(ascii: "\""))
        var value = label.value
        value.withUTF8 { copyEscaped($0) }
        put(UInt8(ascii: "\""))
    }

    /// Writes a label up to its opening quote.
    mutating func beginLabel(_ name: StaticString) {
        beginLabel()
        copy(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        put(UInt8(ascii: "="))
        put(UInt8(ascii: "\""))
    }

    private mutating func beginLabel() {
        put(separator)
        separator = UInt8(ascii: ",")
    }

    /// Writes the closing brace, where one was opened.
    mutating func close() {
        if separator == UInt8(ascii: ",") { put(UInt8(ascii: "}")) }
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        buffer[count] = byte
        count += 1
    }

    @inline(__always)
    private mutating func copy(_ bytes: UnsafeBufferPointer<UInt8>) {
        UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...]))
            .copyMemory(from: UnsafeRawBufferPointer(bytes))
        count += bytes.count
    }

    private mutating func copyEscaped(_ bytes: UnsafeBufferPointer<UInt8>) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n"):
                put(UInt8(ascii: "\\"))
                put(UInt8(ascii: "n"))
            case UInt8(ascii: "\\"), UInt8(ascii: "\""):
                put(UInt8(ascii: "\\"))
                put(byte)
            default: put(byte)
            }
        }
    }
}
