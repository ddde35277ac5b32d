import Testing

/// Events that find done already what they do: one that undoes nothing is a mistake where that is certain from the file, the rest is told
/// in the log.
@Suite(.timeLimit(.minutes(5))) struct IdleEventTests {
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
            "shop-2 is not down by then",
            "shop-1 is; an event before it, such as {at: 5m, do: kill, service: shop, instance: 2}"
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
        "{at: 1m, do: kill, service: shop, for: 9m30s, every: 10m}\n{at: 50m, do: start, service: shop}",
        "{at: 1m, do: kill, service: shop, for: 1m, every: 3s}\n{at: 50m, do: start, service: shop}",
        "{at: 1m, do: kill, service: shop, for: 9m}\n{at: 5m, do: kill, service: shop, for: 9m}\n{at: 6m, do: kill, service: shop}",
        "{at: 1m, do: kill, service: shop, instance: 1}\n{at: 5m, do: kill, service: shop}",
        "{at: 1m, do: kill, service: shop, instance: 1}\n{at: 2m..4m, do: start, service: shop}\n{at: 3m, do: start, service: shop}",
        "{at: 1m, do: pause, batch: b, for: 9m}\n{at: 5m, do: pause, batch: b}\n{at: 20m, do: resume, batch: b}",
        "{at: 1m, do: pause, batch: b, for: 1m}\n{at: 3m, do: run, batch: b}\n{at: 5m, do: pause, batch: b}",
        "{at: 1m, do: scale, service: shop, instances: 4}\n{at: 5m, do: scale, service: shop, instances: 3}",
        "{at: 1m, do: fault, service: shop, fault: {status: 503, times: 2}}\n{at: 50m, do: heal, service: shop}",
        "{at: 1m, do: kill, service: shop, for: 1m..9m}\n{at: 5m, do: start, service: shop}",
        "{at: 1m, do: restart, part: prometheus, down: 9m}\n{at: 5m, do: start, part: prometheus}",
        "{at: 1m, do: kill, part: pushgateway}\n{at: 5m, do: start, part: pushgateway}",
        "{at: 1m, do: fault, target: shop-2, fault: refused}\n{at: 5m, do: heal, service: shop}",
        "{at: 1m, do: fault, service: shop, instance: 2, fault: refused}\n{at: 5m, do: heal, target: shop-2}",
        "{at: 1m, do: remote_write_outage}\n{at: 5m, do: heal, remote_write: true}",
        "{at: 1m, do: fault, pushes: true, fault: refused}\n{at: 5m, do: heal, pushes: true}",
        "{at: 1m, do: pause, batch: b}\n{at: 5m, do: resume, batch: b}",
        // What does once more what is done already undoes nothing.
        "{at: 1m, do: kill, service: shop, for: 9m}\n{at: 5m, do: kill, service: shop, instance: 2, for: 1m}",
        "{at: 1m, do: pause, batch: b}\n{at: 5m, do: run, batch: b}\n{at: 6m, do: pause, batch: b}",
        "{at: 1m, do: scale, service: shop, instances: 3}",
        "{at: 1m, do: scale, service: shop, instances: 2}\n{at: 5m, do: kill, service: shop, instance: 3}",
        "{at: 1m, do: kill, part: prometheus}\n{at: 5m, do: kill, part: prometheus}",
        // It may never come, and comes once.
        "{at: 50m..70m, do: kill, service: shop}", "{at: 3m, do: kill, service: shop, for: 5m, every: 24h}",
    ]

    @Test(arguments: useful) func `what may undo something is none`(_ events: String) {
        #expect(TestWorlds.problems(Self.text(events)).isEmpty)
    }

    /// Events of which the last one is judged though another one is wrong: that may have been what it undoes.
    static let open: [String] = [
        "{at: 1m, do: kil, service: shop}\n{at: 5m, do: start, service: shop}",
        "{at: 1m, do: kill, service: shp}\n{at: 5m, do: start, service: shop}",
        "{at: 1m, do: kill, service: shop, for: soon}\n{at: 5m, do: kill, service: shop}",
        "{at: 1m, do: scale, service: shop, instances: many}\n{at: 5m, do: kill, service: shop, instance: 4}",
        "{at: 1m, do: fault, service: shop, fault: refusd}\n{at: 5m, do: heal, service: shop}",
        "{at: 1m, do: pause, batch: d}\n{at: 5m, do: resume, batch: b}",
    ]

    @Test(arguments: open) func `nothing is said of what follows from another mistake`(_ events: String) {
        let problems = TestWorlds.problems(Self.text(events))
        #expect(problems.split(separator: "\n").count == 1 && !problems.contains("does nothing"), "\(problems)")
    }

    /// Events whose moments chance decides, and what the log tells of the last one.
    static let told: [(events: String, line: String)] = [
        (
            "{at: 1m..2m, do: kill, service: shop}\n{at: 5m, do: kill, service: shop, instance: 2}",
            "kill shop-2, which is down already"
        ),
        (
            "{at: 1m..2m, do: kill, service: shop, for: 9m}\n{at: 5m, do: kill, service: web}\n{at: 6m, do: kill, service: shop, instance: 2, for: 9m}",
            "kill shop-2 for 9m, which is down already"
        ),
        (
            "{at: 1m..2m, do: kill, service: shop, instance: 2}\n{at: 3m, do: restart, service: shop}\n{at: 5m, do: start, service: shop, instance: 2}",
            "start shop-2, which is not down"
        ),
        (
            "{at: 1m..2m, do: kill, service: shop, instance: 2}\n{at: 3m, do: restart, service: shop}\n{at: 5m, do: start, service: shop}",
            "start no instance of shop is down"
        ),
        (
            "{at: 1m..2m, do: kill, service: shop}\n{at: 5m, do: kill, service: shop, instance: any}",
            "kill no instance of shop is up"
        ),
        (
            "{at: 1m..2m, do: scale, service: shop, instances: 2}\n{at: 5m, do: restart, service: shop, instance: 3}",
            "restart no instance of shop is shop-3, as it has 2"
        ),
        (
            "{at: 1m..2m, do: scale, service: shop, instances: 2}\n{at: 5m, do: scale, service: shop, instances: 2}",
            "scale shop to 2, as before"
        ),
        (
            "{at: 1m..2m, do: kill, part: pushgateway}\n{at: 3m, do: restart, part: pushgateway}\n{at: 5m, do: start, part: pushgateway}",
            "pushgateway is there already"
        ),
        ("{at: 1m..2m, do: pause, batch: b}\n{at: 5m, do: pause, batch: b}", "pause b, which is paused already"),
        (
            "{at: 1m..2m, do: pause, batch: b}\n{at: 5m, do: run, batch: b}",
            "run b, which is paused, so it does not run"
        ),
        (
            "{at: 1m..2m, do: pause, batch: b}\n{at: 3m, do: resume, batch: b}\n{at: 5m, do: resume, batch: b}",
            "resume b, which is not paused"
        ),
        (
            "{at: 1m..2m, do: fault, service: shop, fault: refused}\n{at: 3m, do: heal, service: shop}\n{at: 5m, do: heal, service: shop, instance: 1}",
            "heal shop-1, where nothing goes wrong"
        ),
        (
            "{at: 1m, do: fault, service: shop, fault: {status: 503, times: 2}}\n{at: 5m, do: heal, service: shop, instance: 1}",
            "heal shop-1, where the fault is used up already"
        ),
        (
            "{at: 1m, do: fault, pushes: true, fault: {status: 503, times: 1}}\n{at: 9m, do: heal, pushes: true}",
            "heal pushes, where the fault is used up already"
        ),
        ("{at: 1m, do: pause, batch: b}\n{at: 1m, do: pause, batch: c}\n{at: 1m, do: wipe}", "wipe finds no group"),
        (
            "{at: 1m, do: set, service: shop, metric: a, value: 2}\n{at: 5m, do: set, service: shop, metric: a, value: 2}",
            "set shop a value 2, as before"
        ),
        ("{at: 5m, do: set, service: shop, metric: a, value: 1, for: 9m}", "set shop a value 1 for 9m, as before"),
        (
            "{at: 1m, do: skew, service: shop, by: 5s}\n{at: 5m, do: skew, service: shop, instance: 2, by: 5s}",
            "skew shop-2 by 5s, as before"
        ),
        (
            "{at: 5m, do: push, job: j, body: n 1, refused: true}",
            "though refused: true says that it is not taken"
        ),
        (
            "{at: 1m, do: fault, pushes: true, fault: truncated}\n{at: 5m, do: push, job: j, body: n 1}",
            "and its answer breaks off, which nobody looks at"
        ),
    ]

    @Test(arguments: told.indices) func `what changes nothing by chance is told in the log`(_ index: Int) async throws {
        let (events, line) = Self.told[index]
        let outcome = try await TestWorlds.run(
            Self.text(events).replacing("remote_write: [{url: \"http://far/w\"}]", with: "")
        )
        #expect(outcome.log.contains { $0.hasSuffix(line) }, "\(outcome.log.joined(separator: "\n"))")
    }
}
