package import AsyncHTTPClient
import MetricModel
package import NIOCore
package import NIOHTTP1

/// One request of a command or of a push.
package struct HTTPCall: Sendable {
    package var method: HTTPMethod
    package var url: String
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8]?
    /// The longest wait for the whole answer, redirects included; more than a day counts as a day.
    package var timeoutMilliseconds: Int64
    /// The longest body that is taken in, in bytes.
    package var bodyLimit = 1 << 28

    package init(_ url: String, method: HTTPMethod = .GET, timeoutMilliseconds: Int64) {
        self.method = method
        self.url = url
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// A request whose method is given as a word.
    package init(_ url: String, verb: String, timeoutMilliseconds: Int64) {
        self.init(url, method: HTTPMethod(rawValue: verb), timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The form is posted.
    package mutating func post(form: String) {
        method = .POST
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        body = Array(form.utf8)
    }
}

/// What a server said.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var version: HTTPVersion
    package var headers: HTTPHeaders
    package var body: ByteBuffer
    /// The method and the URL that were answered; redirects change them.
    package var method: HTTPMethod
    package var url: String

    package var text: String { String(decoding: body.readableBytesView, as: UTF8.self) }
}

/// The way out for requests that no job's configuration shapes: pushes and the commands' questions. Each address, a redirect's too, is
/// looked at before it is connected to, and each failure is told in the words that scrapes have.
package struct HTTPCaller: Sendable {
    private let client: HTTPClient
    /// The network keeps the machine's time, whatever time the stack lives by.
    private let network = SystemClock()

    /// Callers that share their connections.
    package static let shared = HTTPCaller(
        client: HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    )

    /// The longest wait.
    package static let longestMilliseconds: Int64 = 86_400_000

    /// A caller with a client of somebody else's. It should not follow redirects itself: those it follows nobody looks at.
    package init(client: HTTPClient) { self.client = client }

    private static var configuration: HTTPClient.Configuration {
        var result = HTTPClient.Configuration()
        // Redirects are looked at here before they are followed.
        result.redirectConfiguration = .disallow
        // Answers are taken as they come.
        result.decompression = .disabled
        // Nobody listens: that is the answer at once, not a reason to try again until the time is up.
        result.connectionPool.retryConnectionEstablishment = false
        result.httpVersion = .http1Only
        result.http1_1ConnectionDebugInitializer = { StatusGuard.install(on: $0) }
        return result
    }

    /// Asks, and follows redirects as Go's client does.
    package func send(_ call: HTTPCall) async throws(TransportError) -> HTTPAnswer {
        let wait = min(max(0, call.timeoutMilliseconds), Self.longestMilliseconds) * 1_000_000
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(0, network.steadyNanoseconds + wait)))
        var way = try RequestWay(call.url, method: call.method)
        while true {
            try way.check(connects: true)
            let answer = try await way.url.dial { url throws(TransportError) in
                try await once(call, way, to: url, until: deadline)
            }
            let location = answer.headers.first(name: "Location") ?? ""
            guard try way.follow(status: answer.status, location: location) else { return answer }
        }
    }

    private func once(
        _ call: HTTPCall,
        _ way: RequestWay,
        to url: URLParts,
        until deadline: NIODeadline
    ) async throws(TransportError) -> HTTPAnswer {
        var request = HTTPClientRequest(url: "\(url.scheme)://\(url.address)\(url.target)")
        request.method = way.method
        request.headers.add(name: "Host", value: way.url.hostHeader)
        do throws(TransportError) {
            for header in way.headers(call.headers) { try request.headers.addField(header.name, header.value) }
        } catch {
            throw error.during(way.context)
        }
        if let body = call.body, way.hasBody { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, deadline: deadline)
        } catch {
            let failure = TransportFailure.failure(error, address: way.url.address, socket: "", isProxied: false)
            throw failure.during(way.context)
        }
        do {
            return HTTPAnswer(
                status: Int(response.status.code),
                version: response.version,
                headers: response.headers,
                body: try await response.body.collect(upTo: call.bodyLimit),
                method: way.method,
                url: way.url.text
            )
        } catch {
            throw TransportFailure.ofBody(error).during(way.context)
        }
    }
}
