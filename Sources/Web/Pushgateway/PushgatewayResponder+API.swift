import MetricModel
import Pushgateway

/// The answers below `/api/v1`.
extension PushgatewayResponder {
    /// All groups with their metrics, written while they are put together.
    func groups() async -> WebResponse {
        var passage = await store.passage()
        let first = await store.nextGroupsJSON(&passage) ?? []
        guard !passage.isAtEnd else { return envelope([UInt8(ascii: "[")] + first + [UInt8(ascii: "]")]) }
        let rest = passage
        let body = WebResponse.Body.stream { [store] writer in
            var passage = rest
            try await writer.write(Array("{\"status\":\"success\",\"data\":[".utf8))
            try await writer.write(first)
            while let piece = await store.nextGroupsJSON(&passage) { try await writer.write(piece) }
            try await writer.write(Array("]}".utf8))
        }
        return WebResponse(
            headers: [
                ("Content-Type", "application/json"), ("Cache-Control", "no-cache, no-store, must-revalidate"),
            ],
            body: body
        )
    }

    /// Data in the envelope that all answers have.
    func envelope(_ data: [UInt8]) -> WebResponse {
        var body = Array("{\"status\":\"success\",\"data\":".utf8)
        body.reserveCapacity(body.count + data.count + 1)
        body.append(contentsOf: data)
        body.append(UInt8(ascii: "}"))
        let headers = [
            ("Content-Type", "application/json"), ("Cache-Control", "no-cache, no-store, must-revalidate"),
        ]
        return WebResponse(headers: headers, body: .bytes(body))
    }

    /// Flags, build information and the time of the start.
    func statusJSON() -> [UInt8] {
        var json = Array("{\"build_information\":".utf8)
        GatewayJSON.append(settings.buildInformation, to: &json)
        json.append(contentsOf: ",\"flags\":".utf8)
        GatewayJSON.append(settings.flags, to: &json)
        json.append(contentsOf: ",\"start_time\":\"\(CivilTime.rfc3339(nanoseconds: startTime))\"}".utf8)
        return json
    }

    /// What changed since the change that `since` names.
    func changes(_ request: WebRequest) async -> WebResponse {
        let form = FormValues(parsing: request.rawQuery)
        return envelope(await store.changesJSON(since: UInt64(form["since"]) ?? 0))
    }

    /// The pushes after the one that `since` names, newest first.
    func history(_ request: WebRequest) -> WebResponse {
        let form = FormValues(parsing: request.rawQuery)
        let limit = Int(form["limit"]).map { max(0, $0) } ?? .max
        let records = store.historyJSON(since: UInt64(form["since"]) ?? 0, limit: limit)
        return envelope(records)
    }

    /// One group with its metrics.
    func group(_ path: [UInt8]) async -> WebResponse {
        guard let key = try? GroupingKey(parsingPath: path, utf8Names: store.options.allowsUTF8Names),
            let json = await store.groupJSON(key)
        else {
            return missing("no such group")
        }
        return envelope(json)
    }

    func missing(_ what: String) -> WebResponse {
        var text = JSONText()
        text.raw("{\"status\":\"error\",\"errorType\":\"not_found\",\"error\":")
        text.string(what)
        text.raw("}")
        var response = envelope([])
        response.status = 404
        response.body = .bytes(text.bytes)
        return response
    }
}
