import MetricModel

/// Puts the exposition of everything together.
struct Gathering {
    /// The families of the gateway itself.
    let own: [MetricFamily]

    /// The text format 0.0.4 with all names as they are.
    /// - Parameter names: only these families; `nil` for all.
    func text(_ state: inout PushgatewayState, names: Set<String>?) -> ExpositionText {
        let sortedOwn = own.sorted { ByteOrder.precedes($0.name, $1.name) }
        let pushed = state.sortedNames()
        var result = ExpositionText()
        var nextOwn = 0
        for name in pushed {
            while nextOwn < sortedOwn.count, ByteOrder.precedes(sortedOwn[nextOwn].name, name) {
                append(sortedOwn[nextOwn], to: &result, names: names)
                nextOwn += 1
            }
            guard let entry = state.entries[ExactText(name)] else { continue }
            var mine: MetricFamily?
            if nextOwn < sortedOwn.count, sortedOwn[nextOwn].name.hasSameBytes(as: name) {
                mine = sortedOwn[nextOwn]
                nextOwn += 1
            }
            if names?.contains(name) ?? true { append(entry, with: mine, own: state.own[name], to: &result) }
        }
        for family in sortedOwn[nextOwn...] { append(family, to: &result, names: names) }
        result.close()
        return result
    }

    private func append(_ family: MetricFamily, to result: inout ExpositionText, names: Set<String>?) {
        guard names?.contains(family.name) ?? true, !family.metrics.isEmpty else { return }
        result.append {
            FamilyText.appendHeader(name: family.name, isLegacy: true, help: family.help, type: family.type, to: &$0)
        }
        let entry = FamilyEntry(name: family.name)
        let pushed = PushedFamily(SanitizedFamily(family, key: nil), entry: entry, pushedAt: 0)
        entry.add(pushed)
        result.append(entry.sortedLines())
    }

    private func append(
        _ entry: FamilyEntry,
        with mine: MetricFamily?,
        own: OwnFamilies.Own?,
        to result: inout ExpositionText
    ) {
        guard let type = mine?.type ?? entry.type(excluding: nil), mine != nil || !entry.order.isEmpty else { return }
        let help = mine?.help ?? (own?.replacesHelp == true ? own?.help : nil) ?? entry.shownHelp
        result.append {
            FamilyText.appendHeader(name: entry.name, isLegacy: entry.isLegacy, help: help, type: type, to: &$0)
        }
        guard let mine else {
            result.append(entry.sortedLines())
            return
        }
        let pushed = PushedFamily(SanitizedFamily(mine, key: nil), entry: entry, pushedAt: 0)
        result.append(entry.sortedLines(with: pushed))
    }

    /// The families themselves, for the formats that are asked for seldom.
    func families(_ state: inout PushgatewayState, names: Set<String>?) -> [MetricFamily] {
        var byName: [ExactText: MetricFamily] = [:]
        for family in own where names?.contains(family.name) ?? true { byName[ExactText(family.name)] = family }
        for name in state.sortedNames() where names?.contains(name) ?? true {
            guard let entry = state.entries[ExactText(name)], let type = entry.type(excluding: nil) else { continue }
            let replacement = state.own[name].flatMap { $0.replacesHelp ? $0.help : nil }
            var family =
                byName[ExactText(name)] ?? MetricFamily(name: name, help: replacement ?? entry.shownHelp, type: type)
            var decoded: [ObjectIdentifier: MetricFamily] = [:]
            for slot in entry.order {
                let id = ObjectIdentifier(slot.family)
                let source = decoded[id] ?? slot.family.decoded() ?? MetricFamily(name: name)
                decoded[id] = source
                if Int(slot.index) < source.metrics.count { family.metrics.append(source.metrics[Int(slot.index)]) }
            }
            byName[ExactText(name)] = family
        }
        return byName.values.filter { !$0.metrics.isEmpty }.sorted { ByteOrder.precedes($0.name, $1.name) }
    }

    /// What contradicts itself; only pushes that were not checked can bring that about.
    func inconsistencies(_ state: inout PushgatewayState) -> [String] {
        var errors: [String] = []
        var types: [ExactText: MetricType] = [:]
        for family in own { types[ExactText(family.name)] = family.type }
        let names = state.sortedNames()
        for name in names where types[ExactText(name)] == nil {
            types[ExactText(name)] = state.entries[ExactText(name)]?.type(excluding: nil)
        }
        for name in names {
            guard let entry = state.entries[ExactText(name)], let type = types[ExactText(name)] else { continue }
            if let collision = Self.collision(name, type, types) {
                errors.append(collision)
            } else if entry.duplicates > 0 || entry.hasTypeConflict {
                errors += Self.contradictions(entry, type)
            }
        }
        return errors
    }

    private static func collision(_ name: String, _ type: MetricType, _ types: [ExactText: MetricType]) -> String? {
        for suffix in ["_count", "_sum", "_bucket"] where name.hasSuffix(suffix) {
            let base = String(name.dropLast(suffix.count))
            let kind: String
            switch types[ExactText(base)] {
            case .summary where suffix != "_bucket": kind = "summary"
            case .histogram: kind = "histogram"
            default: continue
            }
            return "collected metric named \(GoText.quoted(name)) collides with previously collected \(kind) named "
                + GoText.quoted(base)
        }
        return nil
    }

    private static func contradictions(_ entry: FamilyEntry, _ type: MetricType) -> [String] {
        var errors: [String] = []
        var seen: Set<UInt64> = []
        for slot in entry.order {
            guard let family = slot.family.decoded(), Int(slot.index) < family.metrics.count else { continue }
            let metric = family.metrics[Int(slot.index)]
            let start =
                "collected metric \(GoText.quoted(entry.name)) { \(ProtoText.describe(metric, labels: metric.labels))}"
            if metric.value.type != type {
                errors.append("\(start) is not a \(type.protoName)")
            } else if !seen.insert(slot.family.series[Int(slot.index)].fingerprint).inserted {
                errors.append("\(start) was collected before with the same name and label values")
            }
        }
        return errors
    }
}
