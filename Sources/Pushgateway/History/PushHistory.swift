import Exposition
import MetricModel

/// What is remembered of a request that was to change a group.
public struct PushRecord: Sendable {
    /// Counts the records, from 1.
    public var number: UInt64 = 0
    /// When it came, in nanoseconds since 1970.
    public var time: Int64
    /// Who sent it: the address of the client.
    public var client: String
    /// `PUT`, `POST` or `DELETE`.
    public var method: String
    /// The group; `nil` where the path names none.
    public var group: GroupingKey?
    /// The path as it was sent.
    public var path: String
    /// Size of the body in bytes, as it was sent.
    public var size: Int
    /// The status of the answer.
    public var status: Int
    /// How long it took, in nanoseconds.
    public var duration: Int64
    /// What was wrong; `nil` where nothing was.
    public var error: String?
    /// What would have been right.
    public var hints: [String]
    /// What went over the wire, as long as it is kept.
    public var traffic: PushTraffic?

    /// So many bytes of a path and an error are remembered, of all hints and of the labels of a group: whoever pushes makes them as
    /// long as he likes.
    static let textLimit = 2048

    /// A record. Of texts that are too long it has the beginnings.
    public init(
        time: Int64,
        client: String,
        method: String,
        group: GroupingKey?,
        path: String,
        size: Int,
        status: Int,
        duration: Int64,
        error: String? = nil,
        hints: [String] = []
    ) {
        self.time = time
        self.client = client
        self.method = method
        self.group = group?.shortened(to: Self.textLimit)
        self.path = path.shortened(to: Self.textLimit)
        self.size = size
        self.status = status
        self.duration = duration
        self.error = error?.shortened(to: Self.textLimit)
        self.hints = hints.prefix(8).map { $0.shortened(to: Self.textLimit / 8) }
    }
}

extension GroupingKey {
    /// The key, or one with the beginnings of the first labels where they have more than so many bytes together.
    fileprivate func shortened(to bytes: Int) -> GroupingKey {
        if encoded.count <= bytes { return self }
        return GroupingKey(
            labels.prefix(8).map { label in
                Label(name: label.name.shortened(to: bytes / 32), value: label.value.shortened(to: bytes / 16))
            }
        )
    }
}

/// A request that was to change a group, and its answer, as they went over the wire, without what may hold credentials.
public struct PushTraffic: Sendable {
    /// The request's headers that ``RecordedTraffic`` keeps.
    public var requestHeaders: [(name: String, value: String)]
    /// The request's body as it was sent; `nil` where it is too long to be kept.
    public var body: [UInt8]?
    /// The answer's headers that ``RecordedTraffic`` keeps.
    public var responseHeaders: [(name: String, value: String)]
    /// The answer's body, as far as it is kept.
    public var responseBody: [UInt8]

    /// The longest body that is kept.
    public static let bodyLimit = 128 * 1024

    /// Takes over what went over the wire, and of the request's headers those that ``RecordedTraffic`` keeps.
    package init(
        keptHeaders: [(name: String, value: String)],
        body: [UInt8],
        responseHeaders: [(name: String, value: String)],
        responseBody: [UInt8]
    ) {
        requestHeaders = keptHeaders
        self.body = body.count > Self.bodyLimit ? nil : body
        self.responseHeaders = RecordedTraffic.headers(responseHeaders)
        self.responseBody = Array(responseBody.prefix(Self.bodyLimit))
    }
}

/// The last so many requests that were to change a group.
struct PushHistory {
    /// How many of them are kept as they went over the wire.
    static let trafficCount: UInt64 = 16

    private let limit: Int
    private var ring: [PushRecord] = []
    private(set) var count: UInt64 = 0

    init(limit: Int) { self.limit = max(limit, 0) }

    mutating func append(_ record: PushRecord) {
        count += 1
        guard limit > 0 else { return }
        let place = Int((count - 1) % UInt64(limit))
        if ring.count < limit {
            ring.append(record)
        } else {
            ring[place] = record
        }
        ring[place].number = count
        if count > Self.trafficCount, UInt64(limit) > Self.trafficCount {
            ring[Int((count - 1 - Self.trafficCount) % UInt64(limit))].traffic = nil
        }
    }

    /// The record of that number; `nil` where it is not remembered (any more).
    subscript(number: UInt64) -> PushRecord? {
        guard number >= 1, number <= count, count - number < UInt64(ring.count) else { return nil }
        return ring[Int((number - 1) % UInt64(limit))]
    }

    /// The records after number `since`, newest first, at most `limit`.
    func records(since: UInt64, limit: Int) -> [PushRecord] {
        var result: [PushRecord] = []
        var number = count
        while number > since, result.count < limit, count - number < UInt64(ring.count) {
            result.append(ring[Int((number - 1) % UInt64(self.limit))])
            number -= 1
        }
        return result
    }
}

/// Records in JSON.
enum PushRecordJSON {
    static func append(_ record: PushRecord, to json: inout [UInt8]) {
        GoJSON.raw(
            "{\"number\":\(record.number),\"time\":\"\(CivilTime.rfc3339(nanoseconds: record.time))\",\"client\":",
            to: &json
        )
        GoJSON.append(record.client, to: &json)
        GoJSON.raw(",\"method\":\"\(record.method)\",\"group\":", to: &json)
        if let group = record.group {
            GoJSON.append(group.labels.map { ($0.name, $0.value) }, to: &json)
        } else {
            GoJSON.raw("null", to: &json)
        }
        GoJSON.raw(",\"path\":", to: &json)
        GoJSON.append(record.path, to: &json)
        let isSuccess = record.status < 300
        GoJSON.raw(",\"size\":\(record.size),\"result\":\"\(isSuccess ? "success" : "failure")\"", to: &json)
        GoJSON.raw(",\"status\":\(record.status),\"duration_seconds\":", to: &json)
        GoNumber.append(Double(record.duration) / 1e9, .json, to: &json)
        GoJSON.raw(",\"error\":", to: &json)
        GoJSON.append(record.error ?? "", to: &json)
        GoJSON.raw(",\"hints\":[", to: &json)
        for (index, hint) in record.hints.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            GoJSON.append(hint, to: &json)
        }
        GoJSON.raw("]}", to: &json)
    }
}
