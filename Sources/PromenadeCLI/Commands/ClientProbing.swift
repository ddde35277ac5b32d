import HTTPCalling
import NIOCore
import NIOHTTP1
import Promenade

/// Sends the probes to a client's endpoint.
struct ClientProbing: Sendable {
    let url: String
    let seconds: Int

    /// The longest body that is looked at.
    private static let bodyLimit = 1 << 27

    /// All answers. The probes follow each other on a connection that is kept, but for those that go at the same time.
    func answers() async -> [ClientProbe: ProbeAnswer] {
        var answers: [ClientProbe: ProbeAnswer] = [:]
        for probe in ClientProbe.allCases where !ClientProbe.concurrent.contains(probe) {
            answers[probe] = await answer(probe)
            // Nobody listens: the rest would be the same.
            if probe == .plain, answers[probe]?.failure.isEmpty == false { break }
        }
        if answers.count > 1 {
            await withTaskGroup(of: (ClientProbe, ProbeAnswer).self) { group in
                for probe in ClientProbe.concurrent { group.addTask { (probe, await answer(probe)) } }
                for await (probe, answer) in group { answers[probe] = answer }
            }
        }
        return answers
    }

    private func answer(_ probe: ClientProbe) async -> ProbeAnswer {
        var target = url
        if !probe.query.isEmpty { target += (url.contains("?") ? "&" : "?") + probe.query }
        var call = HTTPCall(
            target,
            method: HTTPMethod(rawValue: probe.method),
            timeoutMilliseconds: Int64(seconds) * 1000
        )
        call.headers = probe.headers.map { ($0.name, $0.value) }
        call.bodyLimit = Self.bodyLimit
        do throws(TransportError) {
            let answer = try await HTTPCaller.shared.send(call)
            return ProbeAnswer(
                status: answer.status,
                version: "\(answer.version.major).\(answer.version.minor)",
                headers: answer.headers.map { ($0.name, $0.value) },
                body: Array(answer.body.readableBytesView)
            )
        } catch {
            return ProbeAnswer(failure: error.message)
        }
    }
}
