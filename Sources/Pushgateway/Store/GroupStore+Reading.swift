public import MetricModel
import Synchronization

extension GroupStore {
    /// What an exposition came to.
    public enum ExpositionResult: Sendable {
        /// The text format 0.0.4.
        case text(ExpositionText)
        /// The groups contradict each other, which only pushes without a check bring about: what is wrong.
        case inconsistent(String)
    }

    /// Everything in the text format 0.0.4, names as they are.
    /// - Parameter names: only these families; `nil` for all.
    public func exposition(names: Set<String>? = nil) async -> ExpositionResult {
        let gathering = Gathering(own: metrics.constantFamilies() + metrics.requestFamilies())
        return await whenDurable(size: Self.told) { inner in
            if let problem = self.inconsistency(gathering, &inner.state) { return .inconsistent(problem) }
            return .text(gathering.text(&inner.state, names: names))
        }
    }

    /// Everything as families, sorted by name.
    /// - Throws: where pushes without a check contradict each other.
    public func families(names: Set<String>? = nil) async throws(InconsistentGroups) -> [MetricFamily] {
        let gathering = Gathering(own: metrics.constantFamilies() + metrics.requestFamilies())
        let result = await whenDurable(size: { $0.state.seriesCount }) {
            inner -> Result<[MetricFamily], InconsistentGroups> in
            if let problem = self.inconsistency(gathering, &inner.state) {
                return .failure(InconsistentGroups(message: problem))
            }
            return .success(gathering.families(&inner.state, names: names))
        }
        return try result.get()
    }

    /// Whether all names of families and labels are of the old form, so that the text needs no escaping for any reader.
    public func hasOnlyLegacyNames() async -> Bool {
        // Protobuf brings other names even where they are not allowed, as it does there.
        await change(Self.told) { inner in
            let areLegacy =
                inner.state.entries.values.allSatisfy(\.isLegacy)
                && inner.state.groups.values.allSatisfy { group in group.families.allSatisfy { $0.protobuf == nil } }
            return (areLegacy, false)
        }.result
    }

    /// What all series count for where they are told as they are.
    private static let told = { @Sendable (inner: borrowing Inner) in inner.state.seriesCount / 10 }

    /// A group that holds a metric.
    public struct Holder: Sendable {
        /// The group.
        public var key: GroupingKey
        /// When the metric was pushed, in milliseconds since 1970.
        public var pushed: Timestamp
    }

    /// Which groups hold the series of a name, the one that was pushed last first.
    /// - Parameters:
    ///   - name: of a family, or of the series of a histogram or a summary.
    ///   - limit: the most groups that are named.
    public func holders(of name: String, limit: Int) async -> (count: Int, groups: [Holder]) {
        let names = Self.families(ofSeries: name)
        let all = await whenDurable(size: Self.told) { inner -> [Holder] in
            inner.state.groups.values.compactMap { group in
                guard
                    let family = names.lazy.compactMap({ group.family(named: $0) }).first(where: { family in
                        family.entry.name == name || family.type.hasParts
                    })
                else { return nil }
                return Holder(key: group.key, pushed: family.pushedAt / 1_000_000)
            }
        }
        let sorted = all.sorted { ($1.pushed, $0.key.path) < ($0.pushed, $1.key.path) }
        return (all.count, Array(sorted.prefix(limit)))
    }

    /// The families that may have series of that name.
    private static func families(ofSeries name: String) -> [String] {
        [name] + ["_bucket", "_count", "_sum"].filter(name.hasSuffix).map { String(name.dropLast($0.utf8.count)) }
    }

    private func inconsistency(_ gathering: Gathering, _ state: inout PushgatewayState) -> String? {
        guard !options.checksConsistency else { return nil }
        let errors = gathering.inconsistencies(&state)
        guard errors.count > 1 else { return errors.first }
        return "\(errors.count) error(s) occurred:" + errors.map { "\n* " + $0 }.joined()
    }

    // MARK: - JSON

    /// A way through all groups in the order of their keys.
    public struct Passage: Sendable {
        fileprivate var keys: ArraySlice<GroupingKey>
        fileprivate var isFirst = true
        /// Whether nothing is left.
        public var isAtEnd: Bool { keys.isEmpty }
    }

    /// A way through the groups that are there now.
    public func passage() async -> Passage {
        await whenDurable(size: Self.told) { Passage(keys: $0.state.sortedGroups().map(\.key)[...]) }
    }

    /// The next groups as `/api/v1/metrics` lists them, with commas between: some 64 kB, so that pushes need not wait for all.
    /// Each group is as it was at one moment; what was deleted meanwhile is left out.
    /// - Returns: `nil` at the end.
    public func nextGroupsJSON(_ passage: inout Passage) async -> [UInt8]? {
        guard !passage.keys.isEmpty else { return nil }
        let start = passage
        let next = start.keys.first
        let (json, rest) = await whenDurable(size: { inner in next.map(inner.state.seriesCount(of:)) ?? 0 }) { inner in
            var writer = GroupJSON()
            var (keys, isFirst) = (start.keys, start.isFirst)
            while writer.json.count < 1 << 16, let key = keys.popFirst() {
                guard let group = inner.state.groups[key] else { continue }
                if !isFirst { writer.raw(",") }
                isFirst = false
                writer.append(group)
            }
            return (writer.json, Passage(keys: keys, isFirst: isFirst))
        }
        passage = rest
        return json
    }

    /// One group as `/api/v1/metrics` shows it; `nil` where there is none.
    public func groupJSON(_ key: GroupingKey) async -> [UInt8]? {
        await whenDurable(size: { $0.state.seriesCount(of: key) }) { inner in
            guard let group = inner.state.groups[key] else { return nil }
            var writer = GroupJSON()
            writer.append(group)
            return writer.json
        }
    }

    /// What changed after the change of that number: the groups without their metrics, and those that went away.
    ///
    /// `{"sequence":…,"complete":…,"count":…,"groups":[…],"removed":[…]}`; where `complete` is true the groups are all there are.
    public func changesJSON(since: UInt64) async -> [UInt8] {
        await whenDurable(size: Self.told) { inner in
            let pushes = self.history.withLock { $0.count }
            let isComplete = since == 0 || since < inner.state.forgottenRemoval || since > inner.state.sequence
            var json: [UInt8] = []
            GoJSON.raw("{\"sequence\":\(inner.state.sequence),\"complete\":\(isComplete)", to: &json)
            GoJSON.raw(
                ",\"pushes\":\(pushes),\"count\":\(inner.state.groups.count),\"groups\":[",
                to: &json
            )
            var isFirst = true
            let groups =
                isComplete ? inner.state.sortedGroups() : inner.state.groups.values.filter { $0.sequence > since }
            for group in groups {
                if !isFirst { json.append(UInt8(ascii: ",")) }
                isFirst = false
                GroupSummaryJSON.append(group, to: &json)
            }
            GoJSON.raw("],\"removed\":[", to: &json)
            isFirst = true
            for removal in inner.state.removals.reversed() where !isComplete {
                guard removal.sequence > since else { break }
                guard inner.state.groups[removal.key] == nil else { continue }
                if !isFirst { json.append(UInt8(ascii: ",")) }
                isFirst = false
                GoJSON.append(removal.key.path, to: &json)
            }
            GoJSON.raw("]}", to: &json)
            return json
        }
    }

    /// The push of that number, and the one to the same path before it; `nil` where they are not remembered (any more).
    public func push(number: UInt64) -> (push: PushRecord, before: PushRecord?)? {
        history.withLock { history in
            guard let push = history[number] else { return nil }
            var earlier = number
            while earlier > 1 {
                earlier -= 1
                guard let candidate = history[earlier] else { break }
                if candidate.path == push.path, candidate.method != "DELETE" { return (push, candidate) }
            }
            return (push, nil)
        }
    }

    /// A remembered push as it stands in the history.
    public static func json(_ record: PushRecord) -> [UInt8] {
        var json: [UInt8] = []
        PushRecordJSON.append(record, to: &json)
        return json
    }

    /// The remembered requests after that number, newest first: a JSON array.
    public func historyJSON(since: UInt64 = 0, limit: Int = .max) -> [UInt8] {
        let records = history.withLock { $0.records(since: since, limit: limit) }
        var json: [UInt8] = [UInt8(ascii: "[")]
        for (index, record) in records.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            PushRecordJSON.append(record, to: &json)
        }
        json.append(UInt8(ascii: "]"))
        return json
    }
}

/// The groups contradict each other.
public struct InconsistentGroups: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let message: String
    /// What is wrong.
    public var description: String { message }
}

/// A group without its metrics, in JSON.
enum GroupSummaryJSON {
    static func append(_ group: Group, to json: inout [UInt8]) {
        GoJSON.raw("{\"path\":", to: &json)
        GoJSON.append(group.key.path, to: &json)
        // An array, for the order matters to the eye: the job first.
        GoJSON.raw(",\"labels\":[", to: &json)
        let rest = group.key.labels.filter { $0.name != "job" }
        for (index, label) in ([Label(name: "job", value: group.key.job)] + rest).enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            json.append(UInt8(ascii: "["))
            GoJSON.append(label.name, to: &json)
            json.append(UInt8(ascii: ","))
            GoJSON.append(label.value, to: &json)
            json.append(UInt8(ascii: "]"))
        }
        GoJSON.raw("],\"last_push_successful\":\(group.lastPushSucceeded),\"push_time_seconds\":", to: &json)
        number(group.pushTime, to: &json)
        GoJSON.raw(",\"push_failure_time_seconds\":", to: &json)
        number(group.pushFailureTime, to: &json)
        GoJSON.raw(",\"error\":", to: &json)
        GoJSON.append(group.lastError ?? "", to: &json)
        GoJSON.raw(",\"expires\":", to: &json)
        GoJSON.append(group.expiresAt.map { CivilTime.rfc3339(nanoseconds: $0) } ?? "", to: &json)
        GoJSON.raw(",\"families\":[", to: &json)
        for (index, family) in group.families.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            GoJSON.append(family.entry.name, to: &json)
        }
        GoJSON.raw("]}", to: &json)
    }

    private static func number(_ value: Double, to json: inout [UInt8]) {
        if value.isFinite { GoNumber.append(value, .json, to: &json) } else { GoJSON.raw("0", to: &json) }
    }
}

extension MetricType {
    /// Whether its series have names of their own.
    fileprivate var hasParts: Bool {
        switch self {
        case .histogram, .gaugehistogram, .summary: true
        case .counter, .gauge, .unknown, .info, .stateset: false
        }
    }
}
