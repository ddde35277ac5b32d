import MetricModel

/// What Prometheus has not: what happens in the stack, while it happens. Not for pages from elsewhere.
extension PrometheusServer {
    /// How often a listener who has nothing to hear is told that the connection still lives, in milliseconds.
    package static let heartbeat: Int64 = 15_000
    /// The most events of one answer where no limit is given.
    private static let eventLimit = 100

    /// `/api/v1/events?since=ID&kind=push`: the last events, oldest first, or those after one.
    func events(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        guard let events = environment.events else { throw APIFailure(.notFound, "nothing is told here") }
        let kinds = try eventKinds(parameters)
        let limit = try parameters.limit()
        let since = parameters["since"]
        var place: UInt64 = 0
        if !since.isEmpty { place = try eventPlace(since, "since", events) }
        let slice = events.since(place, kinds: kinds)
        let most = limit == 0 ? (since.isEmpty ? Self.eventLimit : StackEvents.capacity) : limit
        // Whoever goes on from an event is told all that came after it, in pieces where they are many.
        let told = since.isEmpty ? slice.events.suffix(most) : slice.events.prefix(most)
        let isCut = !since.isEmpty && told.count < slice.events.count
        let last = isCut ? told.last.map(\.number) : nil
        let data: JSONObject = [
            "events": told.map { $0.json(id: events.id(of: $0.number)) },
            "last": events.id(of: last ?? slice.end),
            "missed": since.isEmpty ? 0 : slice.missed,
        ]
        return .json(data)
    }

    /// `/api/v1/events/live`: the same as server-sent events, from now on, or from the one that `Last-Event-ID` (or `since`) names,
    /// until the client goes away or the server ends.
    func liveEvents(_ request: WebRequest) -> WebResponse {
        if let response = unavailable() { return response }
        guard let events = environment.events else { return .notFound }
        let parameters = APIParameters(request)
        let kinds: Set<String>
        var place = events.newest
        do throws(APIFailure) {
            kinds = try eventKinds(parameters)
            let last = request.headers["Last-Event-ID"] ?? parameters["since"]
            if !last.isEmpty { place = try eventPlace(last, "since", events) }
        } catch {
            return error.response()
        }
        guard let listener = events.listen() else {
            var response = WebResponse.error(
                "\(StackEvents.listenerLimit) listen already, which is the most; ask /api/v1/events instead",
                status: 503
            )
            response.headers.append(("Retry-After", "10"))
            return response
        }
        let clock = clock
        let start = place
        return WebResponse(
            headers: [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")],
            body: .stream { writer in
                let beats = Task {
                    while (try? await clock.sleep(milliseconds: Self.heartbeat)) != nil { listener.wake() }
                }
                defer { beats.cancel() }
                try await writer.write(Array("retry: 2000\nid: \(events.id(of: start))\n\n".utf8))
                var place = start
                // What a listener who comes back has missed is sent at once.
                listener.wake()
                for await _ in listener.changes {
                    let slice = events.since(place, kinds: kinds)
                    place = slice.end
                    try await writer.write(Self.text(of: slice, events))
                }
            }
        )
    }

    /// A slice as server-sent events. Where it has none it is a heartbeat, which moves on the place to come back to.
    private static func text(of slice: StackEvents.Slice, _ events: StackEvents) -> [UInt8] {
        var text = JSONText()
        if slice.missed > 0 {
            text.raw("data: {\"kind\":\"missed\",\"count\":")
            text.integer(slice.missed)
            text.raw("}\n\n")
        }
        for event in slice.events {
            let id = events.id(of: event.number)
            text.bytes.append(contentsOf: "id: \(id)\ndata: ".utf8)
            event.json(id: id).write(to: &text)
            text.raw("\n\n")
        }
        if slice.events.isEmpty { text.bytes.append(contentsOf: "id: \(events.id(of: slice.end))\n\n".utf8) }
        return text.bytes
    }

    private func eventKinds(_ parameters: APIParameters) throws(APIFailure) -> Set<String> {
        let kinds = parameters.form.values("kind")
        if let wrong = kinds.first(where: { !StackEvent.kindNames.contains($0) }) {
            let known = StackEvent.kindNames.joined(separator: ", ")
            throw APIFailure(.badData, "there is no kind of event \(GoText.quoted(wrong)); there are \(known)")
        }
        return Set(kinds)
    }

    private func eventPlace(_ id: String, _ name: String, _ events: StackEvents) throws(APIFailure) -> UInt64 {
        guard let place = events.place(of: id) else {
            throw APIFailure(.badData, "\(name) has to be the id of an event, not \(GoText.quoted(id))")
        }
        return place
    }
}
