import Exposition
import MetricModel
import Testing

@Suite("Remote read", .timeLimit(.minutes(5)))
struct RemoteReadTests {
    @Test("A request comes back as it was")
    func request() throws {
        var request = RemoteReadRequest()
        var query = RemoteReadRequest.Query(
            start: -5,
            end: 7,
            matchers: [.init(type: 0, name: "__name__", value: "a"), .init(type: 3, name: "ü", value: "(")]
        )
        query.hinted = -4...6
        request.queries = [query, .init()]
        request.accepted = [1, 0, 9]
        #expect(try RemoteReadRequest(decoding: request.encoded()) == request)
    }

    @Test(
        "Malformed requests are told apart",
        arguments: [([0x0a, 0x05], "unexpected EOF"), ([0x08, 0x01], "proto: wrong wireType = 0 for field Queries")]
    )
    func malformed(bytes: [UInt8], message: String) {
        #expect(throws: ExpositionError(message)) { try RemoteReadRequest(decoding: bytes) }
    }

    @Test(
        "An answer holds samples, stale markers and histograms, with the labels of the server where a series has none"
    )
    func response() throws {
        var histogram = NativeHistogram()
        histogram.isInteger = true
        histogram.count = 3
        histogram.sum = 2.5
        histogram.zeroCount = 3
        let stale = SpecialValue.stale
        var response = RemoteReadResponse()
        response.append(
            [
                SeriesColumns(
                    labels: ["__name__": "a", "zone": "own"],
                    timestamps: [0, 10, 20],
                    values: [0, -0.0, stale]
                ),
                SeriesColumns(labels: ["__name__": "h"], histogramTimestamps: [5], histograms: [histogram]),
            ],
            outer: [Label(name: "Z", value: "1"), Label(name: "zone", value: "outer")]
        )
        response.append([])
        let results = try RemoteReadResponse.decode(response.bytes)
        #expect(results.count == 2)
        #expect(results[1].series.isEmpty)
        #expect(
            results[0].series.map(\.labels) == [
                ["Z": "1", "__name__": "a", "zone": "own"], ["Z": "1", "__name__": "h", "zone": "outer"],
            ]
        )
        #expect(results[0].timestamps == [0, 10, 20])
        #expect(results[0].values.map(\.bitPattern) == [0, (-0.0).bitPattern, stale.bitPattern])
        #expect(results[0].histograms == [.init(timestamp: 5, histogram: histogram)])
    }
}
