import Exposition
import Logging
import MetricModel
import Pushgateway

/// Pushes and deletions.
extension PushgatewayResponder {
    /// What a request that changes a group comes to.
    private struct Result {
        var response: WebResponse
        var key: GroupingKey?
        var error: String?
        var hints: [String] = []
        /// Whether the group held something before.
        var wasThere = false
        /// What the log says of an error; nothing of a dry run.
        var message: Logger.Message? = "failed to parse text"
        var level = Logger.Level.debug

        init(_ response: WebResponse, key: GroupingKey? = nil) {
            self.response = response
            self.key = key
        }

        static func refused(
            _ message: String,
            key: GroupingKey? = nil,
            hints: [String] = [],
            saying words: Logger.Message = "failed to parse text"
        ) -> Result {
            var result = Result(.error(message, status: 400), key: key)
            result.error = message
            result.hints = hints
            result.message = words
            return result
        }

        /// Too much is being read at a time.
        static func noRoom(_ key: GroupingKey? = nil) -> Result {
            var result = Result(.noRoom, key: key)
            result.error = ExpositionError.noRoom.message
            result.message = "push refused"
            return result
        }

        static func failed(_ message: String, key: GroupingKey? = nil) -> Result {
            var result = Result(.error("the change could not be stored: \(message)", status: 500), key: key)
            result.error = message
            result.message = "the change could not be stored"
            result.level = .error
            return result
        }
    }

    func push(_ path: [UInt8], _ request: WebRequest) async -> WebResponse {
        let start = clock.steadyNanoseconds
        let result = await pushed(path, request)
        let duration = clock.steadyNanoseconds - start
        let method = request.method == .put ? "put" : "post"
        store.metrics.observePush(
            method: method,
            size: Double(Self.approximateSize(request)),
            duration: Double(duration) / 1e9,
            handler: .push,
            code: result.response.status
        )
        remember(request, result, duration)
        return result.response
    }

    private func pushed(_ path: [UInt8], _ request: WebRequest) async -> Result {
        let isDryRun = !request.rawQuery.isEmpty && Self.isTrue(FormValues(parsing: request.rawQuery)["dry_run"])
        let body: [UInt8]
        do {
            body = try await PushBody.decompressed(request, limit: settings.decompressedLimit)
        } catch {
            guard error.code == .noRoom else { return .refused(error.message, saying: "failed to unpack the body") }
            return .noRoom()
        }
        let key: GroupingKey
        do {
            key = try paths.key(request.rawPath) { () throws(GroupingKeyError) in
                try GroupingKey(parsingPath: path, utf8Names: store.options.allowsUTF8Names)
            }
        } catch {
            let message = Self.message(error)
            if isDryRun { return preview(PushPreview(error: message), request) }
            return .refused(message, saying: "failed to parse URL")
        }
        var push = PushRequest(key: key, families: [], mode: request.method == .put ? .replaceGroup : .replaceFamilies)
        if let message = applyExtras(request, &push) {
            return .refused(message, key: key, saying: "push refused")
        }
        let isProtobuf = PushBody.isProtobuf(request)
        let room = request.room(besides: body.count)
        do throws(ExpositionError) {
            let outcome: PushOutcome
            if isDryRun || isProtobuf {
                push.families = try SharedRoom.asking(room, for: body.count) { () throws(ExpositionError) in
                    try PushBody.families(body, isProtobuf, utf8Names: store.options.allowsUTF8Names)
                }
                let size = try push.check()
                if !room(size) { throw ExpositionError.noRoom }
                if isDryRun { return preview(await store.preview(push), request) }
                outcome = await store.push(push)
            } else {
                outcome = try await store.push(
                    text: body,
                    to: key,
                    mode: push.mode,
                    timeToLive: push.timeToLive,
                    room: room
                )
            }
            var result = await result(outcome.verdict, push, body, isProtobuf)
            result.wasThere = outcome.wasThere
            return result
        } catch {
            if error == .noRoom { return .noRoom(key) }
            let (place, hints) = isProtobuf ? (nil, []) : BodyDiagnosis.explain(body, error: error.message)
            guard isDryRun else { return .refused(error.message, key: key, hints: hints) }
            var preview = PushPreview(group: key, error: error.message)
            preview.place = place
            preview.hints = hints
            return self.preview(preview, request)
        }
    }

    private func result(
        _ verdict: PushOutcome.Verdict,
        _ push: PushRequest,
        _ body: [UInt8],
        _ isProtobuf: Bool
    ) async -> Result {
        switch verdict {
        case .accepted: return Result(WebResponse(), key: push.key)
        case .acceptedUnchecked: return Result(WebResponse(status: 202), key: push.key)
        case .failed(let message): return .failed(message, key: push.key)
        case .refused(let message):
            var push = push
            if push.families.isEmpty {
                let utf8Names = store.options.allowsUTF8Names
                push.families = (try? PushBody.families(body, isProtobuf, utf8Names: utf8Names)) ?? []
            }
            let preview = await store.preview(push)
            let collisions = preview.colliding.map { "collides with the group \($0)" }
            return .refused(message, key: push.key, hints: preview.hints + collisions)
        }
    }

    /// What the original has not, where it is switched on; returns what is wrong with it.
    private func applyExtras(_ request: WebRequest, _ push: inout PushRequest) -> String? {
        if store.options.acceptsTimeToLiveHeader, let text = request.headers["X-Pushgateway-TTL"] {
            do {
                let duration = try PrometheusDuration(parsing: text)
                guard duration.milliseconds > 0 else {
                    return "invalid X-Pushgateway-TTL: the duration has to be positive"
                }
                push.timeToLive = duration.nanoseconds
            } catch {
                return "invalid X-Pushgateway-TTL: \(error.message)"
            }
        }
        if store.options.allowsAggregation, request.method == .post, !request.rawQuery.isEmpty,
            Self.isTrue(FormValues(parsing: request.rawQuery)["aggregate"])
        {
            push.mode = .addUp
        }
        return nil
    }

    private static func isTrue(_ text: String) -> Bool { text == "1" || text == "true" }

    private static func message(_ error: GroupingKeyError) -> String {
        switch error {
        case .malformed(let message): message
        case .notUnicode: "pushed metrics are invalid or inconsistent with existing metrics: \(error)"
        }
    }

    /// The answer to a dry run: words, or JSON where the client asks for it.
    private func preview(_ preview: PushPreview, _ request: WebRequest) -> Result {
        let status = preview.error == nil ? 200 : 400
        let asksForJSON = (request.headers["Accept"] ?? "").hasPrefix("application/json")
        var response = asksForJSON ? envelope(preview.json) : WebResponse.text(preview.text)
        response.status = status
        var result = Result(response, key: preview.group)
        result.error = preview.error.map { "dry run: \($0)" }
        result.message = nil
        result.hints = preview.hints
        return result
    }

    /// The size of a request as Go's instrumentation reckons it: everything but blanks and line ends.
    private static func approximateSize(_ request: WebRequest) -> Int {
        var size = request.rawPath.utf8.count + request.method.rawValue.utf8.count + "HTTP/1.1".utf8.count
        size += request.querySuffix.utf8.count
        return size + request.headers.approximateSize + request.body.count
    }

    private func remember(_ request: WebRequest, _ result: Result, _ duration: Int64) {
        remember(
            request,
            result.response,
            PushRecord(
                time: clock.wallNanoseconds,
                client: request.remoteAddress,
                method: request.method.rawValue,
                group: result.key,
                path: request.rawPath,
                size: request.body.count,
                status: result.response.status,
                duration: duration,
                error: result.error,
                hints: result.hints
            ),
            wasThere: result.wasThere,
            message: result.message,
            level: result.level
        )
    }

    /// Remembers a request with what went over the wire, and logs what was refused.
    func remember(
        _ request: WebRequest,
        _ response: WebResponse,
        _ record: PushRecord,
        wasThere: Bool = false,
        message: Logger.Message?,
        level: Logger.Level = .debug
    ) {
        if let message { log(record, message, level) }
        var record = record
        var answer: [UInt8] = []
        if case .bytes(let bytes) = response.body { answer = bytes }
        record.traffic = PushTraffic(
            keptHeaders: request.headers.kept,
            body: request.body,
            responseHeaders: response.headers,
            responseBody: answer
        )
        let number = store.remember(record)
        guard let events = settings.events else { return }
        events.tell(.push(StackEvent.Push(record, number: number, wasThere: wasThere)))
    }

    // MARK: - Deleting

    func delete(_ path: [UInt8], _ request: WebRequest) async -> WebResponse {
        let start = clock.steadyNanoseconds
        let result = await deleted(path)
        store.metrics.count(.delete, code: result.response.status, method: "delete")
        remember(request, result, clock.steadyNanoseconds - start)
        return result.response
    }

    private func deleted(_ path: [UInt8]) async -> Result {
        let key: GroupingKey
        do {
            key = try GroupingKey(parsingPath: path, utf8Names: store.options.allowsUTF8Names)
        } catch {
            // A group whose labels are not UTF-8 cannot be there, so there is nothing to delete.
            if case .notUnicode = error { return Result(WebResponse(status: 202)) }
            return .refused(Self.message(error), saying: "failed to parse URL")
        }
        let (wasThere, error) = await store.delete(key)
        if let error { return .failed(error.message, key: key) }
        var result = Result(WebResponse(status: 202), key: key)
        result.wasThere = wasThere
        return result
    }

    func deleteSelection(_ request: WebRequest) async -> WebResponse {
        let start = clock.steadyNanoseconds
        let result = await deletedSelection(FormValues(parsing: request.rawQuery).values("match[]"))
        store.metrics.count(.delete, code: result.response.status, method: "delete")
        remember(request, result, clock.steadyNanoseconds - start)
        return result.response
    }

    private func deletedSelection(_ selectors: [String]) async -> Result {
        let words: Logger.Message = "failed to parse match[]"
        guard !selectors.isEmpty else { return .refused("no match[] parameter provided", saying: words) }
        guard selectors.reduce(0, { $0 + $1.utf8.count }) <= GroupSelector.lengthLimit else {
            return .refused("selectors longer than \(GroupSelector.lengthLimit >> 10)KiB", saying: words)
        }
        var sets: [[LabelMatcher]] = []
        for text in selectors {
            do {
                let matchers = try GroupSelector.matchers(text)
                guard matchers.contains(where: { !$0.matchesEmpty }) else {
                    return .refused(
                        "the selector \(text) matches every group; name a label that must not be empty",
                        saying: words
                    )
                }
                sets.append(matchers)
            } catch {
                return .refused("invalid selector \(text): \(error)", saying: words)
            }
        }
        let (count, error) = await store.delete(matching: sets)
        guard let count else {
            return .refused("to find the groups takes too long; nothing was deleted", saying: words)
        }
        if let error { return .failed(error.message) }
        var result = Result(.text("\(count) groups deleted\n", status: 202))
        result.wasThere = count > 0
        return result
    }

    func wipe() async -> WebResponse {
        let error = await store.wipe()
        let response = error.map { Result.failed($0.message).response } ?? WebResponse(status: 202)
        return counted(.wipe, "put", response)
    }
}
