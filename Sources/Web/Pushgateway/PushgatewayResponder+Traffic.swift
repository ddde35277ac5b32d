import Exposition
import MetricModel
import Pushgateway

/// One push as it went over the wire. Not an endpoint of the original.
extension PushgatewayResponder {
    func push(number: UInt64) -> WebResponse {
        guard let (record, before) = store.push(number: number) else {
            return missing("push \(number) is not remembered (any more); /api/v1/pushes lists those that are")
        }
        let push: JSONObject = [
            "push": JSONPart { $0.bytes.append(contentsOf: GroupStore.json(record)) },
            "traffic": record.traffic.map { Self.json($0, Content(record), before: before.flatMap(Content.init)) },
        ]
        var text = JSONText()
        push.write(to: &text)
        return envelope(text.bytes)
    }

    private static func json(_ traffic: PushTraffic, _ content: Content?, before: Content?) -> JSONObject {
        let isText = content?.format == .text
        var difference: ExpositionDifference?
        if let content, let before {
            difference = ExpositionDifference(
                from: ExpositionContent(before.body, format: before.format),
                to: ExpositionContent(content.body, format: content.format)
            )
        }
        return [
            "requestHeaders": TrafficJSON.headers(traffic.requestHeaders),
            "responseHeaders": TrafficJSON.headers(traffic.responseHeaders),
            "responseBody": String(decoding: traffic.responseBody, as: UTF8.self),
            "format": content?.format.mediaType ?? "",
            "body": isText ? String(decoding: content?.body ?? [], as: UTF8.self) : "",
            "bodyBase64": isText ? "" : Base64.encode(content?.body ?? traffic.body ?? []),
            "verdicts": TrafficJSON.verdicts(
                isText ? ExpositionLinter.check(content?.body ?? [], as: .text).findings : []
            ),
            "difference": difference.map(TrafficJSON.difference),
        ]
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
        guard let unpacked = try? PushBody.decompressedAtOnce(request, limit: 8 * PushTraffic.bodyLimit)
        else { return nil }
        body = unpacked
        format = PushBody.isProtobuf(request) ? .protobuf : .text
    }
}
