import ConfigTree
import HTTPCalling
import MetricModel
import NIOCore
import Promenade
import Synchronization

/// The server that expectations are about, over HTTP.
struct ExpectServer: Sendable {
    let url: String
    let pushgateway: String?
    /// The last push that does not count.
    let pushesAfter: Int64

    /// The last notice that does not count.
    let noticesAfter: Int

    /// - Throws: what is wrong with an address.
    init(url: String, pushgateway: String?, pushesAfter: Int64, noticesAfter: Int) throws(TransportError) {
        self.pushesAfter = pushesAfter
        self.noticesAfter = noticesAfter
        self.url = try ServerAddress(url).url
        if let pushgateway {
            self.pushgateway = try ServerAddress(pushgateway).url
        } else {
            self.pushgateway = nil
        }
    }

    /// What is seen of a condition.
    func ask(_ condition: Condition, within remaining: PrometheusDuration) async -> Observation {
        switch condition {
        case .expression(let text): return await ask(text, within: remaining)
        case .notice(let notice):
            do throws(TransportError) {
                let limit = max(1000, remaining.milliseconds)
                let (status, answer) = try await fetch(url + "/api/v1/inbox", form: nil, limit: limit)
                guard status == 200 else {
                    return .refused("\(url) has no inbox (HTTP status \(status)): it is no Promenade")
                }
                let notices = NoticeEvidence.notices(inInbox: answer, after: noticesAfter)
                return .notices(notices.filter { $0.meets(notice) })
            } catch {
                return .unreachable("\(url): \(error.message)")
            }
        }
    }

    /// Moves the server's manual clock.
    /// - Throws: why it cannot be moved.
    func advance(milliseconds: Int64) async throws {
        let (status, answer) = try await fetch(
            url + "/api/v1/clock",
            form: "advance=\(PrometheusDuration(milliseconds: milliseconds))",
            limit: 300_000
        )
        guard status != 200 else { return }
        throw ClockRefusal(description: answer?["error"]?.text ?? "HTTP status \(status)")
    }

    /// The answer to an expression.
    private func ask(_ expression: String, within remaining: PrometheusDuration) async -> Observation {
        // A single attempt gets a second, however little time is left.
        let limit = max(1000, remaining.milliseconds)
        do throws(TransportError) {
            let (status, answer) = try await fetch(
                url + "/api/v1/query",
                form: "query=" + URLText.query(expression),
                limit: limit
            )
            return Observation(status: status, answer: answer)
        } catch {
            return .unreachable("\(url): \(error.message)")
        }
    }

    /// What else the servers know about expressions that did not hold. What cannot be asked is left out.
    func evidence(for outcomes: [Expectations.Outcome]) async -> ExpectationEvidence {
        var evidence = ExpectationEvidence()
        let unmet = outcomes.filter { !$0.isMet }.map(\.condition)
        if unmet.contains(where: { if case .notice = $0 { true } else { false } }) {
            evidence.alerts = NoticeEvidence(
                inbox: await get(url + "/api/v1/inbox"),
                rules: await get(url + "/api/v1/rules?type=alert&explain=true"),
                alertmanagers: await get(url + "/api/v1/alertmanagers"),
                clock: await get(url + "/api/v1/clock"),
                after: noticesAfter
            )
        }
        for condition in unmet {
            guard case .notice = condition else { continue }
            for expression in evidence.expressions(of: condition) {
                let answer = await get(url + "/api/v1/explain?query=" + URLText.query(expression))
                evidence.reasons[expression] = ExpectationEvidence.words(inExplanation: answer)
            }
        }
        let selectors = unmet.flatMap { evidence.expressions(of: $0) }.flatMap(Expectations.selectors)
        var isSomeUnknown = false
        for selector in selectors
        where evidence.series[selector.name] == nil && !evidence.unanswered.contains(selector.name) {
            let second = PrometheusDuration(milliseconds: 5000)
            guard case .series(let series) = await ask(.expression(selector.anySeries), within: second) else {
                evidence.unanswered.insert(selector.name)
                continue
            }
            evidence.series[selector.name] = series
            isSomeUnknown = isSomeUnknown || series.isEmpty
        }
        if isSomeUnknown, let names = await get(url + "/api/v1/label/__name__/values") {
            evidence.names = (names["data"]?.items ?? []).compactMap(\.text)
        }
        var gateway = pushgateway
        if let targets = await get(url + "/api/v1/targets?state=active") {
            evidence.scrapeErrors = ExpectationEvidence.scrapeErrors(inTargets: targets)
            evidence.scrapes.targets = ScrapeEvidence.Target.all(inTargets: targets)
            gateway = gateway ?? ExpectationEvidence.pushgateway(inTargets: targets)
        }
        if let gateway,
            let metrics = try? await HTTPCaller.shared.send(HTTPCall(gateway + "/metrics", timeoutMilliseconds: 5000)),
            metrics.status == 200
        {
            evidence.scrapes.read(exposition: Array(metrics.body.readableBytesView), of: gateway)
        }
        if let gateway, let pushes = await get(gateway + "/api/v1/pushes") {
            evidence.pushError = ExpectationEvidence.pushError(inPushes: pushes, after: pushesAfter)
        }
        return evidence
    }

    private func get(_ url: String) async -> ConfigNode? { try? await fetch(url, form: nil, limit: 5000).1 }

    /// - Parameter limit: the longest wait, in milliseconds.
    private func fetch(
        _ url: String,
        form: String?,
        limit: Int64
    ) async throws(TransportError) -> (Int, ConfigNode?) {
        var call = HTTPCall(url, timeoutMilliseconds: limit)
        if let form { call.post(form: form) }
        let answer = try await HTTPCaller.shared.send(call)
        return (answer.status, try? JSONReader.parse(Array(answer.body.readableBytesView), file: url))
    }
}

/// Why a server's clock cannot be moved.
private struct ClockRefusal: Error, CustomStringConvertible {
    let description: String
}

/// A server's manual clock, which passes when somebody waits for it.
final class AdvancedClock: StackClock {
    private let server: ExpectServer
    private let passed = Mutex<Int64>(0)

    init(server: ExpectServer) { self.server = server }

    var wallNanoseconds: Int64 { passed.withLock { $0 } }
    var steadyNanoseconds: Int64 { passed.withLock { $0 } }

    func sleep(untilSteady deadline: Int64) async throws {
        let step = max(0, deadline - steadyNanoseconds)
        do {
            try await server.advance(milliseconds: step / 1_000_000)
        } catch {
            Complaint.write("the server's clock does not move: \(error)")
            throw error
        }
        passed.withLock { $0 += step }
    }
}
