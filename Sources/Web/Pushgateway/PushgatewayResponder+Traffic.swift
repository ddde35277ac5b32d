import Exposition
import MetricModel
import Pushgateway

/// One push as it went over the wire. Not an endpoint of the original.
extension PushgatewayResponder {
    func push(number: UInt64) -> WebResponse {
        guard let (record, before) = store.push(number: number) else {
            return missing("push \(number) is not remembered (any more); /api/v1/pushes lists those that are")
        }
        var text = JSONText()
        text.raw("{\"push\":")
        text.bytes.append(contentsOf: GroupStore.json(record))
        guard let traffic = record.traffic else {
            text.raw(",\"traffic\":null}")
            return envelope(text.bytes)
        }
        text.raw(",\"traffic\":{\"requestHeaders\":")
        TrafficJSON.write(traffic.requestHeaders, to: &text)
        text.raw(",\"responseHeaders\":")
        TrafficJSON.write(traffic.responseHeaders, to: &text)
        text.raw(",\"responseBody\":")
        text.string(String(decoding: traffic.responseBody, as: UTF8.self))
        let content = Content(record)
        text.raw(",\"format\":")
        text.string(content?.format.mediaType ?? "")
        let isText = content?.format == .text
        text.raw(",\"body\":")
        text.string(isText ? String(decoding: content?.body ?? [], as: UTF8.self) : "")
        text.raw(",\"bodyBase64\":")
        text.string(isText ? "" : Base64.encode(content?.body ?? traffic.body ?? []))
        text.raw(",\"verdicts\":")
        let findings = isText ? ExpositionLinter.check(content?.body ?? [], as: .text).findings : []
        TrafficJSON.write(findings, to: &text)
        text.raw(",\"difference\":")
        if let content, let old = before.flatMap(Content.init) {
            TrafficJSON.write(
                ExpositionDifference(
                    from: ExpositionContent(old.body, format: old.format),
                    to: ExpositionContent(content.body, format: content.format)
                ),
                to: &text
            )
        } else {
            text.raw("null")
        }
        text.raw("}}")
        return envelope(text.bytes)
    }
}

/// The unpacked body of a remembered push.
private struct Content {
    var body: [UInt8]
    var format: ScrapeFormat

    /// `nil` where it was not kept, or cannot be unpacked.
    init?(_ record: PushRecord) {
        guard record.method != "DELETE", let traffic = record.traffic, let raw = traffic.body else { return nil }
        let request = WebRequest(
            method: .put,
            target: record.path,
            headers: WebHeaders(traffic.requestHeaders),
            body: raw
        )
        guard let unpacked = try? PushBody.decompressed(request, limit: 8 * PushTraffic.bodyLimit) else { return nil }
        body = unpacked
        format = PushBody.isProtobuf(request) ? .protobuf : .text
    }
}
