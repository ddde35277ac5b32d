import Testing

/// Events that undo others where there is nothing to undo.
@Suite(.timeLimit(.minutes(5))) struct OppositeTests {
    private static func text(_ events: String) -> String {
        """
        duration: 1h
        stack: {remote_write: [{url: "http://far/w"}]}
        services: {shop: {instances: 3, metrics: {a: {type: gauge, value: 1}}}, web: {metrics: {a: {type: gauge, value: 1}}}}
        batches: {b: {every: 2m, metrics: {m: {type: gauge, value: took}}}, c: {every: 2m, metrics: {m: {type: gauge, value: took}}}}
        events:
        \(events.split(separator: "\n").map { "  - \($0)\n" }.joined())
        """
    }

    /// Events of which the last one does nothing, and what is told of it.
    static let idle: [(events: String, words: String, hint: String)] = [
        (
            "{at: 5m, do: start, service: shop}", "no instance of shop is down by then",
            "{at: 5m, do: kill, service: shop}"
        ),
        (
            "{at: 5m, do: start, part: prometheus}", "the part prometheus is not down by then",
            "do: kill, part: prometheus"
        ),
        ("{at: 5m, do: resume, batch: b}", "b is not paused by then", "do: pause, batch: b"),
        ("{at: 5m, do: heal, service: shop}", "no scrape of shop goes wrong by then", "do: fault, service: shop"),
        ("{at: 5m, do: heal, target: shop-1}", "no scrape of shop-1 goes wrong by then", "do: fault, target: shop-1"),
        ("{at: 5m, do: heal, pushes: true}", "no push goes wrong by then", "do: fault, pushes: true"),
        ("{at: 5m, do: heal, remote_write: true}", "nothing that is sent goes wrong by then", "remote_write_outage"),
        // Of another instance, service, part, batch or place.
        (
            "{at: 1m, do: kill, service: shop, instance: 1}\n{at: 5m, do: start, service: shop, instance: 2}",
            "no instance", "kill"
        ),
        ("{at: 1m, do: kill, service: web}\n{at: 5m, do: start, service: shop}", "no instance of shop", "kill"),
        (
            "{at: 1m, do: kill, part: pushgateway}\n{at: 5m, do: start, part: prometheus}", "prometheus is not down",
            "kill"
        ),
        ("{at: 1m, do: pause, batch: c}\n{at: 5m, do: resume, batch: b}", "b is not paused", "pause"),
        ("{at: 1m, do: fault, pushes: true, fault: refused}\n{at: 5m, do: heal, service: shop}", "no scrape", "fault"),
        (
            "{at: 1m, do: fault, target: shop-2, fault: refused}\n{at: 5m, do: heal, service: shop, instance: 1}",
            "no scrape", "fault"
        ),
        // Too late, or over by then.
        (
            "{at: 9m, do: kill, service: shop}\n{at: 5m, do: start, service: shop}", "no instance",
            "after the kill of line 6"
        ),
        (
            "{at: 5m, do: start, service: web}\n{at: 5m, do: kill, service: web}", "no instance",
            "after the kill of line 7"
        ),
        (
            "{at: 1m, do: kill, service: shop, for: 1m..2m}\n{at: 5m, do: start, service: shop}", "no instance",
            "ends by itself (for)"
        ),
        (
            "{at: 1m, do: restart, part: prometheus, down: 1m}\n{at: 5m, do: start, part: prometheus}", "not down",
            "ends by itself"
        ),
    ]

    @Test(arguments: idle.indices) func `what undoes nothing is a mistake`(_ index: Int) {
        let (events, words, hint) = Self.idle[index]
        let problems = TestWorlds.problems(Self.text(events))
        #expect(
            problems.contains(words) && problems.contains("so it does nothing") && problems.contains(hint),
            "\(problems)"
        )
        #expect(problems.split(separator: "\n").count == 1 && problems.contains(": events["), "\(problems)")
    }

    static let useful: [String] = [
        "{at: 1m, do: kill, service: shop, instance: any}\n{at: 5m, do: start, service: shop, instance: 2}",
        "{at: 5m, do: kill, service: shop}\n{at: 5m, do: start, service: shop}",
        "{at: 1m..9m, do: kill, service: shop}\n{at: 2m, do: start, service: shop}",
        "{at: 9m, do: kill, service: shop}\n{at: 5m, do: start, service: shop, every: 10m}",
        "{at: 1m, do: kill, service: shop, for: 1m, every: 10m}\n{at: 50m, do: start, service: shop}",
        "{at: 1m, do: kill, service: shop, for: 1m..9m}\n{at: 5m, do: start, service: shop}",
        "{at: 1m, do: restart, part: prometheus, down: 9m}\n{at: 5m, do: start, part: prometheus}",
        "{at: 1m, do: kill, part: pushgateway}\n{at: 5m, do: start, part: pushgateway}",
        "{at: 1m, do: fault, target: shop-2, fault: refused}\n{at: 5m, do: heal, service: shop}",
        "{at: 1m, do: fault, service: shop, instance: 2, fault: refused}\n{at: 5m, do: heal, target: shop-2}",
        "{at: 1m, do: remote_write_outage}\n{at: 5m, do: heal, remote_write: true}",
        "{at: 1m, do: fault, pushes: true, fault: refused}\n{at: 5m, do: heal, pushes: true}",
        "{at: 1m, do: pause, batch: b}\n{at: 5m, do: resume, batch: b}",
    ]

    @Test(arguments: useful) func `what may undo something is none`(_ events: String) {
        #expect(TestWorlds.problems(Self.text(events)).isEmpty)
    }
}
