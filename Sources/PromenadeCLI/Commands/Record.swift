import ArgumentParser
import MetricModel
import Promenade
import Simulation
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `record`: what a running stack scrapes and what is pushed to it becomes a scenario.
struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record what a running stack scrapes and receives, as a scenario that gives the same samples.",
        discussion: """
            Writes scenario.yml, stack.yml, rules/, recording.jsonl and the bodies. \(ProgramName.called) simulate DIR/scenario.yml lets it happen \
            again, with --set scrape_interval=30s or other rules if wanted. Headers and parts of URLs that may hold credentials \
            are not recorded. Bodies of more than 512 KiB are recorded as far as the stack shows them. What is there already \
            is not overwritten.

            Ctrl-C ends it earlier; what there is by then is kept. Once more ends it at once.

            Exit codes: 0 recorded; 1 the stack cannot be asked (any more), or scrapes were missed; 2 wrong arguments.
            """
    )

    @Option(help: "The Prometheus server of the stack.")
    var url = "http://localhost:9090"

    @Option(help: "Its Pushgateway; none where it is empty.")
    var pushgateway = "http://localhost:9091"

    @Option(name: .customLong("for"), help: ArgumentHelp("How long.", valueName: "time"))
    var span = "5m"

    @Option(help: ArgumentHelp("The folder for the scenario.", valueName: "dir"))
    var out: String

    /// So many milliseconds the stack may take to tell the last of it.
    private static let lastLook: Int64 = 10_000

    func run() async throws {
        let span: PrometheusDuration
        do throws(FlagError) {
            span = try TimeText.span(self.span, of: "--for", like: "5m", least: 1)
        } catch {
            Complaint.write(error.message)
            throw ExitCode(2)
        }
        let clock = SystemClock()
        var recorder = RecordingClient(url: Self.trimmed(url), pushgateway: Self.trimmed(pushgateway))
        let start = clock.now
        var end: Timestamp?
        var isWhole = true
        do {
            try await recorder.begin(at: start)
        } catch {
            Complaint.write("there is no stack to be recorded: \(error)")
            throw ExitCode(1)
        }
        if let file = known(recorder.rules) {
            Complaint.write("\(file) is there already and would be overwritten; remove it or name another folder")
            throw ExitCode(2)
        }
        // What cannot be written is told before, not after the time is over; where nobody answers no folder is left behind.
        let folders = [out, out + "/bodies", out + "/rules"]
        guard folders.allSatisfy({ FileAccess.createFolder($0) }) else {
            Complaint.write("cannot write to the folder \(out): \(String(cString: strerror(errno)).lowercased())")
            throw ExitCode(2)
        }
        do {
            // Whoever has had enough of it gets what there is.
            Interruption.begin()
            let last = start + span.milliseconds
            let goesOn: @Sendable () -> Bool = { Interruption.isQuiet && clock.now < last }
            recorder.goesOn = goesOn
            while goesOn() {
                try await clock.sleep(milliseconds: min(RecordingClient.pause, last - clock.now))
                do {
                    try await recorder.look()
                } catch _ where !goesOn() {
                    // It was not waited for any longer.
                }
            }
            // Scrapes that have begun by now are told of when they are over.
            end = clock.now
            try await clock.sleep(milliseconds: RecordingClient.pause)
            let begun = clock.now
            recorder.goesOn = { clock.now < begun + Self.lastLook }
            try await recorder.look()
        } catch {
            Complaint.write("\(url) cannot be recorded: \(error)")
            if recorder.recording.scrapes.isEmpty, recorder.recording.pushes.isEmpty { throw ExitCode(1) }
            isWhole = false
        }
        try write(recorder, from: start, to: end ?? clock.now)
        if recorder.missed > 0 {
            Complaint.write("\(recorder.missed) scrapes or pushes came faster than they could be read, and are missing")
        }
        if recorder.missed > 0 || !isWhole { throw ExitCode(1) }
    }

    /// The first of the files to be written that is there already. Of the bodies the first one is in any recording that has some.
    private func known(_ rules: [RecordedRules.File]) -> String? {
        let names = ["scenario.yml", "stack.yml", "recording.jsonl", "bodies/1"] + rules.map(\.name)
        return names.map { out + "/" + $0 }.first(where: FileAccess.exists)
    }

    private static func trimmed(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }

    private func write(_ recorder: RecordingClient, from start: Timestamp, to end: Timestamp) throws {
        let recording = recorder.recording
        let (index, bodies) = recording.files()
        let name = "\(url) at \(WorldEvent.moment(start))"
        let scenario = recording.scenario(
            name: name,
            start: start,
            end: end,
            stack: "stack.yml",
            index: "recording.jsonl"
        )
        try Console.save(scenario, to: out + "/scenario.yml")
        try Console.save(recorder.config, to: out + "/stack.yml")
        for file in recorder.rules { try Console.save(file.text, to: out + "/" + file.name) }
        try Console.save(index, to: out + "/recording.jsonl")
        for body in bodies {
            guard FileAccess.write(body.bytes, to: out + "/" + body.name) else {
                throw ReportFile.Refusal(out + "/" + body.name)
            }
        }
        Console.print(
            "\(recording.scrapes.count) scrapes and \(recording.pushes.count) pushes, \(bodies.count) different bodies\n"
                + "again: \(ProgramName.called) simulate \(out)/scenario.yml\n"
        )
        if recording.scrapes.isEmpty, recording.pushes.isEmpty {
            Complaint.write(
                "nothing was scraped or pushed meanwhile, so there is nothing to happen again: is there a target that is up, "
                    + "and is --for longer than scrape_interval?"
            )
        }
    }
}
