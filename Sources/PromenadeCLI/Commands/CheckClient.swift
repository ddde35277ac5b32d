import ArgumentParser
import Promenade

/// `check client`: holds a client library to the specifications.
struct CheckClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Hold a client library to the specifications: what it exposes, and what it pushes.",
        discussion: """
            --scrape asks the endpoint in some 25 ways: formats, escaping, compression, HEAD, repeated and concurrent scrapes.
            --push-command runs a command with PUSHGATEWAY_URL (and PUSHGATEWAY_ADDRESS, host and port alone) set to a \
            Pushgateway of its own, and judges what arrives; {url} and {address} in the command are replaced.

            Exit codes: 0 nothing failed (there may be warnings); 1 something failed; 2 wrong arguments.
            """
    )

    /// How the report is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, junit, tap
    }

    @Option(help: ArgumentHelp("The endpoint to scrape; http:// and /metrics are added.", valueName: "url"))
    var scrape: String?

    @Option(name: .customLong("push-command"), help: ArgumentHelp("A shell command that pushes.", valueName: "cmd"))
    var pushCommand: String?

    @Option(help: "text, json, junit or tap.")
    var format = Format.text

    @Option(help: "The longest wait for an answer, and for the command, in seconds.")
    var timeout = 30

    func validate() throws {
        if scrape == nil, pushCommand == nil { throw ValidationError("give --scrape, --push-command or both") }
        if !(1...86_400).contains(timeout) { throw ValidationError("--timeout has to be at least 1 and at most 86400") }
    }

    func run() async throws {
        var findings: [ClientFinding] = []
        var subjects: [String] = []
        if let scrape {
            let url = ScrapeCommand.completed(scrape)
            subjects.append("scraping \(url)")
            findings += ScrapeConformance(await ClientProbing(url: url, seconds: timeout).answers()).findings
        }
        if let pushCommand {
            subjects.append("pushing with \(pushCommand)")
            do {
                findings += try await PushProbing(command: pushCommand, seconds: timeout).conformance().findings
            } catch {
                Complaint.write("\(error)")
                throw ExitCode(2)
            }
        }
        let report = ClientReport(subject: subjects.joined(separator: "; "), findings: findings)
        switch format {
        case .text: Console.print(report.text)
        case .json: Console.print(report.json)
        case .junit: Console.print(report.junit)
        case .tap: Console.print(report.tap)
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}
