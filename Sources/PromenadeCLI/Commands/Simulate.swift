import ArgumentParser
import ConfigTree
import MetricModel
import Promenade
import Simulation
import Synchronization
import TSDB
import Web

/// `simulate FILE…`
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run scenarios on a simulated clock and judge what they expect.",
        discussion: """
            A scenario describes services, batches and what goes wrong (docs/simulation.md). The same file and seed give \
            the same events, samples and verdicts, to the byte. Exits with 0 where all expectations are met, 1 where one \
            is not, 2 where a file is wrong or what is told cannot be written. What is not reached (with --until, or where it is ended before) does not count, and is told.
            --serve prints the verdicts when the end is reached, serves on, and exits so when it is ended.
            """
    )

    @Argument(help: "The scenarios.")
    var files: [String] = []

    @Option(help: "What all chance follows from, in place of the scenario's.")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "The folder to keep the database in, for \(ProgramName.called) run --storage.path or sql.",
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

    @Option(
        help: ArgumentHelp(
            "Another stack in place of the scenario's: a stack.yml, or a scenario that has one.",
            valueName: "file"
        )
    )
    var stack: String?

    @Option(
        help: ArgumentHelp(
            "Events that do not happen, by their numbers in the file from 0: 0,3..5.",
            valueName: "numbers"
        )
    )
    var leaveOut: String?

    @Flag(help: "Serve the world: all pages on the simulated clock. With --until it stands still there.")
    var serve = false

    @Option(help: ArgumentHelp("Simulated seconds in a second, for --serve (1).", valueName: "factor"))
    var speed: Double?

    @Option(
        help: ArgumentHelp(
            "Where the Prometheus server listens, for --serve (localhost:9090).",
            valueName: "address"
        )
    )
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "Where the Pushgateway listens, for --serve and scenarios with sockets (localhost:9091).",
            valueName: "address"
        )
    )
    var listenPushgateway: String?

    @Option(
        help: ArgumentHelp("Where the demo server listens, for --serve (localhost:8080).", valueName: "address")
    )
    var listenDemo: String?

    @Flag(help: "Print no event log, nor how far the worlds are.")
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

    @Option(help: "How many worlds of --seeds run at a time (1).")
    var jobs: Int?

    /// How many worlds run at a time.
    var workers: Int { jobs ?? 1 }

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
        if files.isEmpty, !selfTest { throw ValidationError("which scenario? \(ProgramName.called) simulate FILE…") }
        if selfTest, !files.isEmpty { throw ValidationError("--self-test makes its worlds itself: it takes no files") }
        if let twice = CommandTree.repeatedOption(in: CommandLine.arguments, except: ["--set", "--compare"]) {
            throw ValidationError("\(twice) is there twice: leave one of them out")
        }
    }

    /// What was given.
    var command: WorldCommand {
        var command = WorldCommand()
        (command.files, command.seed, command.seeds, command.until) = (files, seed, seeds, until)
        (command.settings, command.stack, command.leaveOut, command.compare) = (settings, stack, leaveOut, compare)
        (command.out, command.svg, command.junit, command.jobs, command.speed) = (out, svg, junit, jobs, speed)
        (command.listen, command.listenPushgateway, command.listenDemo) = (listen, listenPushgateway, listenDemo)
        (command.isServed, command.isQuiet, command.tellsScrapes) = (serve, quiet, scrapes)
        (command.isTAP, command.isJSON, command.isSelfTest) = (tap, json, selfTest)
        return command
    }

    func run() async throws {
        if workers < 1 { throw Self.refusal("--jobs: at least one world runs at a time") }
        if let reason = command.refusal { throw Self.refusal(reason) }
        if selfTest { return try await testItself(try seedRange(1)) }
        let scenarios = try files.map(read)
        let end = try end(of: scenarios)
        // What cannot be written is told before, not after all worlds have run.
        for path in [junit, svg].compactMap(\.self) where path != "-" {
            try Self.reporting { _ = try ReportFile(path) }
        }
        if let reason = command.refusal(of: scenarios) { throw Self.refusal(reason) }
        if serve { return try await serve(scenarios, until: end) }
        if !compare.isEmpty || seeds != nil { return try await study(scenarios, until: end) }
        var reports: [WorldReport] = []
        Interruption.begin()
        for scenario in scenarios where isBegun(scenario) {
            reports.append(try await simulate(scenario, until: end))
        }
        if tap { Console.show(WorldReport.tap(reports)) }
        if let junit { try Self.save(WorldReport.junit(reports), to: junit) }
        Interruption.endBySignal()
        if !reports.allSatisfy(\.isGood) { throw ExitCode(1) }
    }

    /// Whether worlds go on: not after a signal, nor where nobody can be told of them any more.
    static let goesOn: @Sendable () -> Bool = { Interruption.isQuiet && Console.failure == nil }

    /// Whether the worlds of a scenario are begun: not after a signal, which is told.
    func isBegun(_ scenario: Scenario) -> Bool {
        guard let name = Interruption.name else { return Console.failure == nil }
        Complaint.remark("\(scenario.name): not begun, as \(name) came before")
        return false
    }

    /// Where a Pushgateway listens that nobody has said anything of.
    static let gatewayAddress = "localhost:9091"

    /// Tells why a command cannot be carried out.
    static func refusal(_ words: String) -> ExitCode {
        Complaint.write(words)
        return ExitCode(2)
    }

    /// Writes a report; a place where none can be is a mistake of the command.
    static func save(_ text: String, to path: String) throws {
        try reporting { try Console.save(text, to: path) }
    }

    private static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ReportFile.Refusal {
            throw refusal(error.description)
        }
    }

    private func end(of scenarios: [Scenario]) throws -> Int64 {
        guard let until else { return .max }
        let end: Int64
        do throws(FlagError) {
            end = try TimeText.span(until, of: "--until", like: "5m16s").nanoseconds
        } catch {
            throw Self.refusal(error.message)
        }
        for scenario in scenarios where end > scenario.duration {
            let duration = PrometheusDuration(milliseconds: scenario.duration / 1_000_000)
            throw Self.refusal("--until: \(until) is after the end of \(scenario.file), which lasts \(duration)")
        }
        return end
    }

    /// The options of a world of a scenario.
    /// - Parameter stack: the file whose stack it has; `nil` for that of the command, or of the scenario.
    func options(_ scenario: Scenario, seed: UInt64, until end: Int64, stack: String? = nil) throws -> World.Options {
        var options = World.Options(seed: seed)
        options.until = end
        options.leftOut = try command.leftOut(of: scenario)
        options.arguments = arguments(settings, stack: stack ?? self.stack, leavingOut: leaveOut)
        return options
    }

    /// `1..1000`, or one seed.
    func seedRange(_ own: UInt64) throws -> ClosedRange<UInt64> {
        do throws(WorldCommand.Refusal) {
            return try command.seedRange(own)
        } catch {
            throw Self.refusal(error.words)
        }
    }

    /// What makes a world, for commands that open it again.
    func arguments(_ settings: [String], stack: String?, leavingOut numbers: String?) -> [String] {
        // The seed is named anyway.
        settings.filter { !$0.hasPrefix("seed=") }.flatMap { ["--set", $0] }
            + (stack.map { ["--stack", $0] } ?? [])
            + (numbers.map { ["--leave-out", $0] } ?? [])
    }

    /// Where only other stacks are seen, a setting need not reach the scenario's own.
    private func read(_ file: String) throws -> Scenario {
        try read(file, stack: stack ?? (compare.count > 1 ? compare[0] : nil))
    }

    /// Remarks that were made already.
    private static let told = Mutex<Set<String>>([])

    func read(_ file: String, stack: String?) throws -> Scenario {
        let command = command
        // What is wrong with the numbers is told when all is read.
        func leftOut(_ scenario: Scenario) -> Set<Int> { (try? command.leftOut(of: scenario)) ?? [] }
        do throws(ConfigError) {
            let scenario = try ScenarioFile.read(file, settings: settings, stack: stack, leavingOut: leftOut)
            for remark in scenario.remarks where Self.told.withLock({ $0.insert(remark).inserted }) {
                Complaint.remark(remark)
            }
            return scenario
        } catch {
            Complaint.remark(error.description)
            throw ExitCode(2)
        }
    }

    private func simulate(_ scenario: Scenario, until end: Int64) async throws -> WorldReport {
        var options = try options(scenario, seed: seed ?? scenario.seed, until: end)
        options.tellsScrapes = scrapes
        if let out { options.keeping = .folder(out) }
        if scenario.hasSockets {
            do throws(ListenAddressError) {
                options.gatewayAddress = try ListenAddress(parsing: listenPushgateway ?? Self.gatewayAddress)
            } catch {
                Complaint.write(error.message)
                throw ExitCode(2)
            }
        }
        let (settled, isQuiet, isJSON) = (options, quiet || tap, json)
        let progress = quiet ? nil : WorldLine(scenario, until: end)
        return try await told {
            let report = try await WorldThread.run {
                let world = try await World(scenario, settled)
                world.keepsLog = false
                if !isQuiet {
                    let start = scenario.start
                    world.observe = {
                        progress?.takeAway()
                        if isJSON {
                            Console.showJSON($0.json(start: start))
                        } else {
                            Console.show($0.line(start: start) + "\n")
                        }
                    }
                }
                do {
                    defer { progress?.takeAway() }
                    try await world.begin()
                    let isThere = try await world.run {
                        progress?.look(world.now)
                        return Self.goesOn()
                    }
                    if !isThere { try await world.cut() }
                } catch {
                    // Whatever happens: a database that is kept has to be whole.
                    try? await world.stack.close()
                    throw error
                }
                try await world.stack.close()
                return WorldReport(world)
            }
            if json { Console.showJSON(report.json) } else if !tap { Console.show(report.text) }
            if let name = Interruption.name { Self.tellCut(report, of: scenario, by: " by \(name)", out) }
            if let out { Self.tellRetention(out, scenario) }
            return report
        }
    }

    /// A world that lies long back is deleted by the server that it is shown with, unless that is told to keep it.
    static func tellRetention(_ folder: String, _ scenario: Scenario) {
        let retention = StoreOptions().retention ?? .max
        guard scenario.start < SystemClock().now.minus(retention) else { return }
        Complaint.remark(
            "\(ProgramName.called) run --storage.path=\(folder) --storage.tsdb.retention.time=100y shows it; by default what is older than "
                + "\(retention / 86_400_000) days is deleted"
        )
    }

    /// Does a part of it; what the files or the machine do not allow is told, and ends it.
    func told<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as ConfigError {
            Complaint.remark(error.description)
            throw ExitCode(2)
        } catch let error as StackError {
            Complaint.write(error.description)
            throw ExitCode(2)
        } catch let error as WebServerError {
            Complaint.write(error.description)
            throw ExitCode(2)
        }
    }
}
