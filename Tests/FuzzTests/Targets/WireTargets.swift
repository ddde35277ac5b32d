import Exposition
import MetricModel
import Web

extension FuzzTarget {
    /// What the compressed bodies here may unpack to.
    private static let unpackedLimit = 1 << 22

    /// A message by itself, and where some of its series are known from the one before.
    private static func remoteWrite(_ body: [UInt8], _ version: RemoteWriteRequest.Version) -> String? {
        let plain = told { () throws(ExpositionError) in try RemoteWriteRequest(decoding: body, version: version) }
        guard let request = try? RemoteWriteRequest(decoding: body, version: version) else { return nil }
        var memory = SeriesMemory()
        guard let first = try? RemoteWriteRequest(decoding: body, version: version, memory: &memory) else {
            return "refused with a memory only: \(plain)"
        }
        memory.learn(first.lessons) { SeriesRef(rawValue: UInt32($0)) }
        guard let second = try? RemoteWriteRequest(decoding: body, version: version, memory: &memory) else {
            return "refused with a memory of it only: \(plain)"
        }
        if first.series.count != request.series.count || second.series.count != request.series.count {
            return "\(request.series.count), \(first.series.count), \(second.series.count) series"
        }
        for (whole, known) in zip(request.series, second.series) where known.reference == nil {
            if whole.labels != known.labels { return "\(whole.labels) are \(known.labels)" }
        }
        return nil
    }

    private static func otlp(_ metrics: OTLPMetrics) {
        var settings = OTLPTranslator.Settings()
        _ = try? OTLPTranslator.translate(metrics, settings)
        settings.convertsToCustomBuckets = true
        settings.promotesScope = true
        settings.allowsDelta = true
        settings.addsTypeAndUnit = true
        settings.keepsUnderscores = false
        _ = try? OTLPTranslator.translate(metrics, settings)
    }

    static let wire: [FuzzTarget] = [
        FuzzTarget("remote-write") { remoteWrite($0, .version1) },
        FuzzTarget("remote-write-2") { remoteWrite($0, .version2) },
        FuzzTarget("remote-read") { body in
            _ = try? ChunkedReadStream.decode(body, queries: 2, frameLimit: 1 << 20)
            _ = try? RemoteReadResponse.decode(body)
            guard let request = try? RemoteReadRequest(decoding: body) else { return nil }
            let again = told { () throws(ExpositionError) in try RemoteReadRequest(decoding: request.encoded()) }
            return difference("encoded again", "\(request)", again)
        },
        FuzzTarget("snappy") { body in
            _ = try? SnappyFrames.decode(body, limit: unpackedLimit)
            let unpacked = try? Snappy.decode(body, limit: unpackedLimit)
            for plain in [body, unpacked ?? []] {
                if (try? Snappy.decode(Snappy.encode(plain))) != plain { return "a block is not what was packed" }
                if (try? SnappyFrames.decode(SnappyFrames.encode(plain))) != plain { return "a frame is not either" }
            }
            return nil
        },
        FuzzTarget("gzip") { body in
            let known = try? GzipDecoder.decode(body, limit: unpackedLimit)
            return body.withUnsafeBytes { bytes -> String? in
                guard let size = WholeGunzip.size(of: bytes), size <= unpackedLimit else { return nil }
                var isTaken = false
                let output = [UInt8](unsafeUninitializedCapacity: size + WholeGunzip.slack) { buffer, count in
                    isTaken = WholeGunzip().unpack(bytes, size: size, into: UnsafeMutableRawBufferPointer(buffer))
                    count = isTaken ? size : 0
                }
                return isTaken && output != known ? "what zlib does not read so" : nil
            }
        },
        FuzzTarget(surviving: "otlp") { body in
            if let metrics = try? OTLPMetrics(decoding: body) { otlp(metrics) }
        },
        FuzzTarget(surviving: "otlp-json") { body in
            if let metrics = try? OTLPJSON.decode(body) { otlp(metrics) }
        },
    ]
}
