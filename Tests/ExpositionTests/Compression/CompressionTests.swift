import Exposition
import MetricModel
import Testing

@Suite("Compression", .timeLimit(.minutes(5)))
struct CompressionTests {
    static let bodies: [[UInt8]] = {
        var random = SeededGenerator(seed: 7)
        let noise = (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let text = Array(String(repeating: "http_requests_total{path=\"/x\"} 12\n", count: 5000).utf8)
        return [[], [1], Array("hello hello hello hello".utf8), text, noise, Array(repeating: 0, count: 70_000)]
    }()

    @Test("What was packed comes back", arguments: bodies.indices)
    func roundTrip(index: Int) throws {
        let body = Self.bodies[index]
        #expect(try GzipDecoder.decode(GzipEncoder.encode(body)) == body)
        #expect(try Snappy.decode(Snappy.encode(body)) == body)
        #expect(try SnappyFrames.decode(SnappyFrames.encode(body)) == body)
    }

    @Test("At once as piece by piece, at every level and for every kind of block")
    func wholeBodies() throws {
        var random = SeededGenerator(seed: 11)
        let decoder = WholeGunzip()
        for round in 0..<400 {
            // Sizes, alphabets and distances of all kinds; noise makes blocks that are stored.
            let alphabet = UInt8(1 + round % 7 * 40)
            var body = (0..<Int.random(in: 1...60_000, using: &random)).map { _ in
                UInt8.random(in: 0...alphabet, using: &random)
            }
            for _ in 0..<(round % 5 * 200) {
                let from = Int.random(in: 0..<body.count, using: &random)
                let count = Int.random(in: 1...300, using: &random)
                body += body[from..<min(from + count, body.count)]
            }
            let packed = GzipEncoder.encode(body, level: 1 + round % 9)
            packed.withUnsafeBytes { packed in
                #expect(WholeGunzip.size(of: packed) == body.count)
                let text = unpack(packed, body.count, with: decoder)
                #expect(text == body)
            }
        }
    }

    @Test("The checksum is right at every size, whatever is folded of it")
    func checksums() {
        var random = SeededGenerator(seed: 13)
        let decoder = WholeGunzip()
        for size in 1...300 {
            let body = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let text = GzipEncoder.encode(body).withUnsafeBytes { unpack($0, size, with: decoder) }
            #expect(text == body, "\(size) bytes")
        }
    }

    @Test("Damaged bodies are never taken for whole ones")
    func damagedWholeBodies() {
        var random = SeededGenerator(seed: 12)
        let decoder = WholeGunzip()
        let body = Self.bodies[3] + Self.bodies[4].prefix(5000)
        let packed = GzipEncoder.encode(body)
        for _ in 0..<3000 {
            var broken = packed
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                broken[Int.random(in: 10..<broken.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            }
            if Bool.random(using: &random) { broken.removeLast(Int.random(in: 1..<broken.count, using: &random)) }
            broken.withUnsafeBytes { broken in
                guard let size = WholeGunzip.size(of: broken) else { return }
                let text = unpack(broken, size, with: decoder)
                #expect(text == nil || text == body)
            }
        }
    }

    private func unpack(_ packed: UnsafeRawBufferPointer, _ size: Int, with decoder: WholeGunzip) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: size + WholeGunzip.slack)
        let isWhole = output.withUnsafeMutableBytes { decoder.unpack(packed, size: size, into: $0) }
        return isWhole ? Array(output.prefix(size)) : nil
    }

    @Test("Known bytes of other implementations")
    func foreign() throws {
        // What gzip(1) makes of "promenade".
        let gzip: [UInt8] = [
            0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0x2b, 0x28, 0xca, 0xcf, 0x4d, 0xcd, 0x4b, 0x4c, 0x49, 0x05, 0,
            0x70,
            0x83, 0x3c, 0xce, 0x09, 0, 0, 0,
        ]
        #expect(try GzipDecoder.decode(gzip) == Array("promenade".utf8))
        // A literal of three and an overlapping copy of six.
        #expect(try Snappy.decode([9, 2 << 2, 0x61, 0x62, 0x63, 2 << 2 | 1, 3]) == Array("abcabcabc".utf8))
    }

    @Test("In pieces, members joined, and again after a reset")
    func pieces() throws {
        let first = Array("first ".utf8)
        let second = Self.bodies[3]
        let packed = GzipEncoder.encode(first) + GzipEncoder.encode(second)
        let decoder = GzipDecoder()
        for size in [1, 7, 4096] {
            var output: [UInt8] = []
            for start in stride(from: 0, to: packed.count, by: size) {
                try Array(packed[start..<min(start + size, packed.count)]).withUnsafeBytes { piece in
                    try decoder.feed(piece, into: &output)
                }
            }
            try decoder.finish()
            #expect(output == first + second)
            decoder.reset()
        }
    }

    @Test("Bounded, truncated and damaged")
    func failures() {
        let body = Self.bodies[3]
        let packed = GzipEncoder.encode(body)
        #expect((try? GzipDecoder.decode(packed, limit: body.count)) == body)
        #expect(throws: CompressionError(.tooLarge, "body size limit exceeded")) {
            try GzipDecoder.decode(packed, limit: body.count - 1)
        }
        #expect(throws: CompressionError(.truncated, "unexpected EOF")) { try GzipDecoder.decode(packed.dropLast(9)) }
        // A header has ten bytes; with fewer Go's reader does not look at them.
        for short in [Array("a 1\n".utf8), packed + Array("rest".utf8)] {
            #expect(throws: CompressionError(.truncated, "unexpected EOF")) { try GzipDecoder.decode(short) }
        }
        #expect(throws: CompressionError(.corrupt, "gzip: invalid header")) {
            try GzipDecoder.decode(Array("plain text".utf8))
        }
        var damaged = packed
        damaged[damaged.count - 6] ^= 0xff
        #expect(throws: CompressionError(.corrupt, "gzip: invalid checksum")) { try GzipDecoder.decode(damaged) }
        let corrupt = CompressionError(.corrupt, "snappy: corrupt input")
        for block: [UInt8] in [
            [], [0xff], [5, 0], [4, 0xff, 0xff], [9, 8, 97, 98, 99, 9, 4], [200, 200, 200, 4, 0],
        ] {
            #expect(throws: corrupt) { try Snappy.decode(block) }
        }
        #expect(throws: CompressionError(.tooLarge, "snappy: decoded block is too large")) {
            try Snappy.decode(Snappy.encode(body), limit: 100)
        }
        #expect(throws: corrupt) { try SnappyFrames.decode([0, 0, 0, 0]) }
        var frames = SnappyFrames.encode(body)
        frames[14] ^= 1
        #expect(throws: corrupt) { try SnappyFrames.decode(frames) }
    }

    @Test("What unpacks to much is copied a few times, not once for each piece")
    func bombs() throws {
        let packed = GzipEncoder.encode([UInt8](repeating: 10, count: 32 << 20))
        let decoder = GzipDecoder()
        var output: [UInt8] = []
        var capacities: Set<Int> = []
        packed.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 64) {
                let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 64, bytes.count)])
                #expect(throws: Never.self) { try decoder.feed(piece, limit: 33 << 20, into: &output) }
                capacities.insert(output.capacity)
            }
        }
        try decoder.finish()
        #expect(output.count == 32 << 20)
        #expect(capacities.count < 30)
        #expect(output.capacity < 34 << 20)
    }

    @Test("Snappy copies that overlap themselves", arguments: [1, 2, 3, 4, 7, 8, 9, 63, 64, 65])
    func overlappingCopies(distance: Int) throws {
        let start = (0..<distance).map { UInt8($0 % 251) }
        for length in [1, 4, 5, 31, 63, 64] {
            // A literal with its length in a byte, then a copy whose distance has two bytes.
            let size = distance + length
            let block =
                [UInt8(size & 0x7f) | (size > 0x7f ? 0x80 : 0)] + (size > 0x7f ? [UInt8(size >> 7)] : [])
                + [60 << 2, UInt8(distance - 1)] + start + [UInt8((length - 1) << 2 | 2), UInt8(distance), 0]
            #expect(try Snappy.decode(block) == (0..<size).map { start[$0 % distance] })
        }
    }

    @Test("Random damage never traps")
    func damage() {
        var random = SeededGenerator(seed: 99)
        let packed = [
            GzipEncoder.encode(Self.bodies[2]), Snappy.encode(Self.bodies[2]), SnappyFrames.encode(Self.bodies[2]),
        ]
        for round in 0..<600 {
            var bytes = packed[round % 3]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? GzipDecoder.decode(bytes, limit: 1 << 20)
            _ = try? Snappy.decode(bytes, limit: 1 << 20)
            _ = try? SnappyFrames.decode(bytes, limit: 1 << 20)
        }
    }
}

extension GzipDecoder {
    static func decode(_ body: ArraySlice<UInt8>) throws(CompressionError) -> [UInt8] { try decode(Array(body)) }

    @Test("Members and blocks by the hundred thousand")
    func manyPieces() async throws {
        let text = Array("text".utf8)
        let empty = GzipEncoder.encode([])
        let members = [[UInt8]](repeating: empty, count: 100_000).flatMap(\.self) + GzipEncoder.encode(text) + empty
        #expect(try GzipDecoder.decode(members, limit: 4) == text)
        #expect(try await GzipDecoder.decodeInPieces(members, limit: 4) == text)
        await #expect(throws: CompressionError(.tooLarge, "body size limit exceeded")) {
            try await GzipDecoder.decodeInPieces(members, limit: 3)
        }
        // Blocks without anything in them, stored and with fixed codes, in one member.
        let packed = GzipEncoder.encode(text)
        for block: [UInt8] in [[0, 0, 0, 0xff, 0xff], [0b0000_0010, 0b0000_1000, 0b0010_0000, 0b1000_0000, 0]] {
            let blocks = [[UInt8]](repeating: block, count: 100_000).flatMap(\.self)
            let body = Array(packed[..<10] + blocks + packed[10...])
            #expect(try GzipDecoder.decode(body) == text)
            #expect(try await GzipDecoder.decodeInPieces(body) == text)
            var output = [UInt8](repeating: 0, count: 4 + WholeGunzip.slack)
            let isTaken = body.withUnsafeBytes { bytes in
                output.withUnsafeMutableBytes { WholeGunzip().unpack(bytes, size: 4, into: $0) }
            }
            #expect(!isTaken)
        }
    }

    @Test("Room is asked for before it is taken, and nothing is unpacked for which there is none")
    func room() async throws {
        let body = [UInt8](repeating: 120, count: 1 << 20)
        let forms: [(String, (_ room: @escaping (Int) -> Bool) async throws -> [UInt8])] = [
            ("gzip", { [packed = GzipEncoder.encode(body)] in try await GzipDecoder.decodeInPieces(packed, room: $0) }),
            ("snappy", { [packed = Snappy.encode(body)] in try Snappy.decode(packed, room: $0) }),
            ("snappy frames", { [packed = SnappyFrames.encode(body)] in try SnappyFrames.decode(packed, room: $0) }),
        ]
        for (name, decode) in forms {
            var asked: [Int] = []
            let roomy = try await decode { size in
                asked.append(size)
                return true
            }
            #expect(roomy == body, "\(name)")
            #expect(
                asked == asked.sorted() && asked.last.map { (body.count...2 * body.count).contains($0) } == true,
                "\(name): \(asked)"
            )
            asked = []
            await #expect(throws: CompressionError.noRoom, "\(name)") {
                try await decode { size in
                    asked.append(size)
                    return size <= body.count / 4
                }
            }
            // It ended there: with less than would be wanted, and never beyond what that leads to.
            #expect(asked.last ?? 0 > body.count / 4 && asked.allSatisfy { $0 <= body.count }, "\(name): \(asked)")
        }
    }

    @Test("A task that is cancelled unpacks no further")
    func cancelled() async throws {
        var generator = SeededGenerator(seed: 3)
        let noise = (0..<100_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let body = GzipEncoder.encode(noise)
        #expect(try await GzipDecoder.decodeInPieces(body) == noise)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await GzipDecoder.decodeInPieces(body + body + body)
        }
        await #expect(throws: CompressionError(.cancelled, "context canceled")) { try await task.value }
    }
}
