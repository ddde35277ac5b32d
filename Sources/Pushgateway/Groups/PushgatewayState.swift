import MetricModel

/// All groups with their index. One lock protects it.
struct PushgatewayState {
    private(set) var groups: [GroupingKey: Group] = [:]
    private(set) var entries: [ExactText: FamilyEntry] = [:]
    /// The gateway's own families.
    var own = OwnFamilies()
    /// How many series all groups have.
    private(set) var seriesCount = 0
    /// Counts the changes.
    private(set) var sequence: UInt64 = 0
    /// Groups that went away: when, and which.
    private(set) var removals: [(sequence: UInt64, key: GroupingKey)] = []
    /// The last change that was a removal and is no longer remembered.
    private(set) var forgottenRemoval: UInt64 = 0
    /// The earliest moment at which a group goes away by itself.
    private(set) var nextExpiry: Int64?
    /// Keys whose records have to be written or removed.
    private(set) var dirty: [GroupingKey] = []
    /// The records that these groups had before; `nil` for a group that was not there.
    private var images: [GroupingKey: [UInt8]?] = [:]
    /// Whether changes are kept and can be taken back.
    var isKept = false
    private var sortedNameCache: [String]?
    private var sortedGroupCache: [Group]?

    /// Groups that went away longer ago than so many removals are no longer told apart.
    static let rememberedRemovals = 10_000
    /// So many bytes the keys of those that are told apart may have.
    static let removalLimit = 8 << 20
    /// How many bytes the keys of ``removals`` have.
    private var removalSize = 0

    /// The names of all families in byte order.
    mutating func sortedNames() -> [String] {
        if let sortedNameCache { return sortedNameCache }
        let names = entries.keys.map(\.text).sorted { ByteOrder.precedes($0, $1) }
        sortedNameCache = names
        return names
    }

    /// All groups in the order of their keys.
    mutating func sortedGroups() -> [Group] {
        if let sortedGroupCache { return sortedGroupCache }
        let sorted = groups.values.sorted { $0.key.encoded.lexicographicallyPrecedes($1.key.encoded) }
        sortedGroupCache = sorted
        return sorted
    }

    // MARK: - Pushing

    /// What a check of the push says; `nil` where it is fine.
    func check(_ push: PreparedPush, now: Int64) -> ConsistencyCheck? {
        let group = groups[push.key]
        let twin = group == nil ? twin(of: push.key) : nil
        var suspects: [Int] = []
        for (index, family) in push.families.enumerated() {
            if family.name == Group.pushFailureName, group == nil { continue }
            if let existing = group?.family(named: family.name), existing.hasSameSeries(as: family),
                !family.isSuspicious,
                own[family.name] == nil
            {
                continue
            }
            suspects.append(index)
        }
        guard !suspects.isEmpty || twin != nil else { return nil }
        var check = ConsistencyCheck(
            incoming: push.families,
            pushed: push.pushed,
            group: group,
            key: push.key,
            twin: twin,
            replaces: push.mode == .replaceGroup,
            entries: entries,
            own: own
        )
        check.checkTimes(now: now)
        check.run(suspects)
        return check.errors.isEmpty ? nil : check
    }

    /// A group that is there and whose metrics have the labels that this one's would have.
    private func twin(of key: GroupingKey) -> GroupingKey? {
        key.twin.flatMap { groups[$0] == nil ? nil : $0 }
    }

    /// Takes a push into its group.
    mutating func apply(_ push: PreparedPush, now: Int64, timeToLive: Int64?) {
        saveImage(push.key)
        let (group, isNew) = group(for: push.key)
        group.template = nil
        if push.mode == .replaceGroup, !isNew {
            let names = Set(push.families.map { ExactText($0.name) })
            let removed = group.remove { family in
                !Group.isTimestamp(family.entry.name) && !names.contains(ExactText(family.entry.name))
            }
            for family in removed { forget(family) }
        }
        // The gateway's own failure time wins over a pushed one as long as there is none yet.
        put(push.families.lazy.filter { !isNew || $0.name != Group.pushFailureName }, into: group, now: now)
        if isNew { setTimestamp(Group.pushFailureName, in: group, to: 0, now: now) }
        succeed(group, now: now, timeToLive: timeToLive)
        if let (shape, body) = push.source, push.families.allSatisfy({ own[$0.name] == nil }) {
            group.template = PushTemplate(shape, body, mode: push.mode, group: group, families: push.families)
        }
    }

    /// Takes a body that differs from the last one to its group in nothing but values; returns whether it is one.
    mutating func applyRepeated(
        _ key: GroupingKey,
        _ shape: BodyShape,
        _ values: BodyValues,
        mode: PushRequest.Mode,
        now: Int64,
        timeToLive: Int64?
    ) -> Bool {
        guard let group = groups[key], let template = group.template, template.fits(shape, mode) else { return false }
        saveImage(key)
        template.apply(values, now: now)
        succeed(group, now: now, timeToLive: timeToLive)
        return true
    }

    /// What every successful push changes.
    private mutating func succeed(_ group: Group, now: Int64, timeToLive: Int64?) {
        group.lastError = nil
        setTimestamp(Group.pushTimeName, in: group, to: Double(now) / 1e9, now: now)
        group.expiresAt = timeToLive.map(now.plus)
        if let expiry = group.expiresAt { nextExpiry = min(nextExpiry ?? expiry, expiry) }
        touch(group)
    }

    /// Remembers that a push to the group failed.
    mutating func setFailure(_ key: GroupingKey, error: String, now: Int64) {
        // The times of both would contradict each other from then on.
        if groups[key] == nil, twin(of: key) != nil { return }
        saveImage(key)
        let (group, isNew) = group(for: key)
        setTimestamp(Group.pushFailureName, in: group, to: Double(now) / 1e9, now: now)
        if isNew { setTimestamp(Group.pushTimeName, in: group, to: 0, now: now) }
        group.lastError = error.shortened(to: PushRecord.textLimit)
        touch(group)
    }

    private mutating func group(for key: GroupingKey) -> (Group, isNew: Bool) {
        if let group = groups[key] { return (group, false) }
        let group = Group(key: key)
        groups[key] = group
        sortedGroupCache = nil
        return (group, true)
    }

    private mutating func touch(_ group: Group) {
        sequence += 1
        group.sequence = sequence
        guard !group.isDirty else { return }
        group.isDirty = true
        dirty.append(group.key)
    }

    /// - Parameter families: in the order of their names.
    private mutating func put(_ families: some Sequence<SanitizedFamily>, into group: Group, now: Int64) {
        var new: [PushedFamily] = []
        // Families that are still in the group have to have theirs, though they hold on to none.
        var entriesBefore: [FamilyEntry] = []
        for family in families {
            if family.name == Group.pushFailureName { group.pushFailureTime = family.firstGauge }
            if let existing = group.family(named: family.name) {
                if existing.hasSameSeries(as: family) {
                    existing.takeValues(of: family, pushedAt: now)
                    existing.entry.invalidate()
                    continue
                }
                entriesBefore.append(existing.entry)
                forget(existing)
            }
            let pushed = PushedFamily(family, entry: entry(named: family.name), pushedAt: now)
            seriesCount += pushed.series.count
            pushed.entry.add(pushed)
            new.append(pushed)
        }
        group.put(new)
        withExtendedLifetime(entriesBefore) {}
    }

    private mutating func entry(named name: String) -> FamilyEntry {
        if let entry = entries[ExactText(name)] { return entry }
        let entry = FamilyEntry(name: name)
        entries[ExactText(name)] = entry
        sortedNameCache = nil
        return entry
    }

    private mutating func forget(_ family: PushedFamily) {
        let entry = family.entry
        seriesCount -= family.series.count
        entry.remove(family)
        if entry.contributors == 0 {
            entries[ExactText(entry.name)] = nil
            sortedNameCache = nil
        }
    }

    private mutating func setTimestamp(_ name: String, in group: Group, to value: Double, now: Int64) {
        if name == Group.pushTimeName { group.pushTime = value } else { group.pushFailureTime = value }
        let help =
            name == Group.pushTimeName
            ? "Last Unix time when changing this group in the Pushgateway succeeded."
            : "Last Unix time when changing this group in the Pushgateway failed."
        if let existing = group.family(named: name), existing.isPlainGauge, existing.help == help {
            existing.setSingleValue(value, pushedAt: now)
            return
        }
        let family = MetricFamily(name: name, help: help, type: .gauge, metrics: [.init(value: .gauge(value))])
        put(CollectionOfOne(SanitizedFamily(family, key: group.key)), into: group, now: now)
    }

    // MARK: - Deleting

    /// Deletes a group; returns whether there was one.
    @discardableResult
    mutating func delete(_ key: GroupingKey) -> Bool {
        saveImage(key)
        guard let group = groups.removeValue(forKey: key) else { return false }
        sortedGroupCache = nil
        for family in group.families { forget(family) }
        sequence += 1
        removals.append((sequence, key))
        removalSize += key.encoded.count
        if removals.count > 2 * Self.rememberedRemovals { forgetRemovals(Self.rememberedRemovals) }
        if removalSize > Self.removalLimit { forgetRemovals((removals.count + 1) / 2) }
        if !group.isDirty { dirty.append(key) }
        return true
    }

    /// Tells the oldest removals apart no more.
    private mutating func forgetRemovals(_ count: Int) {
        forgottenRemoval = removals[count - 1].sequence
        for removal in removals[..<count] { removalSize -= removal.key.encoded.count }
        removals.removeFirst(count)
    }

    /// Whether a group holds metrics that were pushed.
    func holds(_ key: GroupingKey) -> Bool {
        groups[key]?.families.contains { !Group.isTimestamp($0.entry.name) } ?? false
    }

    /// How many series a group has.
    func seriesCount(of key: GroupingKey) -> Int { groups[key]?.seriesCount ?? 0 }

    /// About how many series a push touches: its own, those of its group, and those that others have of the same names.
    func size(of push: PreparedPush) -> Int {
        let size = push.seriesCount + seriesCount(of: push.key)
        // Who has few others has no family that is large.
        guard seriesCount > 10_000, push.families.count < 1000 else { return size }
        return push.families.reduce(size) { $0 + (entries[ExactText($1.name)]?.order.count ?? 0) / 10 }
    }

    /// How many series the groups have whose records are to be written.
    var dirtySize: Int { dirty.reduce(0) { $0 + seriesCount(of: $1) } }

    /// About how many series are touched by what touches so many, and deletes before it the groups whose time has come.
    func size(at now: Int64, _ count: Int) -> Int { (nextExpiry ?? .max) <= now ? count + seriesCount : count }

    /// Deletes the groups whose time has come; returns how many.
    mutating func deleteExpired(now: Int64) -> Int {
        guard let next = nextExpiry, next <= now else { return 0 }
        let expired = groups.values.filter { ($0.expiresAt ?? .max) <= now }
        for group in expired { delete(group.key) }
        nextExpiry = groups.values.compactMap(\.expiresAt).min()
        return expired.count
    }

    // MARK: - Records

    /// Changes on their way to the disk, and what was there before.
    struct Changes {
        var records: [RecordChange] = []
        fileprivate var images: [GroupingKey: [UInt8]?] = [:]
    }

    /// Remembers what a group is like before it is changed.
    private mutating func saveImage(_ key: GroupingKey) {
        guard isKept else { return }
        let group = groups[key]
        if group?.isDirty == true || group == nil && images[key] != nil { return }
        images[key] = .some(group.map { $0.record ?? GroupRecord.encode($0) })
    }

    /// The records to write and to remove since the last call.
    mutating func takeChanges() -> Changes {
        var changes = Changes()
        changes.records.reserveCapacity(dirty.count)
        for key in dirty {
            let group = groups[key]
            group?.isDirty = false
            group?.record = group.map { GroupRecord.encode($0) }
            changes.records.append((GroupRecord.table, key.encoded, group?.record))
        }
        dirty.removeAll(keepingCapacity: true)
        swap(&changes.images, &images)
        return changes
    }

    /// Makes everything as it was before these changes, which were not stored, and before those that came after them.
    mutating func takeBack(_ changes: Changes) {
        let before = changes.images.merging(images) { older, _ in older }
        for (key, image) in before {
            delete(key)
            if let record = image.flatMap(GroupRecord.init) { restore(record) }
        }
        dirty = []
        images = [:]
    }

    /// Puts back a group that was stored.
    mutating func restore(_ record: GroupRecord) {
        let group = Group(key: record.key)
        groups[record.key] = group
        sortedGroupCache = nil
        for stored in record.families {
            let family = SanitizedFamily(stored.family, key: record.key)
            put(CollectionOfOne(family), into: group, now: stored.pushedAt)
            if family.name == Group.pushTimeName { group.pushTime = family.firstGauge }
        }
        group.expiresAt = record.expiresAt
        group.lastError = record.lastError
        if let expiry = group.expiresAt { nextExpiry = min(nextExpiry ?? expiry, expiry) }
        sequence += 1
        group.sequence = sequence
    }
}
