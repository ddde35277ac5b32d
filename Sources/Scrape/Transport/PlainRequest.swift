import MetricModel
import NIOCore
import NIOHTTP1
import Synchronization

/// A request that needs nothing but a connection to its host: no TLS, no proxy, nothing in its URL that has to be written otherwise.
struct PlainRequest: Sendable {
    /// Where a connection leads.
    struct Place: Hashable, Sendable {
        var host: String
        var port: Int
    }

    let place: Place
    let head: HTTPRequestHead
    /// The request as it is sent.
    let bytes: ByteBuffer
    /// Host and port, for messages.
    let address: String

    /// The request for a URL; `nil` where that takes more, or cannot be asked at all.
    /// - Parameter headers: all of them, in the order in which they are sent.
    init?(_ url: URLParts, headers: [(name: String, value: String)]) {
        let host = url.dialledHost
        let port = url.port.isEmpty ? 80 : Int(url.port) ?? 0
        guard url.scheme == "http", url.addressProblem == nil, !host.isEmpty, host != "::", !host.contains("%"),
            (1...65_535).contains(port), url.target.utf8.allSatisfy(Self.isWrittenAsItIs)
        else { return nil }
        var fields = HTTPHeaders([("Host", url.hostHeader)])
        for header in headers {
            do throws(TransportError) {
                try fields.addField(header.name, header.value)
            } catch {
                return nil
            }
        }
        place = Place(host: host, port: port)
        head = HTTPRequestHead(version: .http1_1, method: .GET, uri: url.target, headers: fields)
        address = url.address
        var text = "GET \(url.target) HTTP/1.1\r\n"
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        bytes = ByteBuffer(string: text + "\r\n")
    }

    private static func isWrittenAsItIs(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/-._~?&=+:,@".utf8.contains(byte)
        }
    }
}

/// What is remembered of a request that is sent again and again: what was made of it the last time.
package final class RequestMemory: Sendable {
    struct Known: Sendable {
        var url: String
        var headers: [(name: String, value: String)]
        var parts: URLParts
        /// `nil` where it is none.
        var plain: PlainRequest?
    }

    /// The last one.
    private let known = Mutex<Known?>(nil)

    /// 0 where the other end was not silent the last time; else one more than it has been refused a connection since.
    private let silence = Atomic(0)
    /// A silent one that is refused so often is taken for one that is not, once: it may have come back.
    private static let patience = 8

    /// Whether the other end was silent the last time, so that it has no connection before others have.
    package var isDoubtful: Bool {
        let silence = silence.load(ordering: .relaxed)
        return silence > 0 && silence % Self.patience != 0
    }

    /// Notes how a request ended; `nil` for an answer.
    package func end(_ failure: TransportError.Code?) {
        switch failure {
        case .timeout: silence.store(1, ordering: .relaxed)
        case .noConnection:
            if silence.load(ordering: .relaxed) > 0 { silence.wrappingAdd(1, ordering: .relaxed) }
        case .cancelled: break
        case nil, .bodyTooLarge, .noRoom, .refused, .unknownHost, .url, .tls, .closed, .malformed, .status, .setup,
            .other:
            silence.store(0, ordering: .relaxed)
        }
    }

    /// Nothing yet.
    package init() {}

    /// What is known of just this request.
    func recall(_ url: String, _ headers: [(name: String, value: String)]) -> Known? {
        known.withLock { known in
            guard let known, known.url == url, known.headers.elementsEqual(headers, by: ==) else { return nil }
            return known
        }
    }

    func keep(_ new: Known) { known.withLock { $0 = new } }
}
