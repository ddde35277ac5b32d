import MetricModel
import Scrape
import Testing

/// The cache of a target's series as scripts: a scrape a line, what goes to the store behind it.
@Suite(.timeLimit(.minutes(5))) struct ScrapeCacheTests {
    /// How a scrape goes on after its body.
    enum Ending {
        /// It is stored.
        case stored
        /// The body ends in a mistake.
        case broken
        /// The store names no new series.
        case unnamed
        /// The store takes nothing.
        case lost
        /// The store takes all but the first sample.
        case rejected(AppendReport.Rejection)
    }

    /// A script: bodies of series with a letter each (a capital is dropped by relabelling, `h` has a histogram), and what comes of
    /// it: `+` what the store is asked to name, the samples, `-` the stale markers.
    static let scripts: [(title: String, steps: [(body: String, ending: Ending, result: String)])] = [
        (
            "series come and go",
            [
                ("ab", .stored, "+ab ab"), ("ab", .stored, "ab"), ("b", .stored, "b -a"), ("b", .stored, "b"),
                ("ba", .stored, "ba"), ("", .stored, "-ab"), ("ab", .stored, "ab"),
            ]
        ),
        ("the order may change", [("abc", .stored, "+abc abc"), ("cab", .stored, "cab"), ("cab", .stored, "cab")]),
        ("what is dropped is not asked for", [("aX", .stored, "+a a"), ("aX", .stored, "a"), ("X", .stored, "-a")]),
        (
            "a broken body marks what it had not",
            [("ab", .stored, "+ab ab"), ("a", .broken, "-b"), ("ab", .stored, "ab"), ("ab", .stored, "ab")]
        ),
        (
            "what could not be named does not take the place of what was there",
            [
                ("a", .stored, "+a a"), ("b", .unnamed, "+b -a"), ("b", .stored, "+b b"), ("b", .stored, "b"),
                ("a", .stored, "a -b"),
            ]
        ),
        (
            "the first scrape is not named",
            [("ab", .unnamed, "+ab"), ("ab", .stored, "+ab ab"), ("ab", .stored, "ab")]
        ),
        (
            "markers that were lost are owed",
            [("ab", .stored, "+ab ab"), ("b", .lost, "b -a"), ("b", .stored, "b -a"), ("b", .stored, "b")]
        ),
        (
            "nothing is owed to what is back",
            [("ab", .stored, "+ab ab"), ("b", .lost, "b -a"), ("ab", .stored, "ab"), ("ab", .stored, "ab")]
        ),
        (
            "what the store has forgotten is named anew",
            [
                ("ab", .stored, "+ab ab"), ("ab", .rejected(.unknownSeries), "ab"), ("ab", .stored, "+a ab"),
                ("ab", .stored, "ab"),
            ]
        ),
        (
            "a histogram that the store has forgotten, too",
            [
                ("h", .stored, "+h h"), ("h", .rejected(.unknownSeries), "h"), ("h", .stored, "+h h"),
                ("h", .stored, "h"),
            ]
        ),
        (
            "what was refused gets no marker",
            [
                ("ab", .stored, "+ab ab"), ("ab", .rejected(.outOfOrder), "ab"), ("", .stored, "-b"),
            ]
        ),
        (
            "a histogram that was refused, neither",
            [("hb", .stored, "+bh bh"), ("hb", .rejected(.duplicate), "bh"), ("", .stored, "-b")]
        ),
    ]

    @Test(arguments: scripts.indices) func script(_ index: Int) {
        let script = Self.scripts[index]
        var target = Target()
        for (number, step) in script.steps.enumerated() {
            let result = target.scrape(step.body, step.ending)
            #expect(result == step.result, "\(script.title), scrape \(number + 1)")
        }
    }

    @Test func seriesThatDoNotComeBackAreForgotten() {
        let cache = ScrapeCache()
        var closing = ScrapeCache.Closing()
        for scrape in 0..<3 {
            var order = ScrapeOrder()
            var slots: [Int] = []
            for index in 0..<(scrape == 0 ? 3000 : 1) {
                let key = Array("s\(index)".utf8)
                key.withUnsafeBytes { bytes in
                    let known = cache.slot(of: bytes)
                    let standing = cache.meet(known)
                    #expect(standing == (scrape == 0 ? .unknown : .live))
                    let slot = known ?? cache.take(bytes, known: known, labels: [:])
                    cache.track(slot)
                    order.add(lead: bytes, slot: slot, flags: ScrapeOrder.tracked)
                    slots.append(slot)
                }
            }
            cache.name(slots, slots.map { SeriesRef(rawValue: UInt32($0)) })
            cache.readAnew(order)
            cache.complete(slots.map(cache.reference))
            closing = cache.close(.stored(AppendReport()))
            #expect(closing.released.count == (scrape == 1 ? 2999 : 0) && !closing.wasForced)
        }
        #expect(cache.count == 1 && cache.references.count == 1)
    }
}

/// A target that is scraped, with a store that gives a series its letter as its number.
private struct Target {
    let cache = ScrapeCache()

    mutating func scrape(_ body: String, _ ending: ScrapeCacheTests.Ending) -> String {
        var isBroken = false
        if case .broken = ending { isBroken = true }
        var read = ScrapeCache.ReadSlots()
        var batch = SampleBatch(timestamp: 0)
        var asked = ""
        var isNamed = true
        if !isBroken, cache.isGuessable, cache.order.leads == Array(body.utf8) {
            cache.readAsBefore()
            batch.series = cache.orderedSeries
            if body.contains("h") { addHistogram(Int(Character("h").asciiValue ?? 0), &batch) }
        } else if !body.isEmpty {
            let order = readAnew(body, &read)
            if !isBroken { cache.readAnew(order) }
        }
        if !body.isEmpty, !isBroken {
            let wanted = cache.unnamed(in: read.samples + read.histograms)
            asked = wanted.map(\.labels.name).joined()
            if case .unnamed = ending, !wanted.isEmpty {
                isNamed = false
            } else {
                cache.name(
                    wanted.map(\.slot),
                    wanted.map { SeriesRef(rawValue: UInt32($0.labels.name.utf8.first ?? 0)) }
                )
                batch.series += read.samples.map(cache.reference)
                for slot in read.histograms { addHistogram(Int(cache.reference(of: slot).rawValue), &batch) }
            }
        }
        if body.isEmpty || isBroken || !isNamed {
            cache.fail()
            batch = SampleBatch(timestamp: 0)
        } else {
            cache.complete(batch.series)
        }
        let stored = text(batch.series + batch.histograms.map(\.series))
        let markers = text(cache.markers(besides: batch).sorted { $0.rawValue < $1.rawValue })
        _ = cache.close(fate(ending, batch), read: read)
        let parts = [asked.isEmpty ? "" : "+" + asked, stored, markers.isEmpty ? "" : "-" + markers]
        return parts.filter { !$0.isEmpty }.joined(separator: " ")
    }

    private func readAnew(_ body: String, _ read: inout ScrapeCache.ReadSlots) -> ScrapeOrder {
        cache.leaveOrder(after: ScrapeOrder())
        var order = ScrapeOrder()
        for letter in body {
            Array(String(letter).utf8).withUnsafeBytes { key in
                let known = cache.slot(of: key)
                let standing = cache.meet(known)
                if letter.isUppercase {
                    let slot = standing == .dropped ? known ?? -1 : cache.drop(key, known: known)
                    return order.add(lead: key, slot: slot, flags: ScrapeOrder.dropped)
                }
                let labels: Labels? = standing == .unknown ? ["__name__": String(letter)] : nil
                let slot = standing == .live ? known ?? -1 : cache.take(key, known: known, labels: labels)
                cache.track(slot)
                let flags = ScrapeOrder.tracked | (letter == "h" ? ScrapeOrder.histogram : 0)
                order.add(lead: key, slot: slot, flags: flags)
                if letter == "h" { read.histograms.append(slot) } else { read.samples.append(slot) }
            }
        }
        return order
    }

    private func addHistogram(_ reference: Int, _ batch: inout SampleBatch) {
        batch.histograms.append(
            .init(series: SeriesRef(rawValue: UInt32(reference)), timestamp: 0, histogram: NativeHistogram())
        )
    }

    private func fate(_ ending: ScrapeCacheTests.Ending, _ batch: SampleBatch) -> ScrapeCache.Fate {
        switch ending {
        case .stored, .broken, .unnamed: return .stored(AppendReport())
        case .lost: return .lost
        case .rejected(let reason):
            var report = AppendReport()
            if batch.histograms.isEmpty {
                report.rejected = [(0, reason)]
            } else {
                report.rejectedHistograms = [(0, reason)]
            }
            return .stored(report)
        }
    }

    private func text(_ series: [SeriesRef]) -> String {
        String(decoding: series.map { UInt8(truncatingIfNeeded: $0.rawValue) }, as: UTF8.self)
    }
}
