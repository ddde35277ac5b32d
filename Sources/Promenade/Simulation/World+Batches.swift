import MetricModel
import PrometheusClientPush
import Pushgateway
import Scrape
import Simulation
import Web

/// Batches of a world, and pushes.
extension World {
    /// Plans the next run. That it begins is an item of its own, as it may be late.
    func scheduleBatch(_ index: Int) {
        guard let next = batches[index].takeNext(), next.due <= end else { return }
        queue.add(next.due, .batchBegin, .batch(index))
        queue.add(next.begins, .batchBegin, .begin(index))
    }

    func beginRun(_ index: Int) {
        let spec = batches[index].spec
        // A run that is left out has its chance, too: so those after it do not depend on why.
        let run = batches[index].begin(runCounts[index] + 1, at: now)
        if holds.isHeld(.batch(spec.name)) { return }
        if spec.overlap == .skip, !runs[index].isEmpty {
            return tell(.batch, spec.name, "is left out, as run \(runs[index][0].number) is not over")
        }
        runCounts[index] += 1
        runs[index].append(run)
        let others = runs[index].count - 1
        let overlap =
            others == 0 ? "" : others == 1 ? ", while another is not over" : ", while \(others) others are not over"
        tell(.batch, spec.name, "run \(run.number) begins\(overlap)")
        if spec.delivery == .endpoint {
            stack.targets.endpoints[spec.name, default: []].append(.init(spec: spec, run: run))
        }
        if let ends = run.ends {
            queue.add(ends, .batchEnd, .end(index, run))
        } else {
            begin(.failure(batch: spec.name), "")
        }
    }

    func endRun(_ index: Int, _ run: BatchRun) async {
        let spec = batches[index].spec
        runs[index].removeAll { $0.number == run.number }
        let took = PrometheusDuration(milliseconds: (now - run.begins) / 1_000_000)
        tell(.batch, spec.name, "run \(run.number) \(run.fails ? "fails" : "ends") after \(took)")
        if run.fails { begin(.failure(batch: spec.name), "") } else { finish(.failure(batch: spec.name)) }
        var push = WorldItem.Push(
            method: "PUT",
            job: spec.job,
            grouping: spec.grouping,
            body: run.body(spec, at: now, start: scenario.start),
            pusher: spec.name
        )
        push.retries = spec.retries
        switch spec.delivery {
        case .endpoint:
            stack.targets.endpoints[spec.name]?.removeAll { $0.run.number == run.number }
            return
        case .push: break
        case .add: push.method = "POST"
        case .deleteAfter:
            let deletion = WorldItem.Push(method: "DELETE", job: spec.job, grouping: spec.grouping, pusher: spec.name)
            queue.add(now + spec.deletedAfter, .batchEnd, .push(deletion))
        }
        await deliver(push)
    }

    // MARK: Pushes

    /// Deletes all groups of a job.
    func deleteGroups(of job: String) async {
        let path = (try? GroupingPath.path(job: job, labels: [])) ?? "job/"
        var request = WorldEvent.Request(method: "DELETE", path: "/metrics/\(path)/…", job: job, isTaken: false)
        guard let gateway = stack.gateway else {
            return tell(.push, "scenario", "deletion of job \(job) fails: connection refused", request)
        }
        stack.targets.isGatewayStill = false
        let (count, error) = await gateway.delete(matching: [[LabelMatcher("job", equals: job)]])
        let words = error.map { " fails: \($0.message)" } ?? ": \(count ?? 0) deleted"
        request.isTaken = error == nil
        if error == nil { noteChange(ofGroups: "deletion of the job \(job)", job: job) }
        tell(.push, "scenario", "DELETE groups of the job \(job)\(words)", request)
        await lookAround()
    }

    /// How long a client waits for an answer, in milliseconds, and how long until it tries again.
    private static let patience: Int64 = 10_000

    /// A push or deletion arrives at the Pushgateway, unless something goes wrong.
    func deliver(_ given: WorldItem.Push) async {
        var push = given
        let path: String
        do throws(PushError) {
            path = "/metrics/" + (try GroupingPath.path(job: push.job, labels: push.grouping))
        } catch {
            return tell(.push, push.pusher, "cannot push: \(error)")
        }
        if push.isLate { return failed(push, path, "context deadline exceeded") }
        guard let responder = stack.responder else {
            // What a Pushgateway that is gone had not done yet goes with it.
            if push.isUnheard { return }
            return failed(push, path, "dial tcp localhost:9091: connect: connection refused")
        }
        // Those who push look at the status alone.
        var unheard = push.isUnheard ? ", after who pushed had given up" : ""
        if !push.isPastFaults, let fault = stack.faults.takePush() {
            switch fault {
            case .latency(let milliseconds):
                push.isPastFaults = true
                if milliseconds >= Self.patience {
                    push.isLate = true
                    queue.add(now + Self.patience * 1_000_000, .batchEnd, .push(push))
                    // It is carried out all the same; by then nobody waits for it.
                    (push.isLate, push.retries, push.isUnheard) = (false, 0, true)
                }
                return queue.add(now + milliseconds * 1_000_000, .batchEnd, .push(push))
            case .status(let code): return failed(push, path, "HTTP status \(code) \(HTTPStatus.reason(code))")
            case .refused, .flapping:
                return failed(push, path, "dial tcp localhost:9091: connect: connection refused")
            case .closed: return failed(push, path, "EOF")
            case .truncated: unheard = ", and its answer breaks off, which nobody looks at"
            case .body: unheard = ", and its answer is another, which nobody looks at"
            case .contentType: unheard = ", and its answer has another content type, which nobody looks at"
            case .resetCounters: break
            }
        }
        let method: WebRequest.Method = push.method == "DELETE" ? .delete : push.method == "POST" ? .post : .put
        let request = WebRequest(
            method: method,
            target: path,
            headers: WebHeaders([("Content-Type", "text/plain; version=0.0.4")]),
            body: push.body
        )
        stack.targets.isGatewayStill = false
        let isVain = push.method == "DELETE" ? await !isThere(path) : false
        let status: Int
        var words: String
        do {
            (status, words) = try await answer(of: responder, to: request)
        } catch {
            return failed(push, path, "\(error)")
        }
        if let due = timeToLive { queue.add(now + due, .upkeep, .expiry) }
        var outcome = push.request(path)
        outcome.isTaken = (200..<300).contains(status)
        if outcome.isTaken {
            let sent = "\(push.method) \(path)"
            let size = push.method == "DELETE" ? "" : " (\(push.body.count) bytes)"
            let vain = isVain ? ": there is no such group" : ""
            let meant = push.isMeantToFail ? ", though refused: true says that it is not taken" : ""
            tell(.push, push.pusher, sent + size + vain + meant + unheard, outcome)
            noteChange(push, path)
            pushErrors[path] = nil
        } else {
            while words.hasSuffix("\n") { words.removeLast() }
            if words.isEmpty { words = HTTPStatus.reason(status) }
            pushErrors[path] = (now, "\(push.method) \(path): \(words)")
            tell(.push, push.pusher, "\(push.method) \(path) is refused with \(status): \(words)", outcome)
        }
        await lookAround()
    }

    /// Whether the Pushgateway has a group.
    private func isThere(_ path: String) async -> Bool {
        guard let gateway = stack.gateway, let key = Self.key(path) else { return false }
        return await gateway.groupJSON(key) != nil
    }

    /// The group of a path; `nil` where it is that of none.
    private static func key(_ path: String) -> GroupingKey? {
        let start = "/metrics/"
        guard path.hasPrefix(start),
            let bytes = PercentCoding.decodedPathBytes(String(path.dropFirst(start.count)))
        else { return nil }
        return try? GroupingKey(parsingPath: bytes, utf8Names: true)
    }

    private func answer(
        of responder: PushgatewayResponder,
        to request: WebRequest
    ) async throws -> (status: Int, words: String) {
        if let sockets = stack.sockets { return try await sockets.push(request) }
        let response = await responder.respondInProcess(to: request)
        guard case .bytes(let bytes) = response.body else { return (response.status, "") }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    /// A push of the recording arrives again.
    func replayPush(_ index: Int) async {
        guard let push = scenario.recording?.pushes[index], let responder = stack.responder else { return }
        let request = WebRequest(
            method: push.method == "DELETE" ? .delete : push.method == "POST" ? .post : .put,
            target: push.path,
            headers: WebHeaders(push.contentType.isEmpty ? [] : [("Content-Type", push.contentType)]),
            body: push.body
        )
        stack.targets.isGatewayStill = false
        let response = await responder.respondInProcess(to: request)
        let words = "\(push.method) \(push.path) (\(push.body.count) bytes): \(response.status)"
        tell(.push, "recording", words, Self.request(push, response.status))
        if let due = timeToLive { queue.add(now + due, .upkeep, .expiry) }
        await lookAround()
    }

    /// The request of a recording; `nil` where its path is that of no group.
    private static func request(_ push: Recording.Push, _ status: Int) -> WorldEvent.Request? {
        guard let key = key(push.path) else { return nil }
        let job = key.labels.first { $0.name == "job" }?.value ?? ""
        return .init(method: push.method, path: push.path, job: job, isTaken: (200..<300).contains(status))
    }

    private var timeToLive: Int64? { stack.config.gateway.options.timeToLive }

    private func failed(_ push: WorldItem.Push, _ path: String, _ reason: String) {
        pushErrors[path] = (now, "\(push.method) \(path): \(reason)")
        let again = push.retries > 0 ? "; tries again in 10s" : ""
        tell(.push, push.pusher, "\(push.method) \(path) fails: \(reason)\(again)", push.request(path))
        guard push.retries > 0 else { return }
        var next = push
        next.retries -= 1
        (next.isPastFaults, next.isLate) = (false, false)
        queue.add(now + Self.patience * 1_000_000, .batchEnd, .push(next))
    }
}

extension WorldItem.Push {
    /// The request, not taken yet.
    fileprivate func request(_ path: String) -> WorldEvent.Request {
        WorldEvent.Request(method: method, path: path, job: job, isTaken: false)
    }
}
