import Exposition
import Foundation
import MetricModel
import Testing

/// What a real Prometheus 3.5 streamed, and what becomes of a stream that is not whole.
@Suite("Chunks over remote read", .timeLimit(.minutes(5)))
struct ChunkedReadStreamTests {
    private static let base: Timestamp = 1_700_000_000_000
    /// Two series: one of two chunks, one whose times and values need all lengths of bits.
    private static let stream =
        Array(
            Data(
                base64Encoded:
                    "rAHr+X6PCqkBCg0KCF9fbmFtZV9fEgFhCgkKAXgSBGdhcHMKCgoEem9uZRICZXUSgAEIgNCV/7wxEOPlmoG9MRgBIm4ACoCgq/75"
                    + "Yj+5mZmZmZmaAWEZPg//72ZmZmZmZudyRX/oAAAAAAADwAAAAAACBZQgHH5DyIAHWd///////+2wh4f/8lFEaV8Q2L4AAAAAAG3c"
                    + "+0G5bh/C+PNZ///////8kRgxf/0A1BzWyLQ5WPMEy1ur/ArwBAoNCghfX25hbWVfXxIBYQoJCgF4EgRtYW55CgoKBHpvbmUSAmV1"
                    + "EvEDCIDQlf+8MRCi2pz/vDEYASLeAwB1gKCr/vliAAAAAAAAAADpB8RH/AAWoHf/esSYACwnf/MABbBJv/vWLuAAtgtYAC1D8YAC"
                    + "2ixv/vYNrAAU7AAWsfjf/e0bmAAtg+2AApLAAWkr4b/73DQwAFtHywAFLb/72EfMABRTAAUuwAFrK9m/+4UYACgxgAKNW/+4fYAC"
                    + "nJgAKFmAAozb/7hFgALUX8GAAt48G/+9xGLAAUmwAFtJ7MABRJv/ufsABRVgALYV2N/9xowAFDrAAU7sABRU3/3DzAAWsv5cABby"
                    + "OW/+9xOhgAKMMABSlgALaV9t/9xcwAFDTAAUzt/9xawAFsL8jAAUPGAAoyt/9wvYACnEwAFCZv/uMbAAUIWAAtB/+BgALgRA3/3v"
                    + "JwsABSNgALcVzN/9xEwAFN7AAUSsABbS/43/3CRgAKNrAAUJ2/+5tMABRuYACh2wAFsM+lv/uFhgAKChgAKPlv/uCtgAKF5gAKep"
                    + "gAKDdv/uF1gAKPRgAKCxv/uFVgALWd+IwAFApMABQGzf/cGmwAFA4sABQ6Df/cBgwAFAosABQebAAUCs3/3AZMABR77AAUDq3/3B"
                    + "mMABQKjAAUB6wAFDrt/9wJTAAUH8wAFAlt/9z7LAAUCQwAFAcMABQZLf/cC2wAFDnIASVAiM4pz/vDEQ6r+d/7wxGAEiQgANmMS5"
                    + "/vliQJq8gAAAAADlB95WOwAFJrAAW0zxGAAoXG/+4xWAAoT2AApwm/+4RmAAow2AAoQWAAtR/8Bv/viTAQ=="
            ) ?? Data()
        )

    private static func decode(_ bytes: [UInt8], limit: Int = 50_000_000) throws(ExpositionError) -> [[SeriesColumns]]?
    {
        try ChunkedReadStream.decode(bytes, queries: 1, frameLimit: limit)
    }

    @Test func `every sample comes as it was stored`() throws {
        let all = try #require(try Self.decode(Self.stream)?.first)
        #expect(all.map { $0.labels["x"] } == ["gaps", "many"])
        #expect(all.allSatisfy { $0.labels.name == "a" && $0.labels["zone"] == "eu" })
        let steps: [Int64] = [0, 1, 9000, 70_000, 600_000, 3, 3_600_000, 3, 3, 1]
        var times: [Timestamp] = []
        for step in steps { times.append((times.last ?? Self.base) + step) }
        #expect(all[0].timestamps == times)
        #expect(all[0].values == [0.1, 0.1, -2.5, .infinity, 1e300, 1e-300, 7, 7, 7, 12345.678])
        #expect(all[1].timestamps == (0..<130).map { Self.base + $0 * 1000 + $0 * $0 % 7 })
        #expect(all[1].values == (0..<130).map { Double($0 * $0) / 8 })
    }

    @Test func `a stream that is cut, changed or too large is refused, wherever`() throws {
        for end in 1..<Self.stream.count where end != Self.frames.first {
            #expect(throws: ExpositionError.self) { try Self.decode(Array(Self.stream[..<end])) }
        }
        for place in stride(from: 6, to: Self.stream.count, by: 41) {
            var changed = Self.stream
            changed[place] ^= 0x10
            #expect(throws: ExpositionError.self) { try Self.decode(changed) }
        }
        #expect(
            throws: ExpositionError("chunkedReader: message size exceeded the limit 100 bytes; got: 172 bytes")
        ) {
            try Self.decode(Self.stream, limit: 100)
        }
        #expect(try Self.decode([])?.first?.isEmpty == true)
    }

    /// Where frames end.
    private static var frames: [Int] {
        var ends: [Int] = []
        var place = 0
        while place < stream.count {
            var (size, shift) = (0, 0)
            while true {
                let byte = Int(stream[place])
                place += 1
                size |= (byte & 0x7f) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            place += 4 + size
            ends.append(place)
        }
        return ends
    }
}
