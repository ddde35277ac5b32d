import MetricModel

/// Builds ``MetricModel/Labels`` straight from bytes. Reusable, so that a set costs one allocation.
struct LabelBytesBuilder {
    /// Where a label's name and value stand in ``arena``: the value follows the name.
    private struct Span {
        var start: Int
        var middle: Int
        var end: Int
    }

    private var arena: [UInt8] = []
    private var spans: [Span] = []
    private var current = Span(start: 0, middle: 0, end: 0)
    private var hasEmptyValue = false

    init() {}

    /// How many labels were added.
    var count: Int { spans.count }

    mutating func removeAll() {
        arena.removeAll(keepingCapacity: true)
        spans.removeAll(keepingCapacity: true)
        hasEmptyValue = false
    }

    /// Adds a label. An empty value takes every label of that name away, as Prometheus's builder does.
    mutating func add(name: some Collection<UInt8>, value: some Collection<UInt8>) {
        begin()
        append(name)
        middle()
        append(value)
        end()
    }

    // A label can also be added piece by piece: begin, append the name, middle, append the value, end.

    mutating func begin() { current.start = arena.count }

    mutating func begin(name: StaticString) {
        begin()
        arena.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        middle()
    }

    mutating func middle() { current.middle = arena.count }

    @inline(__always)
    mutating func append(_ text: some Collection<UInt8>) { arena.append(contentsOf: text) }

    mutating func append(openMetricsNumber value: Double) { LabelText.appendOpenMetricsNumber(value, to: &arena) }

    mutating func end() {
        current.end = arena.count
        if current.end == current.middle { hasEmptyValue = true }
        spans.append(current)
    }

    /// Takes the label that was begun back.
    mutating func drop() { arena.removeLast(arena.count - current.start) }

    /// Whether the name of the label at hand is this.
    func nameIs(_ text: StaticString) -> Bool {
        guard current.middle - current.start == text.utf8CodeUnitCount else { return false }
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return arena[current.start..<current.middle].elementsEqual(wanted)
    }

    /// The set, sorted; repeated names stay.
    mutating func build() -> Labels {
        if hasEmptyValue { removeEmptied() }
        sort()
        var size = 0
        for span in spans {
            size +=
                span.end - span.start + LabelBytesBuilder.prefixSize(span.middle - span.start)
                + LabelBytesBuilder.prefixSize(span.end - span.middle)
        }
        let encoded = [UInt8](unsafeUninitializedCapacity: size) { output, count in
            arena.withUnsafeBytes { bytes in
                let raw = UnsafeMutableRawBufferPointer(output)
                for span in spans {
                    LabelBytesBuilder.write(bytes, span.start, span.middle, to: raw, &count)
                    LabelBytesBuilder.write(bytes, span.middle, span.end, to: raw, &count)
                }
            }
        }
        return Labels(encoded: encoded)
    }

    /// Writes one field after its length.
    @inline(__always)
    private static func write(
        _ bytes: UnsafeRawBufferPointer,
        _ start: Int,
        _ end: Int,
        to output: UnsafeMutableRawBufferPointer,
        _ count: inout Int
    ) {
        var length = end - start
        while length >= 0x80 {
            output[count] = UInt8(truncatingIfNeeded: length) | 0x80
            count += 1
            length >>= 7
        }
        output[count] = UInt8(truncatingIfNeeded: length)
        count += 1
        UnsafeMutableRawBufferPointer(rebasing: output[count...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        count += end - start
    }

    /// How many bytes a length takes.
    private static func prefixSize(_ length: Int) -> Int {
        var size = 1
        var rest = length >> 7
        while rest > 0 {
            size += 1
            rest >>= 7
        }
        return size
    }

    private mutating func removeEmptied() {
        let emptied = Set(spans.filter { $0.end == $0.middle }.map { Array(arena[$0.start..<$0.middle]) })
        spans.removeAll { emptied.contains(Array(arena[$0.start..<$0.middle])) }
    }

    private mutating func sort() {
        arena.withUnsafeBufferPointer { bytes in
            if spans.count > 24 {
                spans.sort { LabelBytesBuilder.precedes($0, $1, bytes) }
                return
            }
            var index = 1
            while index < spans.count {
                let moving = spans[index]
                var place = index
                while place > 0, LabelBytesBuilder.precedes(moving, spans[place - 1], bytes) {
                    spans[place] = spans[place - 1]
                    place -= 1
                }
                spans[place] = moving
                index += 1
            }
        }
    }

    @inline(__always)
    private static func precedes(_ left: Span, _ right: Span, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var i = left.start
        var j = right.start
        while i < left.middle, j < right.middle {
            if bytes[i] != bytes[j] { return bytes[i] < bytes[j] }
            i += 1
            j += 1
        }
        return i == left.middle && j < right.middle
    }
}
