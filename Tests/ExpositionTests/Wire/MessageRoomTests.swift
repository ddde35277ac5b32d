import Exposition
import MetricModel
import Synchronization
import Testing

/// A few bytes of a message must not become much memory: it is refused before. One after the other: each takes some 400 MiB.
@Suite(.serialized, .timeLimit(.minutes(5)), .longWork) struct MessageRoomTests {
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        varint(UInt64(number) << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    private static func number(_ number: UInt8, _ value: UInt64) -> [UInt8] { [number << 3] + varint(value) }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes): (UInt64, [UInt8]) = (value, [])
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count * count)
        for _ in 0..<count { result += bytes }
        return result
    }

    private static func label(_ name: String, _ value: String) -> [UInt8] {
        field(1, field(1, Array(name.utf8)) + field(2, Array(value.utf8)))
    }

    private static func problem<Value>(_ read: () throws(ExpositionError) -> Value) -> String {
        do throws(ExpositionError) {
            _ = try read()
            return ""
        } catch {
            return error.message
        }
    }

    private static let exceeded = "the message would take more than 384 MiB of memory"

    /// Messages of a few hundred KB that become some MiB, and what reads them.
    private static let readers: [(String, [UInt8], @Sendable ([UInt8]) throws(ExpositionError) -> Void)] = [
        (
            "remote write", repeated([0x0a, 0], 50_000),
            { (bytes) throws(ExpositionError) in _ = try RemoteWriteRequest(decoding: bytes, version: .version1) }
        ),
        (
            "remote write 2", field(4, []) + repeated([0x2a, 0], 50_000),
            { (bytes) throws(ExpositionError) in _ = try RemoteWriteRequest(decoding: bytes, version: .version2) }
        ),
        (
            "families", [UInt8](repeating: 0, count: 50_000),
            { (bytes) throws(ExpositionError) in _ = try FamilyProtobuf.decode(bytes) }
        ),
        (
            "text", repeated(Array("a 1\n".utf8), 50_000),
            { (bytes) throws(ExpositionError) in _ = try FamilyTextParser().parse(bytes) }
        ),
        (
            "OTLP", repeated([0x0a, 0], 100_000),
            { (bytes) throws(ExpositionError) in _ = try OTLPTranslator.translate(OTLPMetrics(decoding: bytes), .init())
            }
        ),
    ]

    /// Others are being read at the same time: it is asked before more is taken, a megabyte or so at a time.
    @Test(arguments: readers.indices) func `where others have the room`(reader: Int) throws {
        let (_, message, read) = Self.readers[reader]
        let asked = Mutex<[Int]>([])
        let room = { @Sendable (bytes: Int) in
            asked.withLock { asked in
                asked.append(bytes)
                return asked.count < 3
            }
        }
        #expect(throws: ExpositionError.noRoom) {
            try SharedRoom.asking(room, for: message.count) { () throws(ExpositionError) in try read(message) }
        }
        let steps = asked.withLock { $0 }
        #expect(steps.count == 3 && steps == steps.sorted() && steps[2] < 8 << 20, "\(steps)")
        try SharedRoom.asking({ _ in true }, for: message.count) { () throws(ExpositionError) in try read(message) }
        try SharedRoom.asking(nil, for: message.count) { () throws(ExpositionError) in try read(message) }
    }

    // MARK: Empty pieces

    @Test(arguments: [[UInt8(0x0a), 0], [0x1a, 0]]) func `empty series and metadata of remote write`(piece: [UInt8]) {
        let message = Self.repeated(piece, 4_000_000)
        let found = Self.problem { () throws(ExpositionError) in
            try RemoteWriteRequest(decoding: message, version: .version1)
        }
        #expect(found == Self.exceeded)
    }

    @Test(arguments: [[UInt8(0x12), 0], [0x1a, 0], [0x22, 0]])
    func `empty samples, exemplars and histograms of a series`(piece: [UInt8]) {
        let message = Self.field(1, Self.label("__name__", "m") + Self.repeated(piece, 9_000_000))
        let found = Self.problem { () throws(ExpositionError) in
            try RemoteWriteRequest(decoding: message, version: .version1)
        }
        #expect(found == Self.exceeded)
    }

    @Test(arguments: [[UInt8(0x22), 0], [0x2a, 0]]) func `empty symbols and series of version 2`(piece: [UInt8]) {
        let message = Self.field(4, []) + Self.repeated(piece, 9_000_000)
        let found = Self.problem { () throws(ExpositionError) in
            try RemoteWriteRequest(decoding: message, version: .version2)
        }
        #expect(found == Self.exceeded)
    }

    @Test func `empty families and metrics of a push`() {
        let families = [UInt8](repeating: 0, count: 4_000_000)
        #expect(Self.problem { () throws(ExpositionError) in try FamilyProtobuf.decode(families) } == Self.exceeded)
        let family = Self.field(1, Array("m".utf8)) + Self.repeated([0x22, 0], 2_000_000)
        let message = Self.varint(UInt64(family.count)) + family
        #expect(Self.problem { () throws(ExpositionError) in try FamilyProtobuf.decode(message) } == Self.exceeded)
    }

    @Test func `short lines of a push`() {
        let text = Self.repeated(Array("a 1\n".utf8), 2_000_000)
        #expect(Self.problem { () throws(ExpositionError) in try FamilyTextParser().parse(text) } == Self.exceeded)
    }

    @Test(arguments: [[UInt8(1)], [1, 2], [1, 2, 2]]) func `empty resources, scopes and metrics`(path: [UInt8]) {
        var message = Self.repeated([path[path.count - 1] << 3 | 2, 0], 13_000_000)
        for number in path.dropLast().reversed() { message = Self.field(number, message) }
        let found = Self.problem { () throws(ExpositionError) in
            try OTLPTranslator.translate(OTLPMetrics(decoding: message), .init())
        }
        #expect(found == Self.exceeded)
        var memory = OTLPMemory()
        let again = Self.problem { () throws(ExpositionError) in
            try OTLPTranslator.translate(message, .init(), &memory)
        }
        // Resources and scopes that say nothing are not kept there.
        #expect(path.count < 3 || again == Self.exceeded)
    }

    @Test(arguments: [UInt8(5), 7, 9, 10, 11]) func `empty points`(kind: UInt8) {
        let points = Self.repeated([0x0a, 0], 5_000_000) + (kind == 5 || kind == 11 ? [] : Self.number(2, 2))
        let metric = Self.field(1, Array("m".utf8)) + Self.field(kind, points)
        let message = Self.field(1, Self.field(2, Self.field(2, metric)))
        var memory = OTLPMemory()
        let found = Self.problem { () throws(ExpositionError) in
            try OTLPTranslator.translate(message, .init(), &memory)
        }
        #expect(found == Self.exceeded)
    }

    // MARK: Answers to what was asked

    private static let answerExceeded = "the message would take more than 1024 MiB of memory"

    @Test(arguments: [[UInt8(1)], [1, 1], [1, 1, 2], [1, 1, 3]])
    func `empty results, series, samples and exemplars of a remote read`(path: [UInt8]) {
        var message = Self.repeated([path[path.count - 1] << 3 | 2, 0], 25_000_000)
        for number in path.dropLast().reversed() { message = Self.field(number, message) }
        let found = Self.problem { () throws(ExpositionError) in try RemoteReadResponse.decode(message) }
        #expect(found == Self.answerExceeded)
    }

    private static func frame(_ message: [UInt8]) -> [UInt8] {
        // CRC-32C.
        var sum: UInt32 = ~0
        for byte in message {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82f6_3b78 : sum >> 1 }
        }
        sum = ~sum
        let checksum = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
        return varint(UInt64(message.count)) + checksum + message
    }

    @Test func `empty series and long chunks of a streamed remote read`() {
        func read(_ bytes: [UInt8]) -> String {
            Self.problem { () throws(ExpositionError) in
                try ChunkedReadStream.decode(bytes, queries: 1, frameLimit: 50_000_000)
            }
        }
        #expect(read(Self.frame(Self.repeated([0x0a, 0], 20_000_000))) == Self.answerExceeded)
        // A chunk of 65,535 samples, each of which takes two bits.
        let data = [0xff, 0xff] + [UInt8](repeating: 0, count: 17_000)
        let chunk = Self.field(2, Self.number(3, 1) + Self.field(4, data))
        #expect(read(Self.frame(Self.field(1, Self.repeated(chunk, 600)))) == Self.answerExceeded)
        let label = Self.label("a", "b")
        let labels = Self.frame(Self.field(1, Self.repeated(label, 1001)))
        #expect(read(labels) == "proto: more than 1000 elements in field Labels")
    }

    @Test func `an answer is given up where the task's limit is over`() async {
        let message = Self.repeated([0x0a, 0], 100_000)
        let stream = Self.frame(message)
        let found = await TaskLimit { true }.run { () -> [String] in
            [
                Self.problem { () throws(ExpositionError) in try RemoteReadResponse.decode(message) },
                Self.problem { () throws(ExpositionError) in
                    try ChunkedReadStream.decode(stream, queries: 1, frameLimit: 1 << 20)
                },
            ]
        }
        #expect(found == ["reading was given up", "reading was given up"])
    }

    @Test func `a limit that is sooner does not undo the one around it`() async {
        let told = await TaskLimit { true }.run { await TaskLimit.sooner { false }.run { TaskLimit.isOver } }
        let own = await TaskLimit { false }.run { await TaskLimit.sooner { true }.run { TaskLimit.isOver } }
        let alone = await TaskLimit.sooner { true }.run { TaskLimit.isOver }
        let neither = await TaskLimit { false }.run { await TaskLimit.sooner { false }.run { TaskLimit.isOver } }
        #expect([told, own, alone, neither] == [true, true, true, false])
    }

    @Test func `a point that counts from the one before, of a stream of many buckets`() throws {
        let totals = OTLPDelta()
        var wide = OTLPMetrics.ExponentialPoint()
        wide.positive.counts = [UInt64](repeating: 1, count: 100_000)
        wide.frame.time = 1
        var first = Self.metrics([("m", .exponential([wide], .delta))])
        #expect(try totals.accumulate(&first, now: 0).dropped == 0)
        // Each of a few bytes, and each becomes one of 800 KB.
        var points: [OTLPMetrics.ExponentialPoint] = []
        for time in 2..<1000 {
            var point = OTLPMetrics.ExponentialPoint()
            point.positive.counts = [1]
            point.frame.time = UInt64(time)
            points.append(point)
        }
        var many = Self.metrics([("m", .exponential(points, .delta))])
        let found = Self.problem { () throws(ExpositionError) in try totals.accumulate(&many, now: 0) }
        #expect(found == Self.exceeded)
        // Nothing was added.
        wide.frame.time = 2
        var next = Self.metrics([("m", .exponential([wide], .delta))])
        #expect(try totals.accumulate(&next, now: 0).dropped == 0)
        guard case .exponential(let sums, _) = next.resources[0].scopes[0].metrics[0].content else { return }
        #expect(sums[0].positive.counts.allSatisfy { $0 == 2 })
    }

    // MARK: Texts that are named again and again

    private static let long = String(repeating: "v", count: 1 << 20)

    @Test(arguments: ["series", "exemplars", "help"]) func `symbols that many name`(kind: String) {
        var symbols = ["", "__name__", "m", "a", Self.long, Self.long + "w"]
        var series: [UInt8] = []
        switch kind {
        case "series":
            for number in 0..<500 {
                symbols.append("n\(number)")
                let labels = Self.field(1, Self.varint(1) + Self.varint(UInt64(6 + number)) + [3, 4])
                series += Self.field(5, labels + Self.field(2, Self.number(2, 1)))
            }
        case "exemplars":
            let exemplar = Self.field(4, Self.field(1, [3, 4]))
            let sample = Self.field(2, Self.number(2, 1))
            series = Self.field(5, Self.field(1, [1, 2]) + sample + Self.repeated(exemplar, 500))
        default:
            for number in 0..<500 {
                symbols.append("n\(number)")
                let labels = Self.field(1, Self.varint(1) + Self.varint(UInt64(6 + number)))
                let metadata = Self.field(5, Self.number(3, UInt64(4 + number % 2)))
                series += Self.field(5, labels + Self.field(2, Self.number(2, 1)) + metadata)
            }
        }
        let message = symbols.flatMap { Self.field(4, Array($0.utf8)) } + series
        var memory = SeriesMemory()
        let found = Self.problem { () throws(ExpositionError) in
            try RemoteWriteRequest(decoding: message, version: .version2, memory: &memory)
        }
        #expect(found == Self.exceeded)
    }

    @Test func `attributes that each bucket has`() {
        var point = OTLPMetrics.HistogramPoint()
        point.frame.attributes = [Label(name: "a", value: Self.long)]
        point.bounds = (0..<500).map(Double.init)
        point.bucketCounts = [UInt64](repeating: 1, count: 501)
        let message = Self.metrics([("m", .histogram([point], .cumulative))])
        let found = Self.problem { () throws(ExpositionError) in try OTLPTranslator.translate(message, .init()) }
        #expect(found == Self.exceeded)
    }

    private static func metrics(
        _ contents: [(name: String, content: OTLPMetrics.Content)],
        resource: [Label] = []
    ) -> OTLPMetrics {
        var metrics = OTLPMetrics()
        var entity = OTLPMetrics.Resource()
        entity.attributes = resource
        var scope = OTLPMetrics.Scope()
        for (name, content) in contents {
            var metric = OTLPMetrics.Metric()
            metric.name = name
            metric.content = content
            scope.metrics.append(metric)
        }
        entity.scopes = [scope]
        metrics.resources = [entity]
        return metrics
    }

    /// Each resource has up to a thousand samples of `target_info` for two points.
    @Test func `times that lie far apart, in many resources`() {
        var all = OTLPMetrics()
        for number in 0..<10_000 {
            let points = [1, UInt64(4) << 60].map { time in
                var point = OTLPMetrics.NumberPoint()
                point.frame.time = time
                return point
            }
            let resource = [Label(name: "service.name", value: "\(number)"), Label(name: "zone", value: "a")]
            all.resources += Self.metrics([("m", .gauge(points))], resource: resource).resources
        }
        let found = Self.problem { () throws(ExpositionError) in try OTLPTranslator.translate(all, .init()) }
        #expect(found == Self.exceeded)
    }

    // MARK: Buckets and labels

    @Test func `buckets of a native histogram`() {
        let deltas = [UInt8(2)] + [UInt8](repeating: 0, count: 100_000)
        let write = Self.field(1, Self.label("__name__", "h") + Self.field(4, Self.field(12, deltas)))
        let found = Self.problem { () throws(ExpositionError) in
            try RemoteWriteRequest(decoding: write, version: .version1)
        }
        #expect(found == "proto: more than 100000 elements in field PositiveDeltas")
        let spans = Self.field(1, Self.label("__name__", "h") + Self.field(4, Self.repeated([0x5a, 0], 100_001)))
        let wide = Self.problem { () throws(ExpositionError) in
            try RemoteWriteRequest(decoding: spans, version: .version1)
        }
        #expect(wide == "proto: more than 100000 elements in field PositiveSpans")
        let family = Self.field(1, Array("h".utf8)) + Self.field(4, Self.field(7, Self.field(13, deltas)))
        let push = Self.varint(UInt64(family.count)) + family
        let pushed = Self.problem { () throws(ExpositionError) in try FamilyProtobuf.decode(push) }
        #expect(pushed == "proto: more than 100000 elements in field PositiveDelta")
        let floats =
            Self.field(1, Array("h".utf8))
            + Self.field(4, Self.field(7, Self.field(14, [UInt8](repeating: 0, count: 800_008))))
        let pushedFloats = Self.problem { () throws(ExpositionError) in
            try FamilyProtobuf.decode(Self.varint(UInt64(floats.count)) + floats)
        }
        #expect(pushedFloats == "proto: more than 100000 elements in field PositiveCount")
        let point = Self.field(1, Self.field(8, Self.field(2, deltas)))
        let otlp = Self.field(1, Self.field(2, Self.field(2, Self.field(10, point))))
        let refused = Self.problem { () throws(ExpositionError) in try OTLPMetrics(decoding: otlp) }
        #expect(refused == "proto: more than 100000 elements in field BucketCounts")
    }

    /// Each piece would copy all that came before it.
    @Test(.timeLimit(.minutes(1)), arguments: [UInt8(7), 4, 3])
    func `a message in very many pieces`(kind: UInt8) throws {
        // A histogram with buckets, a summary with its count, a counter with the labels of its exemplar.
        let start: [UInt8] =
            switch kind {
            case 7: Self.field(13, [UInt8](repeating: 0, count: 90_000)) + Self.field(12, Self.number(2, 90_000))
            case 4: (0..<90_000).flatMap { _ in Self.field(3, []) }
            default: Self.field(2, (0..<900).flatMap { Self.label("l\($0)", "") })
            }
        let piece = Self.field(kind, kind == 3 ? Self.field(2, []) : [])
        let metric = Self.field(kind, start) + Self.repeated(piece, 300_000)
        let family = Self.field(1, Array("m".utf8)) + Self.number(3, kind == 7 ? 4 : kind == 4 ? 2 : 0)
        let whole = family + Self.field(4, metric)
        let families = try FamilyProtobuf.decode(Self.varint(UInt64(whole.count)) + whole)
        #expect(families.first?.metrics.count == 1)
    }

    @Test func `as many buckets as may be`() throws {
        let deltas = [UInt8(2)] + [UInt8](repeating: 0, count: 99_999)
        let message = Self.field(1, Self.label("__name__", "h") + Self.field(4, Self.field(12, deltas)))
        let request = try RemoteWriteRequest(decoding: message, version: .version1)
        #expect(request.histograms.first?.histogram.positiveBuckets.count == 100_000)
    }

    @Test func `labels and attributes`() {
        func labels(_ count: Int) -> [UInt8] { (0..<count).flatMap { Self.label("l\($0)", "v") } }
        func write(_ count: Int) -> String {
            let message = Self.field(1, Self.label("__name__", "m") + labels(count - 1))
            return Self.problem { () throws(ExpositionError) in
                try RemoteWriteRequest(decoding: message, version: .version1)
            }
        }
        #expect(write(1000) == "")
        #expect(write(1001) == "proto: more than 1000 elements in field Labels")
        let family = Self.field(1, Array("h".utf8)) + Self.field(4, labels(1001))
        let pushed = Self.problem { () throws(ExpositionError) in
            try FamilyProtobuf.decode(Self.varint(UInt64(family.count)) + family)
        }
        #expect(pushed == "proto: more than 1000 elements in field Label")
        let attribute = Self.field(7, [])
        let point = Self.field(5, Self.field(1, Self.repeated(attribute, 1001)))
        let message = Self.field(1, Self.field(2, Self.field(2, Self.field(1, Array("m".utf8)) + point)))
        var memory = OTLPMemory()
        let refused = Self.problem { () throws(ExpositionError) in
            try OTLPTranslator.translate(message, .init(), &memory)
        }
        #expect(refused == "proto: more than 1000 elements in field Attributes")
    }
}
