import ConfigTree
import HTTPCalling
import MetricModel
import NIOCore
import Promenade
import Simulation

/// Reads from a running stack what it has scraped and received since it was asked last.
struct RecordingClient {
    /// How often the stack is asked, in milliseconds: it remembers the last four scrapes of a target and the last 16 pushes.
    static let pause: Int64 = 500

    /// The most scrapes of a target that are asked for, however many it is said to have.
    private static let mostKept = 16

    let url: String
    let pushgateway: String
    /// What was recorded.
    private(set) var recording = Recording()
    /// How many scrapes and pushes were not there any more when they were asked for.
    private(set) var missed = 0
    /// The stack's configuration.
    private(set) var config = ""
    /// Its rules.
    private(set) var rules: [RecordedRules.File] = []
    /// Whether the stack is waited for; looked at ten times a second.
    var goesOn: @Sendable () -> Bool = { true }
    private var start: Timestamp = 0
    private var lastScrape: [String: Timestamp] = [:]
    private var lastPush: UInt64 = 0
    private var bytes = 0

    init(url: String, pushgateway: String) {
        self.url = url
        self.pushgateway = pushgateway
    }

    /// Why a stack cannot be recorded.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// Begins: what was scraped and pushed before is not recorded.
    mutating func begin(at start: Timestamp) async throws {
        self.start = start
        let clock = try await get(url + "/api/v1/clock")["data"]
        // Only a scenario that is played has a beginning.
        if clock?["start"] != nil {
            throw Refusal(
                description:
                    "it plays a scenario, which gives the same samples whenever it is run: what is recorded is what comes "
                    + "of the world outside"
            )
        }
        if clock?["manual"]?.text == "true" {
            throw Refusal(
                description: "its clock is moved by hand, and what is recorded is what comes while time passes; "
                    + "without --clock=manual it can be"
            )
        }
        config = try await get(url + "/api/v1/status/config")["data"]?["yaml"]?.text ?? ""
        let shown = config
        let rules = try await get(url + "/api/v1/rules?exclude_alerts=true")["data"].map {
            RecordedRules($0, config: shown)
        }
        if let rules {
            self.rules = rules.files
            config = rules.applied(to: config)
        }
        // The stack's own targets are where it listens, not where its file says.
        for move in try await get(url + "/api/v1/status/stack")["data"]?["followedTargets"]?.items ?? [] {
            guard let from = move["from"]?.text, !from.isEmpty, let to = move["to"]?.text else { continue }
            config = Self.replaced(from, by: to, in: config)
        }
        if pushgateway.isEmpty { return }
        do {
            lastPush = try await pushes(since: 0).first?.number ?? 0
        } catch {
            throw Refusal(
                description:
                    "its Pushgateway does not answer, which --pushgateway names (an empty text where there is none): \(error)"
            )
        }
    }

    /// A text with an address in the place of another one, which is not the beginning of a longer one.
    private static func replaced(_ address: String, by other: String, in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let range = rest.firstRange(of: address) {
            let isWhole = rest[range.upperBound...].first.map { !$0.isNumber } ?? true
            result += rest[..<range.lowerBound] + (isWhole ? other : address)
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    /// Takes over what is new.
    mutating func look() async throws {
        try checkSize()
        let targets = try await get(url + "/api/v1/targets?state=active")["data"]?["activeTargets"]?.items ?? []
        for target in targets {
            guard let pool = target["scrapePool"]?.text, let address = target["scrapeUrl"]?.text else { continue }
            try await look(at: address, in: pool)
        }
        if !pushgateway.isEmpty { try await lookAtPushes() }
    }

    /// - Parameter more: the bytes that come to those that are recorded.
    private func checkSize(_ more: Int = 0) throws(Refusal) {
        let count = recording.scrapes.count + recording.pushes.count
        if count > Recording.countLimit || bytes + more > Recording.byteLimit {
            throw Refusal(description: "it is too much: at most \(Recording.countLimit) scrapes and 1 GiB are recorded")
        }
    }

    private mutating func look(at address: String, in pool: String) async throws {
        let known = lastScrape[pool + " " + address] ?? start
        var found: [Recording.Scrape] = []
        var size = 0
        var index = 0
        var kept = 1
        while index < kept {
            let query = "scrapePool=\(URLText.query(pool))&scrapeUrl=\(URLText.query(address))&index=\(index)"
            guard let data = try await told(url + "/api/v1/targets/last_scrape?" + query)?["data"] else {
                // Older ones would have come after the one that was asked for.
                if index > 0 || lastScrape[pool + " " + address] != nil { missed += 1 }
                break
            }
            kept = min(data["kept"]?.text.flatMap { Int($0) } ?? 0, Self.mostKept)
            guard let time = ToldTime.milliseconds((data["sampleTime"] ?? data["time"])?.text) else { break }
            if time <= known { break }
            var scrape = Recording.Scrape(time: time, url: address)
            scrape.pool = pool
            scrape.status = data["status"]?.text.flatMap { Int($0) } ?? 0
            scrape.contentType = data["contentType"]?.text ?? ""
            scrape.duration = ToldTime.nanoseconds(data["duration"]?.text) ?? 0
            scrape.error = data["error"]?.text ?? ""
            scrape.body = Self.body(of: data)
            found.append(scrape)
            size += scrape.body.count
            try checkSize(size)
            index += 1
        }
        // All that the stack remembers is new: there may have been more.
        if index == kept, kept > 3, lastScrape[pool + " " + address] != nil { missed += 1 }
        guard let newest = found.first else { return }
        lastScrape[pool + " " + address] = newest.time
        bytes += size
        recording.scrapes += found.reversed()
    }

    private static func body(of node: ConfigNode) -> [UInt8] {
        let packed = node["bodyBase64"]?.text ?? ""
        return packed.isEmpty ? Array((node["body"]?.text ?? "").utf8) : Base64.decode(packed) ?? []
    }

    // MARK: Pushes

    private func pushes(since: UInt64) async throws -> [(number: UInt64, time: Timestamp, node: ConfigNode)] {
        let items = try await get(pushgateway + "/api/v1/pushes?since=\(since)")["data"]?.items ?? []
        return items.compactMap { node in
            guard let number = node["number"]?.text.flatMap({ UInt64($0) }),
                let time = node["time"]?.text.flatMap({ TimeText.parse($0, now: 0) })
            else { return nil }
            return (number, time, node)
        }
    }

    private mutating func lookAtPushes() async throws {
        for (number, time, node) in try await pushes(since: lastPush).reversed() {
            var push = Recording.Push(time: time, method: node["method"]?.text ?? "", path: node["path"]?.text ?? "")
            // Before anything is noted: one that was not waited for is asked for again.
            let data = push.method == "DELETE" ? nil : try await find(pushgateway + "/api/v1/pushes/\(number)")?["data"]
            if number > lastPush + 1 { missed += Int(clamping: number - lastPush - 1) }
            lastPush = max(lastPush, number)
            if push.method != "DELETE" {
                guard let traffic = data?["traffic"], !traffic.isNull else {
                    missed += 1
                    continue
                }
                let format = traffic["format"]?.text ?? ""
                push.contentType = format
                push.body = Self.body(of: traffic)
            }
            bytes += push.body.count
            recording.pushes.append(push)
        }
    }

    private func get(_ url: String) async throws -> ConfigNode {
        guard let found = try await find(url) else { throw Refusal(description: "\(url): HTTP status 404") }
        return found
    }

    /// What is there; `nil` where there is nothing (any more), or it could not be told.
    /// - Throws: where it was not waited for.
    private func told(_ url: String) async throws -> ConfigNode? {
        do {
            return try await find(url)
        } catch {
            if goesOn() { return nil }
            throw error
        }
    }

    /// What is there; `nil` where there is nothing (any more).
    private func find(_ url: String) async throws -> ConfigNode? {
        let call = Task { () async -> Result<HTTPAnswer, TransportError> in
            do throws(TransportError) {
                return .success(try await HTTPCaller.shared.send(HTTPCall(url, timeoutMilliseconds: 10_000)))
            } catch {
                return .failure(error)
            }
        }
        let watch = Task { [goesOn] in
            while goesOn() { try await SystemClock().sleep(milliseconds: 100) }
            call.cancel()
        }
        defer { watch.cancel() }
        let answer: HTTPAnswer
        switch await call.value {
        case .success(let found): answer = found
        case .failure(let error):
            throw Refusal(description: goesOn() ? error.message : "\(url): it was not waited for any longer")
        }
        if answer.status == 404 { return nil }
        guard answer.status == 200 else { throw Refusal(description: "\(url): HTTP status \(answer.status)") }
        return try JSONReader.parse(Array(answer.body.readableBytesView), file: url)
    }
}
