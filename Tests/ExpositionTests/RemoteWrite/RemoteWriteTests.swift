import Exposition
import MetricModel
import Testing

@Suite("Remote write", .timeLimit(.minutes(5)))
struct RemoteWriteTests {
    private func request(_ version: RemoteWriteRequest.Version) -> RemoteWriteRequest {
        var integer = NativeHistogram()
        integer.isInteger = true
        integer.schema = -1
        integer.count = 9
        integer.sum = 3.5
        integer.zeroThreshold = 1e-128
        integer.zeroCount = 1
        integer.positiveSpans = [.init(offset: -3, length: 2), .init(offset: 4, length: 1)]
        integer.positiveBuckets = [1, 3, 2]
        integer.negativeSpans = [.init(offset: 0, length: 1)]
        integer.negativeBuckets = [2]
        var float = integer
        float.isInteger = false
        float.schema = NativeHistogram.customBoundsSchema
        float.customValues = [0.5, 1]
        float.positiveBuckets = [0.25, 3, 2]
        float.counterResetHint = .gauge
        var request = RemoteWriteRequest()
        let metadata = MetricMetadata(type: .counter, help: "helps", unit: "seconds")
        request.append(
            ["__name__": "a_total", "job": "x"],
            timestamps: [1000, 2000],
            values: [1, -.infinity],
            exemplars: [Exemplar(labels: ["trace": "t"], value: 2, timestamp: 5)],
            metadata: version == .version2 ? metadata : nil
        )
        request.append(
            ["__name__": "h"],
            histograms: [
                .init(timestamp: 7, histogram: integer),
                .init(timestamp: -8, startTimestamp: 3, histogram: float),
            ],
            metadata: version == .version2 ? MetricMetadata() : nil
        )
        if version == .version1 {
            request.metadata = [("a", metadata)]
        } else {
            request.startTimestamps = [500, 0]
        }
        return request
    }

    @Test("Both versions come back as they were", arguments: [RemoteWriteRequest.Version.version1, .version2])
    func roundTrip(version: RemoteWriteRequest.Version) throws {
        let request = request(version)
        let packed = Snappy.encode(request.encoded(as: version))
        let decoded = try RemoteWriteRequest(decoding: Snappy.decode(packed), version: version)
        #expect(decoded.series == request.series)
        #expect(decoded.timestamps == request.timestamps)
        #expect(decoded.values == request.values)
        #expect(decoded.startTimestamps == request.startTimestamps)
        #expect(decoded.histograms == request.histograms)
        #expect(decoded.exemplars == request.exemplars)
        #expect(decoded.metadata.map(\.family) == request.metadata.map(\.family))
        #expect(decoded.metadata.map(\.metadata) == request.metadata.map(\.metadata))
    }

    @Test("Messages of every length come back", arguments: [0, 1, 90, 100, 127, 128, 16_300, 16_384, 2_097_152])
    func lengths(length: Int) throws {
        let labels: Labels = ["__name__": "m", "text": String(repeating: "x", count: length)]
        var request = RemoteWriteRequest()
        request.append(labels, timestamps: [1_700_000_000_000], values: [1])
        request.append(labels, timestamps: [0], values: [0])
        var parts: [UInt8] = []
        let encoded = RemoteWriteParts.labels(labels)
        RemoteWriteParts.append(series: encoded, 1, at: 1_700_000_000_000, to: &parts)
        RemoteWriteParts.append(series: encoded, 0, at: 0, to: &parts)
        let whole = request.encoded(as: .version1)
        for decoded in try [parts, whole].map({ try RemoteWriteRequest(decoding: $0, version: .version1) }) {
            #expect(decoded.series.map(\.labels) == [labels, labels])
            #expect(decoded.timestamps == request.timestamps)
            #expect(decoded.values == request.values)
        }
    }

    @Test("What a series has wrong is told with it")
    func problems() throws {
        var request = RemoteWriteRequest()
        request.append(["job": "x"], timestamps: [1], values: [1])
        request.append(["__name__": "empty"])
        request.append(["__name__": "good"], timestamps: [1], values: [1])
        let decoded = try RemoteWriteRequest(decoding: request.encoded(as: .version2), version: .version2)
        #expect(
            decoded.series.map(\.problem) == [
                #"invalid metric name or labels, got {job="x"}"#,
                #"TimeSeries must contain at least one sample or histogram for series {__name__="empty"}"#, nil,
            ]
        )
        // A table of one symbol, and a series that refers to the third.
        let wild: [UInt8] = [0x22, 0, 0x2a, 4, 0x0a, 2, 0, 2]
        #expect(
            try RemoteWriteRequest(decoding: wild, version: .version2).series.map(\.problem) == [
                "parsing labels for series [0 2]: labelRefs 0 (name) = 2 (value) outside of symbols table (size 1)"
            ]
        )
        let odd: [UInt8] = [0x22, 0, 0x2a, 3, 0x0a, 1, 0]
        #expect(
            try RemoteWriteRequest(decoding: odd, version: .version2).series.map(\.problem)
                == ["parsing labels for series [0]: invalid labelRefs length 1"]
        )
    }

    @Test("Damaged messages fail and never trap", arguments: [RemoteWriteRequest.Version.version1, .version2])
    func damage(version: RemoteWriteRequest.Version) {
        var random = SeededGenerator(seed: 3)
        let original = request(version).encoded(as: version)
        for length in 0..<original.count {
            _ = try? RemoteWriteRequest(decoding: Array(original[..<length]), version: version)
        }
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? RemoteWriteRequest(decoding: bytes, version: version)
        }
    }
}
