import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Promenade
import Scrape

/// Sends the probes to a client's endpoint.
struct ClientProbing: Sendable {
    let url: String
    let seconds: Int

    /// The longest body that is looked at.
    private static let bodyLimit = 1 << 27

    /// All answers. The probes follow each other on a connection that is kept, but for those that go at the same time.
    func answers() async -> [ClientProbe: ProbeAnswer] {
        var configuration = HTTPClient.Configuration()
        configuration.decompression = .disabled
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        var answers: [ClientProbe: ProbeAnswer] = [:]
        for probe in ClientProbe.allCases where !ClientProbe.concurrent.contains(probe) {
            answers[probe] = await answer(probe, client)
            // Nobody listens: the rest would be the same.
            if probe == .plain, answers[probe]?.failure.isEmpty == false { break }
        }
        if answers.count > 1 {
            await withTaskGroup(of: (ClientProbe, ProbeAnswer).self) { group in
                for probe in ClientProbe.concurrent { group.addTask { (probe, await answer(probe, client)) } }
                for await (probe, answer) in group { answers[probe] = answer }
            }
        }
        try? await client.shutdown()
        return answers
    }

    private func answer(_ probe: ClientProbe, _ client: HTTPClient) async -> ProbeAnswer {
        var target = url
        if !probe.query.isEmpty { target += (url.contains("?") ? "&" : "?") + probe.query }
        var request = HTTPClientRequest(url: target)
        request.method = HTTPMethod(rawValue: probe.method)
        for header in probe.headers { request.headers.add(name: header.name, value: header.value) }
        do {
            let response = try await client.execute(request, timeout: .seconds(Int64(seconds)))
            let body = try await response.body.collect(upTo: Self.bodyLimit)
            return ProbeAnswer(
                status: Int(response.status.code),
                version: "\(response.version.major).\(response.version.minor)",
                headers: response.headers.map { ($0.name, $0.value) },
                body: Array(body.readableBytesView)
            )
        } catch {
            return ProbeAnswer(failure: TransportFailure.text(error, url: target))
        }
    }
}
