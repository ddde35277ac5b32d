internal import MetricModel

/// `info(v, selector)`: adds the labels of info metrics to the series that they belong to.
extension Evaluation {
    private static let identifyingNames = ["instance", "job"]

    func evaluateInfo(_ node: CallExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        let base = try await evaluate(node.arguments[0], scope)
        var dataMatchers: [String: [LabelMatcher]] = [:]
        var nameMatchers = [LabelMatcher(Labels.metricName, equals: "target_info")]
        if node.arguments.count > 1 {
            nameMatchers = []
            var argument = node.arguments[1].unwrapped
            if case .stepInvariant(let inner) = argument { argument = inner }
            if case .vectorSelector(let selector) = argument {
                for matcher in selector.matchers {
                    if matcher.name == Labels.metricName {
                        nameMatchers.append(matcher)
                    } else {
                        dataMatchers[matcher.name, default: []].append(matcher)
                    }
                }
            }
        }
        let effective = effectiveNames(nameMatchers)
        let isIgnored = base.labels.map { labels in
            let name = labels.name
            return effective.allSatisfy { $0.matches(name) }
        }
        try limits.check()
        let info = try await infoSeries(node, base, isIgnored, dataMatchers, effective, scope)
        try limits.check()
        if let recorder, node.arguments.count > 1 {
            recorder.leaf(node.arguments[1].unwrapped, info.map(\.labels), samples: info.count, read: 0, seconds: 0)
        }
        var looked = [Int](repeating: 0, count: scope.grid.count)
        for series in info {
            for (step, time) in series.times.enumerated() where time != .min { looked[step] += 1 }
        }
        try hold(looked.reduce(0, +), scope)
        let result = try combine(base, info, isIgnored, dataMatchers)
        try settle(currentSamples, [base], result, scope, looked: looked)
        return result
    }

    /// Matchers on the info metric's name; without a positive one, all that end in `_info`.
    private func effectiveNames(_ matchers: [LabelMatcher]) -> [LabelMatcher] {
        if matchers.contains(where: { $0.operation == .equal || $0.operation == .matches }) { return matchers }
        if matchers.isEmpty { return [LabelMatcher(Labels.metricName, equals: "target_info")] }
        guard let anyInfo = try? LabelMatcher(Labels.metricName, .matches, ".+_info") else { return matchers }
        return [anyInfo] + matchers
    }

    /// The time and offset of the first selector below, which the info metrics are read at as well.
    private func timing(_ expression: Expr) -> (timestamp: Timestamp?, offset: Int64) {
        var found: (timestamp: Timestamp?, offset: Int64)?
        expression.walk { expression, path in
            if found != nil { return false }
            guard case .vectorSelector(let node) = expression else { return true }
            var timestamp = node.timestamp
            var offset = node.offset
            for ancestor in path.reversed() where timestamp == nil {
                if case .subquery(let subquery) = ancestor {
                    // As Go's durations, it wraps around.
                    offset &+= subquery.offset
                    timestamp = subquery.timestamp
                }
            }
            found = (timestamp, offset / 1_000_000)
            return false
        }
        return found ?? (nil, 0)
    }

    private func infoSeries(
        _ node: CallExpr,
        _ base: SeriesMatrix,
        _ isIgnored: [Bool],
        _ dataMatchers: [String: [LabelMatcher]],
        _ names: [LabelMatcher],
        _ scope: Scope
    ) async throws(PromQLError) -> [(labels: Labels, values: [Double], times: [Timestamp])] {
        var values: [String: Set<String>] = [:]
        var meter = WorkMeter(limits)
        for row in 0..<base.rows where !isIgnored[row] {
            try meter.add(256)
            for name in Evaluation.identifyingNames {
                if let value = base.labels[row][name] { values[name, default: []].insert(value) }
            }
        }
        if values.isEmpty { return [] }
        var matchers: [LabelMatcher] = []
        for (name, texts) in values.sorted(by: { $0.key < $1.key }) {
            try limits.check()
            let pattern = texts.sorted().map(Evaluation.quotedPattern).joined(separator: "|")
            if let matcher = try? LabelMatcher(name, .matches, pattern) { matchers.append(matcher) }
        }
        matchers += dataMatchers.sorted { $0.key < $1.key }.flatMap(\.value)
        matchers += names
        let (timestamp, offset) = timing(node.arguments[0])
        let start = (timestamp ?? scope.grid.start) - lookback + 1 - offset
        let end = (timestamp ?? scope.grid.last) - offset
        let series = try await select(matchers, from: start, to: end)
        let lookup = Lookup(
            grid: scope.grid,
            offset: offset,
            lookback: lookback,
            fixedTime: timestamp.map { $0 - offset }
        )
        var result: [(labels: Labels, values: [Double], times: [Timestamp])] = []
        let charge = try limits.charge(8 * series.count * scope.grid.count)
        defer { withExtendedLifetime(charge) {} }
        for columns in series {
            try meter.add(16 * scope.grid.count + 64)
            let positions = lookup.positions(columns.timestamps)
            let histograms = lookup.positions(columns.histogramTimestamps)
            var times = [Timestamp](repeating: .min, count: scope.grid.count)
            for step in 0..<scope.grid.count {
                let position = Int(positions[step])
                if histograms[step] >= 0,
                    position < 0 || columns.timestamps[position] < columns.histogramTimestamps[Int(histograms[step])],
                    !columns.histograms[Int(histograms[step])].isStale
                {
                    throw PromQLError(
                        .execution,
                        "this should be an info metric, with float samples: \(columns.labels)"
                    )
                }
                if position < 0 || SpecialValue.isStale(columns.values[position]) { continue }
                times[step] = columns.timestamps[position]
                scope.samples.add(total: 1, step: step)
                scope.samples.add(read: 1, step: step)
            }
            if times.contains(where: { $0 != .min }) { result.append((columns.labels, [], times)) }
        }
        return result
    }

    private static func quotedPattern(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            if #"\.+*?()|[]{}^$"#.unicodeScalars.contains(character) { result += "\\" }
            result.unicodeScalars.append(character)
        }
        return result
    }

    private func combine(
        _ base: SeriesMatrix,
        _ info: [(labels: Labels, values: [Double], times: [Timestamp])],
        _ isIgnored: [Bool],
        _ dataMatchers: [String: [LabelMatcher]]
    ) throws(PromQLError) -> SeriesMatrix {
        let identifying = LabelNames(Evaluation.identifyingNames)
        struct Key: Hashable {
            var name: String
            var identity: Labels
        }
        let infoNames = Set(info.map(\.labels.name)).sorted()
        var infoByKey: [Key: [Int]] = [:]
        for (index, entry) in info.enumerated() {
            let key = Key(name: entry.labels.name, identity: entry.labels.keeping(identifying))
            infoByKey[key, default: []].append(index)
        }
        let acceptsNone = dataMatchers.values.allSatisfy { $0.allSatisfy(\.matchesEmpty) }
        let steps = base.steps
        var chosen: [Key: [Int]] = [:]
        var meter = WorkMeter(limits)
        for (key, indices) in infoByKey {
            try meter.add((indices.count + 1) * steps)
            chosen[key] = try newest(indices, info, steps)
        }
        var output = try RowCollector(steps: steps, capacity: base.rows, limits)
        for row in 0..<base.rows {
            try meter.add(64 + steps)
            if isIgnored[row] {
                try add(base, row, base.labels[row], { _ in true }, &output)
                continue
            }
            let identity = base.labels[row].keeping(identifying)
            // The info series of each step; rows are split where these change.
            var sets: [[Int]: [Bool]] = [:]
            for step in 0..<steps where base.isPresent(row, step) {
                try meter.add(64 * (infoNames.count + 1))
                let matched = infoNames.compactMap { name -> Int? in
                    guard let index = chosen[Key(name: name, identity: identity)]?[step], index >= 0 else { return nil }
                    return index
                }
                if matched.isEmpty, !acceptsNone { continue }
                sets[matched, default: Array(repeating: false, count: steps)][step] = true
            }
            for (matched, isThere) in sets.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                try meter.add(256 * matched.count + 4 * steps)
                let labels = try extended(base.labels[row], matched.map { info[$0].labels }, dataMatchers)
                try add(base, row, labels, { isThere[$0] }, &output)
            }
        }
        return output.matrix
    }

    /// For each step the info series with the newest sample, -1 where there is none.
    private func newest(
        _ indices: [Int],
        _ info: [(labels: Labels, values: [Double], times: [Timestamp])],
        _ steps: Int
    ) throws(PromQLError) -> [Int] {
        var result = [Int](repeating: -1, count: steps)
        for step in 0..<steps {
            for index in indices where info[index].times[step] != .min {
                guard result[step] >= 0 else {
                    result[step] = index
                    continue
                }
                let (known, new) = (info[result[step]], info[index])
                if known.times[step] == new.times[step] {
                    throw PromQLError(
                        .execution,
                        "found duplicate series for info metric: existing \(known.labels) @ \(known.times[step]), "
                            + "new \(new.labels) @ \(new.times[step])"
                    )
                }
                if known.times[step] < new.times[step] { result[step] = index }
            }
        }
        return result
    }

    private func extended(
        _ labels: Labels,
        _ infos: [Labels],
        _ dataMatchers: [String: [LabelMatcher]]
    ) throws(PromQLError) -> Labels {
        var added: [String: String] = [:]
        for info in infos {
            for label in info where label.name != Labels.metricName {
                if !dataMatchers.isEmpty, dataMatchers[label.name] == nil { continue }
                if let other = added[label.name], other != label.value {
                    throw PromQLError(.execution, "conflicting label: \(label.name)")
                }
                if labels[label.name] == nil { added[label.name] = label.value }
            }
        }
        if added.isEmpty { return labels }
        var builder = LabelsBuilder(labels)
        for (name, value) in added { builder.set(name, value) }
        return builder.build()
    }

    private func add(
        _ base: SeriesMatrix,
        _ row: Int,
        _ labels: Labels,
        _ isKept: (Int) -> Bool,
        _ output: inout RowCollector
    ) throws(PromQLError) {
        let steps = base.steps
        var values = [Double](repeating: Absent.value, count: steps)
        var histograms: [NativeHistogram?]? = base.hasHistograms(row) ? Array(repeating: nil, count: steps) : nil
        for step in 0..<steps where isKept(step) {
            values[step] = base.values[row * steps + step]
            if histograms != nil { histograms?[step] = base.histogram(row, step) }
        }
        try output.add(values, histograms: histograms, labels: labels, dropsName: base.dropsName[row])
    }
}
