import Exposition
import MetricModel
import NIOHTTP1
import RemoteStorage
import TSDB
import Testing

/// What is sent has the form that the specifications ask for: the cases of Prometheus's compliance suite for senders
/// (prometheus/compliance, `remotewrite/sender`), in its order.
@Suite("Sender compliance: messages", .timeLimit(.minutes(5))) struct SenderMessageTests {
    private static let base = SendingStore.base

    /// Sends samples and gives the requests.
    private static func sent(
        _ samples: [(labels: Labels, value: Double)],
        fields: [String] = SendingStore.version2,
        queue: [String] = [],
        metadata: [String: MetricMetadata] = [:],
        starts: [Timestamp] = [],
        exemplars: [(Int, Exemplar)] = []
    ) async throws -> [CapturingReceiver.Captured] {
        let receiver = try await CapturingReceiver()
        try await SendingStore.run(receiver.url, fields, queue: queue, metadata: metadata) { sending in
            try await sending.append(samples, starts: starts, exemplars: exemplars)
            try await sending.settle(sent: samples.count + exemplars.count)
            #expect(try await sending.status().failed == 0)
        }
        await receiver.close()
        return receiver.requests
    }

    @Test(arguments: [true, false]) func `protocol: method, headers and packing`(isVersion2: Bool) async throws {
        let requests = try await Self.sent(
            [(["__name__": "up"], 1)],
            fields: isVersion2 ? SendingStore.version2 : ["metadata_config: {send: false}"]
        )
        let request = try #require(requests.first)
        #expect(requests.count == 1)
        #expect(request.method == "POST" && request.path == "/api/v1/write")
        let headers = request.headers
        #expect(headers["Content-Encoding"] == ["snappy"])
        let type = isVersion2 ? "application/x-protobuf;proto=io.prometheus.write.v2.Request" : "application/x-protobuf"
        #expect(headers["Content-Type"] == [type])
        #expect(headers["X-Prometheus-Remote-Write-Version"] == [isVersion2 ? "2.0.0" : "0.1.0"])
        #expect(headers["User-Agent"] == ["Prometheus/3.5.0"])
        #expect(headers["Retry-Attempt"] == [])
        // The block format begins with the length; the stream format with this chunk.
        #expect(!request.body.starts(with: [0xff, 0x06, 0x00, 0x00, 0x73]))
        #expect(try request.message().series.map(\.labels) == [["__name__": "up"]])
    }

    static let values: [Double] = [
        123.45, 42, 0, -0.0, -15.5, .infinity, -.infinity, SpecialValue.nan, SpecialValue.stale, 1.7e308,
        .leastNonzeroMagnitude,
        2.3e-308,
        0.000123, 123_456_789.123456789, 9_007_199_254_740_992,
    ]

    @Test(arguments: [true, false]) func `samples: every value comes bit for bit, at its time`(isVersion2: Bool)
        async throws
    {
        let samples = Self.values.indices.map {
            (labels: Labels(["__name__": "m", "i": "\($0)"]), value: Self.values[$0])
        }
        let requests = try await Self.sent(samples, fields: isVersion2 ? SendingStore.version2 : [])
        let message = try #require(try requests.map { try $0.message() }.first { !$0.series.isEmpty })
        #expect(message.values.map(\.bitPattern) == Self.values.map(\.bitPattern))
        #expect(message.timestamps == Self.values.map { _ in Self.base })
        #expect(message.series.allSatisfy { $0.samples.count == 1 && $0.histograms.isEmpty && $0.problem == nil })
    }

    @Test func `samples: those of a series come in the order of their times`() async throws {
        let receiver = try await CapturingReceiver()
        let queue = ["max_samples_per_send: 7", "max_shards: 4", "min_shards: 4"]
        try await SendingStore.run(receiver.url, SendingStore.version2, queue: queue) { sending in
            for step in 0..<30 {
                let samples = (0..<9).map { (labels: Labels(["__name__": "m", "i": "\($0)"]), value: Double(step)) }
                try await sending.append(samples, at: Self.base + Int64(step) * 1000)
            }
            try await sending.settle(sent: 270)
        }
        var last: [Labels: Timestamp] = [:]
        for message in try receiver.messages() {
            // No more than the configuration allows.
            #expect(message.values.count <= 7)
            for series in message.series {
                for time in message.timestamps[series.samples] {
                    #expect(time > last[series.labels] ?? 0)
                    last[series.labels] = time
                }
            }
        }
        #expect(last.count == 9 && last.values.allSatisfy { $0 == Self.base + 29_000 })
        await receiver.close()
    }

    static let labels: [Labels] = [
        ["__name__": "test_metric"], ["__name__": "valid_metric_name:subsystem_total"],
        ["__name__": "m", "a": "1", "A": "2", "z": "3", "_b": "4"], ["__name__": "m", "label": "日本語 ü 🌍"],
        ["__name__": "m", "text": "quote\" back\\slash new\nline\ttab"],
        ["__name__": "m", "long": String(repeating: "x", count: 5000)],
        ["__name__": "n" + String(repeating: "a", count: 300)], ["__name__": "metric.with.dots", "label.dots": "x"],
        ["__name__": "many", "a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6", "g": "7", "h": "8", "i": "9"],
    ]

    @Test(arguments: labels) func `labels: as they are, sorted, none empty`(labels: Labels) async throws {
        let request = try #require(try await Self.sent([(labels, 1)]).first)
        let found = try #require(try request.message().series.first)
        #expect(found.labels == labels)
        let (symbols, references) = try Self.symbols(of: request)
        let names = stride(from: 0, to: references[0].count, by: 2).map { symbols[references[0][$0]] }
        #expect(names == names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
        #expect(references[0].allSatisfy { !symbols[$0].isEmpty })
    }

    /// The table of symbols, and the references of each series, read without the decoder of the house.
    private static func symbols(of request: CapturingReceiver.Captured) throws -> ([String], [[Int]]) {
        let bytes = try Snappy.decode(request.body)
        var position = 0
        func number(_ bytes: [UInt8], _ position: inout Int) -> Int {
            var (result, shift) = (0, 0)
            while true {
                let byte = bytes[position]
                position += 1
                result |= Int(byte & 0x7f) << shift
                if byte < 0x80 { return result }
                shift += 7
            }
        }
        var symbols: [String] = []
        var references: [[Int]] = []
        while position < bytes.count {
            let tag = number(bytes, &position)
            let length = number(bytes, &position)
            let part = Array(bytes[position..<position + length])
            position += length
            if tag == 4 << 3 | 2 { symbols.append(String(decoding: part, as: UTF8.self)) }
            if tag == 5 << 3 | 2 {
                // The references are the first field.
                var inner = 1
                let end = number(part, &inner) + inner
                var own: [Int] = []
                while inner < end { own.append(number(part, &inner)) }
                references.append(own)
            }
        }
        return (symbols, references)
    }

    @Test func `symbols: the first is empty, none is there twice, references stay within the table`() async throws {
        let samples = (0..<20).map {
            (labels: Labels(["__name__": "m", "job": "j", "i": "\($0 % 10)", "k": "\($0)"]), value: 1.0)
        }
        let known = ["m": MetricMetadata(type: .gauge, help: "helps", unit: "j")]
        let request = try #require(try await Self.sent(samples, metadata: known).first)
        let (symbols, references) = try Self.symbols(of: request)
        #expect(symbols.first == "")
        #expect(Set(symbols).count == symbols.count)
        #expect(references.count == 20)
        for own in references {
            #expect(own.count % 2 == 0)
            #expect(own.allSatisfy { $0 > 0 && $0 < symbols.count })
        }
    }

    static let metadata: [(name: String, family: String, metadata: MetricMetadata)] = [
        ("http_requests_total", "http_requests_total", .init(type: .counter, help: "HTTP requests", unit: "")),
        ("requests_total", "requests", .init(type: .counter, help: "OpenMetrics says the family", unit: "")),
        ("temperature", "temperature", .init(type: .gauge, help: "Now", unit: "celsius")),
        ("latency_bucket", "latency", .init(type: .histogram, help: "Latency", unit: "seconds")),
        ("latency_sum", "latency", .init(type: .histogram, help: "Latency", unit: "seconds")),
        ("latency_count", "latency", .init(type: .summary, help: "", unit: "")),
        ("latency", "latency", .init(type: .summary, help: "Line\nbreak \"quotes\" \\ 日本語", unit: "seconds")),
        ("build_info", "build", .init()), ("nothing", "other", .init(type: .gauge, help: "no", unit: "")),
    ]

    @Test(arguments: metadata) func `metadata: type, help and unit stand with each series`(
        name: String,
        family: String,
        metadata: MetricMetadata
    ) async throws {
        let samples: [(labels: Labels, value: Double)] = [
            (["__name__": name, "i": "1"], 1), (["__name__": name, "i": "2"], 1),
        ]
        let requests = try await Self.sent(samples, metadata: [family: metadata])
        let message = try #require(try requests.first?.message())
        let expected = family == "other" || family == "build" ? MetricMetadata() : metadata
        #expect(message.series.map(\.metadata) == [expected, expected])
    }

    static let exemplars: [[(Int, Exemplar)]] = [
        [(0, Exemplar(labels: ["trace_id": "abc123"], value: 0.5, timestamp: SendingStore.base - 5))],
        [(0, Exemplar(labels: ["trace_id": "a", "span_id": "b"], value: 1, timestamp: SendingStore.base))],
        [(1, Exemplar(labels: ["user": "日本"], value: -1, timestamp: SendingStore.base))],
        [
            (0, Exemplar(labels: ["trace_id": "a"], value: 1, timestamp: SendingStore.base - 9)),
            (2, Exemplar(labels: ["trace_id": "c"], value: 3, timestamp: SendingStore.base - 8)),
            (0, Exemplar(labels: ["trace_id": "b"], value: 2, timestamp: SendingStore.base - 7)),
        ],
    ]

    /// A receiver refuses a series that has exemplars alone, so they come with their sample, also where a request would end between them.
    @Test(arguments: exemplars, [1, 2, 100])
    func `exemplars: they stand with a sample of their series`(exemplars: [(Int, Exemplar)], most: Int) async throws {
        let samples = ["a_bucket", "b_total", "c_total"].map { (labels: Labels(["__name__": $0]), value: 1.0) }
        let requests = try await Self.sent(
            samples,
            fields: SendingStore.version2 + ["send_exemplars: true"],
            queue: ["max_samples_per_send: \(most)"],
            exemplars: exemplars
        )
        var found: [Labels: [Exemplar]] = [:]
        for message in try requests.map({ try $0.message() }) {
            for series in message.series {
                #expect(series.problem == nil && series.samples.count == 1)
                found[series.labels, default: []] += message.exemplars[series.exemplars]
            }
        }
        for (index, sample) in samples.enumerated() {
            #expect(found[sample.labels] == exemplars.filter { $0.0 == index }.map(\.1))
        }
    }

    static let histograms: [NativeHistogram] = {
        var integer = NativeHistogram()
        integer.isInteger = true
        integer.schema = 3
        (integer.count, integer.sum, integer.zeroCount, integer.zeroThreshold) = (9, 250.5, 1, 1e-128)
        integer.positiveSpans = [.init(offset: -3, length: 2), .init(offset: 4, length: 1)]
        integer.positiveBuckets = [1, 3, 2]
        integer.negativeSpans = [.init(offset: 0, length: 1)]
        integer.negativeBuckets = [2]
        var float = integer
        float.isInteger = false
        float.counterResetHint = .gauge
        var custom = NativeHistogram()
        custom.schema = NativeHistogram.customBoundsSchema
        custom.customValues = [0.5, 1]
        custom.positiveSpans = [.init(offset: 0, length: 3)]
        custom.positiveBuckets = [1, 2, 3]
        (custom.count, custom.sum) = (6, 5)
        var empty = NativeHistogram()
        empty.isInteger = true
        var large = integer
        large.positiveBuckets = [1e9, 3, 2]
        large.count = 1_000_000_008
        return [integer, float, custom, empty, large]
    }()

    @Test(arguments: histograms.indices, [true, false])
    func `histograms: they come as they are, with no samples in their series`(index: Int, isVersion2: Bool) async throws
    {
        let histogram = Self.histograms[index]
        let receiver = try await CapturingReceiver()
        let fields =
            (isVersion2 ? SendingStore.version2 : []) + ["send_native_histograms: true", "send_exemplars: true"]
        let isSent = isVersion2 || histogram.schema != NativeHistogram.customBoundsSchema
        try await SendingStore.run(receiver.url, fields) { sending in
            var batch = SampleBatch(timestamp: Self.base)
            let series = try await sending.store.resolve([["__name__": "h"]])
            batch.histograms = [
                .init(series: series[0], timestamp: Self.base, startTimestamp: Self.base - 1000, histogram: histogram)
            ]
            batch.exemplars = [
                .init(series: series[0], exemplar: Exemplar(labels: ["t": "1"], value: 1, timestamp: Self.base))
            ]
            #expect(try await sending.store.append(batch).rejectedHistograms.isEmpty)
            try await sending.settle(sent: 2)
            let status = try await sending.status()
            #expect(status.sent == (isSent ? 2 : 1) && status.dropped == (isSent ? 0 : 1) && status.failed == 0)
        }
        let messages = try receiver.messages()
        let all = messages.flatMap(\.histograms)
        #expect(all.map(\.histogram) == (isSent ? [histogram] : []))
        #expect(all.allSatisfy { $0.timestamp == Self.base })
        #expect(messages.allSatisfy { $0.values.isEmpty })
        if isVersion2 {
            #expect(all.map(\.startTimestamp) == [Self.base - 1000])
            #expect(messages.flatMap(\.series).map(\.problem) == [nil])
        }
        await receiver.close()
    }

    @Test func `timestamps: starts of counters come along in version 2, 0 for unknown`() async throws {
        let samples: [(labels: Labels, value: Double)] = [(["__name__": "a_total"], 1), (["__name__": "b_total"], 2)]
        let starts = [Self.base - 60_000, 0]
        let newer = try #require(try await Self.sent(samples, starts: starts).first?.message())
        #expect(newer.startTimestamps == starts)
        let older = try await Self.sent(samples, fields: [], starts: starts).map { try $0.message() }
        #expect(older.flatMap(\.startTimestamps).isEmpty)
    }

    @Test func `version 1: metadata comes in requests of its own`() async throws {
        let known = Dictionary(
            uniqueKeysWithValues: (0..<5).map { ("m\($0)", MetricMetadata(type: .gauge, help: "h\($0)", unit: "u")) }
        )
        let receiver = try await CapturingReceiver()
        let fields = ["metadata_config: {max_samples_per_send: 2}"]
        try await SendingStore.run(receiver.url, fields, metadata: known) { sending in
            try await sending.append([(["__name__": "m0"], 1)])
            try await receiver.wait(for: 4)
        }
        let messages = try receiver.requests.map { try $0.message() }
        #expect(messages.allSatisfy { $0.series.isEmpty || $0.metadata.isEmpty })
        #expect(messages.flatMap(\.metadata).map(\.family) == ["m0", "m1", "m2", "m3", "m4"])
        #expect(messages.flatMap(\.metadata).map(\.metadata.help) == (0..<5).map { "h\($0)" })
        #expect(messages.compactMap { $0.metadata.count }.filter { $0 > 0 } == [2, 2, 1])
        await receiver.close()
    }
}
