package import MetricModel

/// Writes messages of version 1 packed, for who sends samples of the same series again and again.
///
/// What a message repeats are labels, and these are the same each time: which bytes of a series' labels stand in those of another one
/// is looked for once, and where that other one is in a message there is nothing more to look for. So neither the message is written
/// before it is packed, nor are labels touched that are not new in it.
package struct RemoteWritePacker: ~Copyable, Sendable {
    /// Where a series was last.
    struct Seen {
        /// The number of the message.
        var message: UInt32 = 0
        /// Where in it the labels begin.
        var position: UInt32 = 0
        /// The value.
        var bits: UInt64 = 0
    }

    /// How the labels of a series are written.
    struct Recipe {
        /// Where it begins; ``none`` for labels as they are.
        var start = Self.none
        /// Whether it was found where little stood before, or what it refers to was not there: then it is looked for again.
        var isPoor = true

        static let none = -1
    }

    /// A part of a recipe: bytes as they are.
    private struct Plain {
        let start: Int
        let count: Int
        var end: Int { start + count }

        @inline(__always)
        init(_ code: UnsafeRawPointer, _ at: Int) {
            start = at + 2
            count = Int((code + at).loadUnaligned(as: UInt16.self))
        }
    }

    /// A part of a recipe: bytes of another series.
    struct Copied {
        let count: Int
        let offset: Int
        let place: Int
        let end: Int

        @inline(__always)
        init(_ code: UnsafeRawPointer, _ at: Int) {
            let bits = (code + at).loadUnaligned(as: UInt64.self)
            count = Int(bits & 0xffff)
            offset = Int(bits >> 16 & 0xffff)
            place = Int(bits >> 32)
            end = at + 8
        }

        static func bits(_ count: Int, _ offset: Int, _ place: Int) -> UInt64 {
            UInt64(count) | UInt64(offset) << 16 | UInt64(place) << 32
        }
    }

    /// One of the last series of the message.
    struct Neighbour {
        var place = -1
        /// Whether its words were noted.
        var isNoted = true
    }

    /// The series before in the message.
    private struct Last {
        var place = -1
        var head = 0
        var length = 0
        var tail = 0
        var times = 0
        var bits: UInt64 = 0
        var timestamp: Timestamp = 0
        var timeSize = 0
        /// From how far away its time is copied, which is still to be written.
        var timeDistance = Int.max
    }

    /// Labels as messages have them, one series after the other, and where each ends.
    var labels: [UInt8] = []
    var ends: [Int] = [0]
    var recipes: [Recipe] = []
    /// Recipes: how many bytes stand as they are, these bytes; then how many are copied, from where in whose labels; and so on.
    var code: [UInt8] = []
    var seen: [Seen] = []
    /// Where four bytes were last: series and offset, by their hash.
    var words = [UInt64](repeating: .max, count: 1 << Int(wordBits))
    private var buffer = PackingBuffer()
    private var pieces: SnappyPieces
    var message: UInt32 = 0
    /// How much there is in the message so far, not packed.
    var position = 0
    private var last = Last()
    /// From here on all samples have one time.
    private var steadySince = 0
    /// The last series of the message, in turn, to be looked through when something new comes.
    var neighbours = [Neighbour](repeating: Neighbour(), count: neighbourCount)
    private var turn = 0
    var searches = 0

    static let wordBits: UInt32 = 14
    private static let neighbourCount = 8
    /// So far from its beginning a message has what others refer to.
    static let begins = 16 << 10
    /// So often it is looked for a better recipe in a message.
    static let mostSearches = 32
    /// Longer labels are not looked through.
    static let longestLabels = 32 << 10
    /// The size of a message is written in front of it, once it is known.
    private static let sizeRoom = 5

    /// No series.
    package init() { pieces = SnappyPieces(buffer.start + Self.sizeRoom) }

    /// Adds a series behind the others; `nil` for one that is never sent.
    package mutating func append(_ new: Labels?) {
        if let new { labels += RemoteWriteParts.labels(new) }
        ends.append(labels.count)
        recipes.append(Recipe())
        seen.append(Seen())
    }

    /// The labels of a series, as messages have them.
    package func labels(_ place: Int) -> [UInt8] { Array(labels[ends[place]..<ends[place + 1]]) }

    // MARK: A message

    /// Begins a message.
    package mutating func begin() {
        if message == .max {
            message = 0
            for place in seen.indices { seen[place] = Seen() }
        }
        message += 1
        position = 0
        pieces = SnappyPieces(buffer.start + Self.sizeRoom)
        last = Last()
        steadySince = 0
        searches = 0
        for index in neighbours.indices { neighbours[index] = Neighbour() }
        if code.count > labels.count + recipes.count * 64 + 1 << 16 {
            code = []
            for place in recipes.indices { recipes[place] = Recipe() }
        }
    }

    /// The message, packed.
    package mutating func finish() -> [UInt8] {
        var pieces = pieces
        if last.place >= 0 { writeTime(to: &pieces) }
        pieces.settle()
        self.pieces = pieces
        // What was added has seen to it.
        precondition(Self.sizeRoom + pieces.count <= buffer.size)
        var size: [UInt8] = []
        WireWriter.varint(UInt64(position), to: &size)
        let start = buffer.start + (Self.sizeRoom - size.count)
        for (index, byte) in size.enumerated() { start.storeBytes(of: byte, toByteOffset: index, as: UInt8.self) }
        return Array(UnsafeRawBufferPointer(start: start, count: size.count + pieces.count))
    }

    /// Adds a series with one float sample.
    package mutating func add(_ place: Int, _ value: Double, at timestamp: Timestamp) {
        let bits = value.bitPattern
        let start = ends[place]
        let size = ends[place + 1] - start
        let isTimed = last.place >= 0 && timestamp == last.timestamp
        let timeSize =
            isTimed
            ? last.timeSize : timestamp == 0 ? 0 : 1 + WireWriter.varintSize(UInt64(bitPattern: timestamp))
        let sample = (bits == 0 ? 0 : 9) + timeSize
        let length = size + 2 + sample
        makeRoom(length)
        let isSearched = recipes[place].isPoor && search(place)
        var pieces = pieces
        let first = writeHead(length, place, size, bits, isTimed, to: &pieces)
        seen[place] = Seen(message: message, position: UInt32(truncatingIfNeeded: first), bits: bits)
        let (origin, isMissing) = writeLabels(place, start, size, first, to: &pieces)
        if isMissing, first > Self.begins { recipes[place].isPoor = true }
        let tail = first + size
        let isSteady = writeValue(tail, sample, bits, isTimed ? origin : nil, to: &pieces)
        let times = tail + sample + 2 - timeSize
        // Behind a value that is copied the time goes on with it.
        last.timeDistance = isTimed ? isSteady ? pieces.distance : times - last.times : .max
        if !isTimed { steadySince = tail }
        self.pieces = pieces
        last.place = place
        last.head = position
        last.length = length
        last.tail = tail
        last.times = times
        last.bits = bits
        last.timestamp = timestamp
        last.timeSize = timeSize
        position = times + timeSize
        neighbours[turn] = Neighbour(place: place, isNoted: isSearched)
        turn = (turn + 1) % Self.neighbourCount
    }

    private mutating func makeRoom(_ length: Int) {
        // A copy of a recipe stands for four bytes or more, so that it takes no more than they do.
        let written = Self.sizeRoom + pieces.count
        // The time of the series before is still to be written, and its own one will be; so is a copy that became longer and longer.
        let needed = written + pieces.open + SnappyPieces.room(for: length + 32, pieces: 8)
        if needed <= buffer.size { return }
        buffer.grow(to: max(needed, buffer.size * 2), keeping: written)
        pieces.move(to: buffer.start + Self.sizeRoom)
    }

    /// The time of the series before, and the tag and the length of this one: often that stood before, too.
    /// - Returns: Where the labels begin.
    @inline(__always)
    private func writeHead(
        _ length: Int,
        _ place: Int,
        _ size: Int,
        _ bits: UInt64,
        _ isTimed: Bool,
        to pieces: inout SnappyPieces
    ) -> Int {
        let head = 1 + WireWriter.varintSize(UInt64(length))
        let model = model(of: place)
        if model >= 0, isTimed {
            // The one whose labels these begin with is as long, and the time before it the same.
            let (distance, there) = (position + head - Int(seen[model].position), Int(seen[model].position) - head)
            if there > steadySince, ends[model + 1] - ends[model] == size, (seen[model].bits == 0) == (bits == 0),
                distance <= SnappyPieces.farthest
            {
                pieces.copy(distance, last.timeSize + head)
                return position + head
            }
        }
        if last.place >= 0 {
            writeTime(to: &pieces)
            let distance = position - last.head
            if length == last.length, distance <= SnappyPieces.farthest,
                pieces.continues(distance) || model == last.place
            {
                pieces.copy(distance, head)
                return position + head
            }
        }
        pieces.fill(head) { output in
            output.storeBytes(of: 1 << 3 | 2, as: UInt8.self)
            Self.write(UInt64(length), to: output + 1)
        }
        return position + head
    }

    private static func write(_ value: UInt64, to output: UnsafeMutableRawPointer) {
        var rest = value
        var count = 0
        while rest >= 0x80 {
            output.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
            rest >>= 7
            count += 1
        }
        output.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
    }

    /// The series of the message with whose labels these begin; -1 where there is none.
    @inline(__always)
    private func model(of place: Int) -> Int {
        let start = recipes[place].start
        if start < 0 { return -1 }
        return code.withUnsafeBytes { code in
            guard let code = code.baseAddress else { return -1 }
            let plain = Plain(code, start)
            guard plain.count == 0 else { return -1 }
            let copied = Copied(code, plain.end)
            return copied.offset == 0 && seen[copied.place].message == message ? copied.place : -1
        }
    }

    /// The labels, by their recipe.
    /// - Returns: The series with whose labels they end, -1 where they end with bytes of their own; and whether one was not there.
    @inline(__always)
    private func writeLabels(
        _ place: Int,
        _ start: Int,
        _ size: Int,
        _ first: Int,
        to pieces: inout SnappyPieces
    ) -> (origin: Int, isMissing: Bool) {
        var at = recipes[place].start
        if at < 0 {
            plain(start, size, to: &pieces)
            return (-1, false)
        }
        var done = 0
        var origin = -1
        var isMissing = false
        code.withUnsafeBytes { code in
            guard let code = code.baseAddress else { return }
            while done < size {
                let plain = Plain(code, at)
                if plain.count > 0 {
                    pieces.bytes(code + plain.start, plain.count)
                    done += plain.count
                    origin = -1
                    if done == size { break }
                }
                let copied = Copied(code, plain.end)
                at = copied.end
                let source = seen[copied.place]
                let distance = first + done - Int(source.position) - copied.offset
                if source.message == message, distance <= SnappyPieces.farthest {
                    pieces.copy(distance, copied.count)
                    let isEnd = ends[copied.place + 1] - ends[copied.place] == copied.offset + copied.count
                    origin = isEnd ? copied.place : -1
                } else {
                    self.plain(start + done, copied.count, to: &pieces)
                    origin = -1
                    isMissing = true
                }
                done += copied.count
            }
        }
        return (origin == place ? -1 : origin, isMissing)
    }

    /// Labels as they are.
    private func plain(_ start: Int, _ count: Int, to pieces: inout SnappyPieces) {
        labels.withUnsafeBytes { if let bytes = $0.baseAddress { pieces.bytes(bytes + start, count) } }
    }

    /// The sample's length and value: often the first bytes are those of another one.
    /// - Parameter origin: The series with whose labels those before end, or -1; `nil` where the time is another one than that before.
    /// - Returns: Whether all of it is copied, from where the time is the same, too.
    @inline(__always)
    private func writeValue(
        _ tail: Int,
        _ sample: Int,
        _ bits: UInt64,
        _ origin: Int?,
        to pieces: inout SnappyPieces
    ) -> Bool {
        var (other, otherBits) = (last.tail, last.bits)
        if let origin, origin >= 0 {
            other = Int(seen[origin].position) + ends[origin + 1] - ends[origin]
            otherBits = seen[origin].bits
        }
        let size = bits == 0 ? 2 : 11
        let distance = tail - other
        var common = 0
        // The length says how many bytes the time takes, which is the same only where the time is.
        if origin != nil, other >= steadySince, (bits == 0) == (otherBits == 0), distance <= SnappyPieces.farthest {
            common = bits == 0 ? 2 : 3 + min(8, (bits ^ otherBits).trailingZeroBitCount >> 3)
            if common >= 4 || pieces.continues(distance) { pieces.copy(distance, common) } else { common = 0 }
        }
        if common == size { return true }
        // The tag of the sample, its length, the tag of the value.
        let tags = UInt32(2 << 3 | 2) | UInt32(sample) << 8 | UInt32(1 << 3 | 1) << 16
        if common < 3 {
            pieces.fill(size) { output in
                output.storeBytes(of: UInt16(truncatingIfNeeded: tags).littleEndian, as: UInt16.self)
                if size == 2 { return }
                output.storeBytes(of: UInt8(tags >> 16), toByteOffset: 2, as: UInt8.self)
                output.storeBytes(of: bits.littleEndian, toByteOffset: 3, as: UInt64.self)
            }
        } else {
            withUnsafeBytes(of: bits.littleEndian) { value in
                if let value = value.baseAddress { pieces.bytes(value + (common - 3), size - common) }
            }
        }
        return false
    }

    /// The time of the last series, where it stood before if that is near.
    @inline(__always)
    private func writeTime(to pieces: inout SnappyPieces) {
        if last.timeSize == 0 { return }
        if last.timeDistance <= SnappyPieces.farthest { return pieces.copy(last.timeDistance, last.timeSize) }
        pieces.fill(last.timeSize) { output in
            output.storeBytes(of: 2 << 3, as: UInt8.self)
            Self.write(UInt64(bitPattern: last.timestamp), to: output + 1)
        }
    }
}
