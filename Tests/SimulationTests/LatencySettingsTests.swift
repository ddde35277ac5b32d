import Simulation
import Testing

/// The median and the 99th percentile of a metric that several events set, for good and for a while.
@Suite(.timeLimit(.minutes(5))) struct LatencySettingsTests {
    /// What happens to a distribution of 1 s and 10 s: `m2` sets the median, `p5` the 99th percentile, `m2p5` both, for good; `a:m2` lets the
    /// event a do so for a while, and `/a` is its end. Behind `=` stands what is seen.
    static let courses: [String] = [
        // Alone, for good and for a while.
        "m2 =2,20", "p5 =1,5", "m2p5 =2,5", "a:m2 =2,20 /a =1,10", "a:p5 =1,5 /a =1,10", "a:m2p5 =2,5 /a =1,10",
        // For good during something that ends: what was said is what is seen, then and later.
        "a:m2p5 p6 =2,6 /a =1,6", "a:m2 p6 =2,6 /a =1,6", "a:p5 p6 =1,6 /a =1,6",
        "a:m2p5 m3 =3,5 /a =3,30", "a:m2 m3 =3,30 /a =3,30", "a:p5 m3 =3,5 /a =3,30",
        "a:m2p5 m3p9 =3,9 /a =3,9", "a:m2 m3p9 =3,9 /a =3,9", "a:p5 m3p9 =3,9 /a =3,9",
        // Twice for good: the proportion is that which is seen.
        "a:m2 p6 m4 =4,12 /a =4,12", "a:m2p5 p6 m4 =4,12 /a =4,12", "a:m2 m4 p6 =4,6 /a =4,6",
        "a:p5 p6 m2 =2,12 /a =2,12",
        // Overlapping: the last one is seen, and each ends by itself, the first before or after the second.
        "a:p5 b:p6 =1,6 /a =1,6 /b =1,10", "a:p5 b:p6 =1,6 /b =1,5 /a =1,10",
        "a:m2 b:m3 =3,30 /a =3,30 /b =1,10", "a:m2 b:m3 =3,30 /b =2,20 /a =1,10",
        "a:m2p5 b:m3p7 =3,7 /a =3,7 /b =1,10", "a:m2p5 b:m3p7 =3,7 /b =2,5 /a =1,10",
        "a:m2 b:p7 =2,7 /a =1,7 /b =1,10", "a:m2 b:p7 =2,7 /b =2,20 /a =1,10",
        "a:p7 b:m2 =2,7 /a =2,20 /b =1,10", "a:p7 b:m2 =2,7 /b =1,7 /a =1,10",
        "a:m2p5 b:m3 =3,5 /a =3,30 /b =1,10", "a:m2p5 b:m3 =3,5 /b =2,5 /a =1,10",
        "a:m2p5 b:p7 =2,7 /a =1,7 /b =1,10", "a:m2p5 b:p7 =2,7 /b =2,5 /a =1,10",
        // Something for good between two that overlap.
        "a:m2 p6 b:m4 =4,12 /a =4,12 /b =1,6", "a:m2 p6 b:m4 =4,12 /b =2,6 /a =1,6",
        "a:m2 b:m4 p6 =4,6 /b =2,6 /a =1,6", "a:m2p5 b:p7 p6 =2,6 /b =2,6 /a =1,6",
        "a:m2p5 b:p7 m3 =3,7 /b =3,5 /a =3,30",
        // Nested, and again.
        "a:m2p5 b:p6 c:m4 =4,6 /c =2,6 /b =2,5 /a =1,10 a:m2 =2,20 /a =1,10",
        // What is over already ends nothing.
        "a:m2p5 m3p9 b:p8 /a =3,8 /b =3,9",
    ]

    @Test(arguments: courses) func `what is covered is there again, and nothing is seen that nobody wrote`(
        _ course: String
    ) {
        var settings = LatencySettings(LatencyDistribution(median: 1, p99: 10))
        for word in course.split(separator: " ") {
            if word.hasPrefix("=") {
                let (median, p99) = (settings.seen.median, settings.seen.p99)
                let seen = "\(Int((median * 1000).rounded())),\(Int((p99 * 1000).rounded()))"
                let wanted = word.dropFirst().split(separator: ",").map { "\((Int($0) ?? 0) * 1000)" }.joined(
                    separator: ","
                )
                #expect(seen == wanted, "\(course) at \(word)")
                continue
            }
            func number(_ name: Substring?) -> Int { Int(name?.utf8.first ?? 0) }
            if word.hasPrefix("/") {
                settings.end(number(word.dropFirst()))
                continue
            }
            let parts = word.split(separator: ":")
            let values = parts[parts.count - 1].split(separator: "p", omittingEmptySubsequences: false)
            let median = values[0].isEmpty ? nil : Double(values[0].dropFirst())
            let p99 = values.count > 1 ? Double(values[1]) : nil
            settings.set(
                median: median,
                p99: p99,
                by: number(parts.count > 1 ? parts[0] : nil),
                isForGood: parts.count == 1
            )
        }
    }

    /// All orders of up to four words: a 99th percentile that is set is seen until somebody says something else.
    @Test func `a percentile that is set for good is seen as it was set`() {
        let words: [(median: Double?, p99: Double?)] = [(2, nil), (nil, 50), (3, 60)]
        var count = 0
        func go(_ settings: LatencySettings, _ events: [Int], _ depth: Int) {
            if depth == 0 { return }
            for (median, p99) in words {
                for isForGood in [false, true] {
                    var next = settings
                    let event = depth * 10
                    next.set(median: median, p99: p99, by: event, isForGood: isForGood)
                    count += 1
                    if let median { #expect(next.median == median) }
                    if let p99 { #expect(next.p99.value == p99) }
                    #expect(next.seen.p99 >= next.seen.median)
                    let others = isForGood ? events : events + [event]
                    for end in others {
                        var ended = next
                        ended.end(end)
                        if isForGood, let p99 { #expect(ended.p99.value == p99, "\(end)") }
                        if isForGood, let median { #expect(ended.median == median, "\(end)") }
                        go(ended, others.filter { $0 != end }, depth - 1)
                    }
                    go(next, others, depth - 1)
                }
            }
        }
        go(LatencySettings(LatencyDistribution(median: 1, p99: 10)), [], 4)
        #expect(count > 1000)
    }
}
