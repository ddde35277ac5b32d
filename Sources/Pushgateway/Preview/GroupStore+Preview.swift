import MetricModel
import Synchronization

extension GroupStore {
    /// What a push would do. Nothing is changed.
    public func preview(_ request: PushRequest) async -> PushPreview {
        let prepared = PreparedPush(request)
        let shapes = metrics.requestFamilyShapes()
        let now = clock.wallNanoseconds
        // What contradicts it is looked for in all groups.
        return await whenDurable(size: { prepared.seriesCount + $0.state.seriesCount }) { inner in
            var preview = PushPreview(group: request.key)
            if prepared.hasTimestamps {
                preview.error = Self.refusal("pushed metrics must not have timestamps")
                preview.hints = [
                    "leave out the number behind the values: a Pushgateway tells the time of a push itself, in push_time_seconds"
                ]
                return preview
            }
            let push = Self.adapt(prepared, &inner.state)
            if self.options.checksConsistency {
                Self.add(shapes, to: &inner.state)
                if let check = inner.state.check(push, now: now), let message = check.message {
                    preview.error = Self.refusal(message)
                    preview.colliding = (check.twin.map { [$0] } ?? []) + Self.groups(contradicting: check, inner.state)
                    preview.hints = Self.hints(check)
                    return preview
                }
            }
            preview.changes = Self.changes(push, inner.state.groups[push.key])
            return preview
        }
    }

    /// Which groups a refused push contradicts, at most ten.
    private static func groups(contradicting check: ConsistencyCheck, _ state: PushgatewayState) -> [GroupingKey] {
        var found: [GroupingKey] = []
        for name in check.conflicting {
            let place = check.incoming.place(of: name) { $0.name }
            guard place < check.incoming.count else { continue }
            let family = check.incoming[place]
            let mine = Set(family.series.map(\.fingerprint))
            let related =
                [name]
                + ["_count", "_sum", "_bucket"].flatMap { suffix in
                    [name + suffix] + (name.hasSuffix(suffix) ? [String(name.dropLast(suffix.count))] : [])
                }
            for group in state.groups.values where group.key != check.key && !found.contains(group.key) {
                let collides = related.contains { other in
                    guard let theirs = group.family(named: other) else { return false }
                    guard other == name else { return true }
                    return theirs.type != family.type || theirs.series.contains { mine.contains($0.fingerprint) }
                }
                if collides { found.append(group.key) }
                if found.count == 10 { return found }
            }
        }
        return found.sorted { $0.encoded.lexicographicallyPrecedes($1.encoded) }
    }

    private static func hints(_ check: ConsistencyCheck) -> [String] {
        var hints: [String] = []
        let text = check.errors.joined(separator: "\n")
        if text.contains(" is not a ") || text.contains("has type") {
            hints.append(
                "a metric name has one type in all groups: rename the metric, correct its TYPE line, or delete the other group"
            )
        }
        if text.contains("was collected before") {
            hints.append(
                "the same name and labels may occur once over all groups: give the grouping keys or the metrics labels that differ"
            )
        }
        if text.contains("collides with previously collected") {
            hints.append(
                "names ending in _count, _sum or _bucket belong to summaries and histograms: rename one of the two"
            )
        }
        return hints
    }

    /// How the group's lines would change.
    private static func changes(_ push: PreparedPush, _ group: Group?) -> [PushPreview.Change] {
        var before: [String: [UInt8]] = [:]
        for family in group?.families ?? [] where !Group.isTimestamp(family.entry.name) {
            before[family.entry.name] = family.text
        }
        var after = push.mode == .replaceGroup ? [:] : before
        for family in push.families where !Group.isTimestamp(family.name) { after[family.name] = family.text }
        let names = Set(before.keys).union(after.keys).sorted { ByteOrder.precedes($0, $1) }
        return names.flatMap { changes(samples(before[$0] ?? []), samples(after[$0] ?? [])) }
    }

    private static func samples(_ text: [UInt8]) -> [(series: String, line: String)] {
        text.split(separator: 0x0a).map { bytes in
            let end = bytes.lastIndex(of: 0x20) ?? bytes.endIndex
            return (String(decoding: bytes[..<end], as: UTF8.self), String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func changes(
        _ before: [(series: String, line: String)],
        _ after: [(series: String, line: String)]
    ) -> [PushPreview.Change] {
        let old = Dictionary(before.map { ($0.series, $0.line) }, uniquingKeysWith: { $1 })
        let new = Set(after.map(\.series))
        var changes: [PushPreview.Change] = before.filter { !new.contains($0.series) }.map { .removed($0.line) }
        for sample in after {
            switch old[sample.series] {
            case nil: changes.append(.added(sample.line))
            case sample.line: changes.append(.kept(sample.line))
            case .some(let line): changes.append(.changed(from: line, to: sample.line))
            }
        }
        return changes
    }
}
