import ArgumentParser
import ConfigTree
import MetricModel
import Promenade
import Simulation
import Web

/// `simulate FILE…`
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run scenarios on a simulated clock and judge what they expect.",
        discussion: """
            A scenario describes services, batches and what goes wrong (docs/simulation.md). The same file and seed give \
            the same events, samples and verdicts, to the byte. Exits with 0 where all expectations are met, 1 where one \
            is not, 2 where a file is wrong.
            """
    )

    @Argument(help: "The scenarios.")
    var files: [String] = []

    @Option(help: "What all chance follows from, in place of the scenario's.")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "The folder to keep the database in, for promenade run --storage.path or sql.",
            valueName: "dir"
        )
    )
    var out: String?

    @Option(help: ArgumentHelp("How far to go, such as 5m16s.", valueName: "time"))
    var until: String?

    @Option(
        name: .customLong("set"),
        parsing: .singleValue,
        help: ArgumentHelp("Change the scenario: scrape_interval=30s. May be repeated.", valueName: "name=value")
    )
    var settings: [String] = []

    @Flag(help: "Serve the world: all pages on the simulated clock. With --until it stands still there.")
    var serve = false

    @Option(help: ArgumentHelp("Simulated seconds in a second, for --serve.", valueName: "factor"))
    var speed = 1.0

    @Option(help: ArgumentHelp("Where the Prometheus server listens, for --serve.", valueName: "address"))
    var listen = "localhost:9090"

    @Option(
        help: ArgumentHelp(
            "Where the Pushgateway listens, for --serve and scenarios with sockets.",
            valueName: "address"
        )
    )
    var listenPushgateway = "localhost:9091"

    @Option(help: ArgumentHelp("Where the demo server listens, for --serve.", valueName: "address"))
    var listenDemo = "localhost:8080"

    @Flag(help: "Do not print the event log.")
    var quiet = false

    @Flag(help: "Tell every scrape in the event log.")
    var scrapes = false

    @Option(help: ArgumentHelp("Write a JUnit report.", valueName: "file"))
    var junit: String?

    @Flag(help: "Print the verdicts as TAP.")
    var tap = false

    @Flag(help: "Print events and verdicts as JSON, one object a line.")
    var json = false

    @Option(
        help: ArgumentHelp("Run many worlds, such as 1..1000: which fail, and how alerts do.", valueName: "from..to")
    )
    var seeds: String?

    @Option(help: "How many worlds run at a time.")
    var jobs = 1

    @Option(help: ArgumentHelp("Write the picture of a study.", valueName: "file"))
    var svg: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("The same world seen by other stacks, side by side: A.yml B.yml.", valueName: "file")
    )
    var compare: [String] = []

    @Flag(help: "Run random worlds that test the stack itself: nothing acknowledged is lost, whatever goes wrong.")
    var selfTest = false

    func validate() throws {
        if files.isEmpty, !selfTest { throw ValidationError("which scenario? promenade simulate FILE…") }
        if selfTest, !files.isEmpty { throw ValidationError("--self-test makes its worlds itself: it takes no files") }
    }

    func run() async throws {
        if selfTest { return try await testItself(try seedRange(1)) }
        var end = Int64.max
        if let until {
            guard let span = try? PrometheusDuration(parsing: until) else {
                Complaint.write("--until: \(GoText.quoted(until)) is not a time such as 5m16s")
                throw ExitCode(2)
            }
            end = span.nanoseconds
        }
        let scenarios = try files.map(read)
        if out != nil, scenarios.count > 1 || seeds != nil || !compare.isEmpty {
            Complaint.write("--out keeps the database of one world")
            throw ExitCode(2)
        }
        if serve { return try await serve(scenarios, until: end) }
        if !compare.isEmpty || seeds != nil { return try await study(scenarios, until: end) }
        var reports: [WorldReport] = []
        for scenario in scenarios { reports.append(try await simulate(scenario, until: end)) }
        if tap { Console.print(WorldReport.tap(reports)) }
        if let junit { try Console.save(WorldReport.junit(reports), to: junit) }
        if !reports.allSatisfy(\.isGood) { throw ExitCode(1) }
    }

    private func read(_ file: String) throws -> Scenario { try read(file, stack: nil) }

    func read(_ file: String, stack: String?) throws -> Scenario {
        do throws(ConfigError) {
            return try ScenarioFile.read(file, settings: settings, stack: stack)
        } catch {
            Complaint.remark(error.description)
            throw ExitCode(2)
        }
    }

    private func simulate(_ scenario: Scenario, until end: Int64) async throws -> WorldReport {
        var options = World.Options(seed: seed ?? scenario.seed)
        options.until = end
        options.tellsScrapes = scrapes
        if let out { options.keeping = .folder(out) }
        if scenario.hasSockets {
            do throws(ListenAddressError) {
                options.gatewayAddress = try ListenAddress(parsing: listenPushgateway)
            } catch {
                Complaint.write(error.message)
                throw ExitCode(2)
            }
        }
        let (settled, isQuiet, isJSON) = (options, quiet || tap, json)
        // Where events are printed they show how far it is.
        let isShown = isQuiet && Console.isTerminal(2)
        let arguments = settings.map { "--set \($0)" }
        do {
            let report = try await WorldThread.run {
                let world = try await World(scenario, settled)
                world.keepsLog = false
                if !isQuiet {
                    let start = scenario.start
                    world.observe = {
                        Console.print(isJSON ? $0.json(start: start) + "\n" : $0.line(start: start) + "\n")
                    }
                }
                try await world.begin()
                if isShown {
                    let whole = min(scenario.duration, end)
                    for share in Int64(1)..<100 {
                        try await world.run(until: whole / 100 * share)
                        Console.complain("\r\(share)%")
                    }
                    Console.complain("\r\u{1b}[K")
                }
                try await world.run()
                try await world.stack.close()
                var report = WorldReport(world)
                report.arguments = arguments
                return report
            }
            if json { Console.print(report.json + "\n") } else if !tap { Console.print(report.text) }
            return report
        } catch let error as ConfigError {
            Complaint.remark(error.description)
            throw ExitCode(2)
        } catch let error as StackError {
            Complaint.write(error.description)
            throw ExitCode(2)
        } catch let error as WebServerError {
            Complaint.write(error.description)
            throw ExitCode(1)
        }
    }
}
