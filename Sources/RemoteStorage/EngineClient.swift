import HTTPCalling
public import MetricModel
import NIOCore
public import Scrape
import Synchronization

/// Asks an engine elsewhere by Prometheus's HTTP API.
public final class EngineClient: Sendable {
    /// What it answered.
    public struct Answer: Sendable {
        /// The status code.
        public var status: Int
        /// The type of the body.
        public var type: String
        /// The body.
        public var body: [UInt8]
    }

    /// Where it is and how it is asked.
    public let config: RemoteStoreConfig
    /// Its address, one of the configuration's.
    public let base: String
    private let transport: HTTPTransport
    private let version: String
    /// The longest answer.
    private static let answerLimit = 1 << 30

    /// A client of an engine.
    /// - Parameters:
    ///   - base: which one of the configuration's addresses; `nil` for the first.
    ///   - version: what it is told in `User-Agent`.
    public init(
        _ config: RemoteStoreConfig,
        base: String? = nil,
        clock: any StackClock,
        version: String,
        environment: [String: String]
    ) throws(TransportError) {
        self.config = config
        self.base = base ?? config.bases.first ?? ""
        self.version = version
        transport = try HTTPTransport(config.client, clock: clock, environment: environment)
    }

    /// Closes connections.
    public func close() async { await transport.close() }

    /// Asks a path below the engine's address.
    /// - Parameters:
    ///   - path: as `/api/v1/query`.
    ///   - form: parameters in the form of URLs, posted; `nil` to ask with GET, the path's own query with it.
    public func ask(_ path: String, form: String?) async throws(StorageError) -> Answer {
        var request = TargetRequest(
            url: base + path,
            headers: config.headers + [("User-Agent", "Prometheus/\(version)"), ("Accept", "application/json")],
            timeoutMilliseconds: max(1, config.timeout),
            bodyLimit: Self.answerLimit
        )
        request.secretHeaders = Set(config.headers.map { $0.name.lowercased() })
        do throws(TransportError) {
            let answer: TargetResponse
            if let form {
                request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
                answer = try await transport.post(request, body: form)
            } else {
                answer = try await transport.fetch(request)
            }
            return Answer(
                status: answer.status,
                type: answer.header("Content-Type"),
                body: Array(answer.body.readableBytesView)
            )
        } catch {
            if Task.isCancelled { throw StorageError(.cancelled, "context canceled") }
            throw StorageError(.inputOutput, "the store elsewhere cannot be asked: \(error.message)")
        }
    }
}

/// Parameters in the form of URLs.
struct EngineForm {
    private(set) var text = ""

    mutating func add(_ name: String, _ value: String) {
        if !text.isEmpty { text += "&" }
        text += URLText.host(name) + "=" + URLText.host(value)
    }

    /// Seconds since 1970, left out where it stands for no bound at all.
    mutating func add(_ name: String, time: Timestamp) {
        guard time > Self.earliest, time < Self.latest else { return }
        add(name, Self.seconds(time))
    }

    /// Years 0 and 9999: beyond them engines reckon differently.
    private static let earliest: Timestamp = -62_167_219_200_000
    private static let latest: Timestamp = 253_402_300_799_000

    static func bounded(_ time: Timestamp) -> Timestamp { min(latest, max(0, time)) }

    static func seconds(_ time: Timestamp) -> String {
        let (whole, rest) = time.quotientAndRemainder(dividingBy: 1000)
        if rest == 0 { return "\(whole)" }
        let digits = "\(abs(rest))"
        let sign = time < 0 && whole == 0 ? "-" : ""
        return sign + "\(whole)." + String(repeating: "0", count: 3 - digits.utf8.count) + digits
    }
}
