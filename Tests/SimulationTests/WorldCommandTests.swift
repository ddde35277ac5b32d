import ConfigTree
import Promenade
import Simulation
import Testing

/// Options of the command: what would have no effect beside the others is refused before anything runs.
@Suite(.timeLimit(.minutes(5))) struct WorldCommandTests {
    /// The options, each as something is given by it.
    private static let options: [(name: String, give: @Sendable (inout WorldCommand) -> Void)] = [
        ("seed", { $0.seed = 4 }), ("seeds", { $0.seeds = "1..3" }), ("until", { $0.until = "5m" }),
        ("set", { $0.settings = ["scrape_interval=30s"] }), ("stack", { $0.stack = "a.yml" }),
        ("leave-out", { $0.leaveOut = "0" }), ("compare", { $0.compare = ["a.yml"] }), ("out", { $0.out = "x" }),
        ("svg", { $0.svg = "x.svg" }), ("junit", { $0.junit = "x.xml" }), ("jobs", { $0.jobs = 2 }),
        ("speed", { $0.speed = 2 }), ("listen", { $0.listen = ":1" }), ("listen-demo", { $0.listenDemo = ":1" }),
        ("listen-pushgateway", { $0.listenPushgateway = ":1" }), ("serve", { $0.isServed = true }),
        ("quiet", { $0.isQuiet = true }), ("scrapes", { $0.tellsScrapes = true }), ("tap", { $0.isTAP = true }),
        ("json", { $0.isJSON = true }), ("self-test", { $0.isSelfTest = true }),
    ]

    /// Of each option those that do not go with it.
    private static let contradictions: [String: Set<String>] = [
        "seed": ["seeds"],
        "seeds": ["seed", "out", "speed", "listen", "listen-demo", "listen-pushgateway", "serve", "scrapes"],
        "until": ["self-test"], "set": ["self-test"], "stack": ["self-test"], "leave-out": ["self-test"],
        "compare": [
            "out", "svg", "speed", "listen", "listen-demo", "listen-pushgateway", "serve", "scrapes", "self-test",
        ],
        "out": ["seeds", "compare", "self-test"], "junit": ["self-test"],
        "serve": ["seeds", "compare", "tap", "json", "self-test"],
        "quiet": ["scrapes"], "scrapes": ["seeds", "compare", "quiet", "tap", "self-test"],
        "tap": ["serve", "scrapes", "json", "self-test"], "json": ["serve", "tap", "self-test"],
        "self-test": [
            "until", "set", "stack", "leave-out", "compare", "serve", "out", "scrapes", "junit", "tap", "json",
            "listen-pushgateway",
        ],
        "listen-pushgateway": ["seeds", "compare", "self-test"],
    ]

    /// Options that mean something only beside another one.
    private static let needs = [
        "jobs": "seeds", "svg": "seeds", "speed": "serve", "listen": "serve", "listen-demo": "serve",
    ]

    @Test func `each two options are taken together or refused, whichever comes first`() {
        var wrong: [String] = []
        for one in Self.options {
            for other in Self.options where other.name != one.name {
                var command = WorldCommand()
                command.files = ["a.yml"]
                one.give(&command)
                other.give(&command)
                let names = [one.name, other.name]
                let isMissing = names.contains { name in Self.needs[name].map { !names.contains($0) } ?? false }
                let isRefused =
                    isMissing || Self.contradictions[one.name]?.contains(other.name) ?? false
                    || Self.contradictions[other.name]?.contains(one.name) ?? false
                if (command.refusal != nil) == isRefused { continue }
                wrong.append("--\(one.name) --\(other.name): \(command.refusal ?? "taken")")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    static let refused: [(told: String, give: @Sendable (inout WorldCommand) -> Void)] = [
        (
            "--set seed=… has no effect beside --seeds",
            {
                $0.seeds = "1..2"
                $0.settings = ["seed=4"]
            }
        ),
        (
            "--set seed=… has no effect beside --seed:",
            {
                $0.seed = 1
                $0.settings = ["seed=4"]
            }
        ),
        (
            "--stack has no effect beside two stacks",
            {
                $0.stack = "a.yml"
                $0.compare = ["b.yml", "c.yml"]
            }
        ),
        ("--compare names a stack twice", { $0.compare = ["b.yml", "b.yml"] }),
        (
            "--jobs has no effect on one world",
            {
                $0.compare = ["b.yml"]
                $0.jobs = 2
            }
        ),
        (
            "--svg and --junit name one file",
            {
                $0.seeds = "1..2"
                ($0.svg, $0.junit) = ("x", "x")
            }
        ),
        (
            "--out keeps the database of one world",
            {
                $0.files = ["a.yml", "b.yml"]
                $0.out = "x"
            }
        ),
        (
            "--serve shows one world",
            {
                $0.files = ["a.yml", "b.yml"]
                $0.isServed = true
            }
        ),
        (
            "--svg draws the study of one scenario",
            {
                $0.files = ["a.yml", "b.yml"]
                $0.seeds = "1..2"
                $0.svg = "x"
            }
        ),
    ]

    @Test(arguments: refused.indices) func `what contradicts itself is refused`(_ index: Int) {
        var command = WorldCommand()
        command.files = ["a.yml"]
        Self.refused[index].give(&command)
        #expect(command.refusal?.hasPrefix(Self.refused[index].told) ?? false, "\(command.refusal ?? "taken")")
    }

    private static func scenario(_ more: String, file: String = "test.yml") throws -> Scenario {
        let text = "duration: 10m\nservices: {shop: {instances: 2}}\n" + more
        return try ScenarioFile.read(text: Array(text.utf8), file: file)
    }

    private static let event = "events: [{at: 5m, do: kill, service: shop}]\n"
    private static let more = "events: [{at: 5m, do: kill, service: shop}, {at: 6m, do: start, service: shop}]\n"

    /// The scenarios, what is given, and what is told; empty for nothing.
    static let ofScenarios: [(scenarios: [String], told: String, give: @Sendable (inout WorldCommand) -> Void)] = [
        ([more, event], "--leave-out: \"1\" does not name events of 2.yml: it has 1", { $0.leaveOut = "1" }),
        ([event, more], "--leave-out: \"1\" does not name events of 1.yml: it has 1", { $0.leaveOut = "1" }),
        ([more, more], "", { $0.leaveOut = "0..1" }),
        ([more], "--leave-out: \"0,0\" names the event 0 twice", { $0.leaveOut = "0,0" }),
        ([more], "--leave-out: \"0..1,1\" names the event 1 twice", { $0.leaveOut = "0..1,1" }),
        ([more], "--leave-out: \"1..0\" does not name events", { $0.leaveOut = "1..0" }),
        ([more], "--leave-out: \"0,\" does not name events", { $0.leaveOut = "0," }),
        ([""], "--leave-out: \"0\" does not name events of 1.yml: it has 0", { $0.leaveOut = "0" }),
        (
            [event], "--svg draws a study, and there is none",
            {
                $0.seeds = "1..2"
                $0.svg = "x"
            }
        ),
        ([event], "--listen-pushgateway has no effect on a world without sockets", { $0.listenPushgateway = ":1" }),
        (["sockets: true"], "", { $0.listenPushgateway = ":1" }),
        (
            ["stack: {pushgateway: {enabled: false}}"],
            "--listen-pushgateway has no effect, as the stack has pushgateway",
            {
                $0.isServed = true
                $0.listenPushgateway = ":1"
            }
        ),
        (
            ["stack: {demo_server: {enabled: false}}"], "--listen-demo has no effect, as the stack has demo_server",
            {
                $0.isServed = true
                $0.listenDemo = ":1"
            }
        ),
        (
            [event], "",
            {
                $0.isServed = true
                ($0.listenDemo, $0.listenPushgateway) = (":1", ":2")
            }
        ),
    ]

    @Test(arguments: ofScenarios.indices)
    func `what does nothing for the scenarios is refused, all of them before one runs`(
        _ index: Int
    ) throws {
        let (texts, told, give) = Self.ofScenarios[index]
        let scenarios = try texts.enumerated().map { try Self.scenario($1, file: "\($0 + 1).yml") }
        var command = WorldCommand()
        give(&command)
        let refusal = command.refusal(of: scenarios) ?? ""
        #expect(told.isEmpty ? refusal.isEmpty : refusal.hasPrefix(told), "\(refusal)")
    }

    @Test func `a span of seeds is two numbers, or one`() throws {
        var command = WorldCommand()
        #expect(try command.seedRange(7) == 7...7)
        for (text, seeds) in [("3", 3...3), ("1..1000", 1...1000), ("0..9999999", 0...9_999_999)] {
            command.seeds = text
            #expect(try command.seedRange(7) == UInt64(seeds.lowerBound)...UInt64(seeds.upperBound))
        }
        for text in ["", "..", "1..", "..3", "1...3", "3..1", "1-3", "x", "-1..3", "0..10000000"] {
            command.seeds = text
            #expect(throws: WorldCommand.Refusal.self, "\(text)") { _ = try command.seedRange(7) }
        }
    }

    /// Settings, and what is told of them; empty for nothing.
    static let settings: [(settings: [String], left: Set<Int>, told: String)] = [
        (
            ["services.shop.instances=5", "services.shop.instances=3"], [],
            "changes nothing beside --set services.shop.instances=3"
        ),
        (
            ["services.shop.instances=5", "services.shop={instances: 3}"], [],
            "changes nothing beside --set services.shop={"
        ),
        (
            ["scrape_interval=30s", "stack.global.scrape_interval=20s"], [],
            "nothing beside --set stack.global.scrape_interval"
        ),
        (["services.shop={instances: 3}", "services.shop.instances=5"], [], ""),
        (["services.shop.instances=5", "scrape_interval=30s"], [], ""),
        (["events.0.at=6m"], [0], "changes nothing, as --leave-out leaves out the event 0"),
        (["events.0.at=6m"], [1], ""),
    ]

    @Test(arguments: settings.indices) func `a setting that another option takes back is refused`(_ index: Int) {
        let (settings, left, told) = Self.settings[index]
        let text = "duration: 10m\nservices: {shop: {instances: 2}}\n" + Self.more
        var problems = ""
        do throws(ConfigError) {
            _ = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml", settings: settings) { _ in left }
        } catch {
            problems = error.description
        }
        #expect(told.isEmpty ? problems.isEmpty : problems.contains(told), "\(problems)")
    }

    @Test func `settings that replace others leave the rest`() {
        let own = ["services.shop.instances=5", "scrape_interval=30s", "services.shop.metrics={}"]
        let all = ScenarioFile.settings(own, replacedBy: ["services.shop.instances=1"])
        #expect(all == ["scrape_interval=30s", "services.shop.metrics={}", "services.shop.instances=1"])
    }
}
