import ArgumentParser
import Exposition
import MetricModel
import NIOCore
import Promenade
import Scrape

/// `scrape URL`: looks at a target through Prometheus's eyes.
struct ScrapeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scrape",
        abstract:
            "Scrape a target once, as Prometheus would: headers, format, series, time, and what a strict reader says.",
        discussion: """
            http:// and /metrics are added where they are missing.

            Exit codes: 0 scraped; 1 Prometheus's scrape would fail, or the body violates its format; 2 wrong arguments.
            """
    )

    @Option(help: "The longest wait.")
    var timeout = "10s"

    @Flag(help: "Ask for protobuf first, as with native histograms.")
    var protobuf = false

    @Option(help: "Another Accept header.")
    var accept: String?

    @Flag(name: .customLong("no-compression"), help: "Do not ask for gzip.")
    var isPlain = false

    @Flag(inversion: .prefixedNo, help: "Print the series.")
    var series = true

    @Flag(inversion: .prefixedNo, help: "Check the body to the letter and against the conventions.")
    var lint = true

    @Argument(help: "The target.")
    var url: String

    func run() async throws {
        var config = ScrapeConfig(jobName: "scrape")
        do throws(PrometheusDurationError) {
            config.scrapeTimeout = try PrometheusDuration(parsing: timeout)
        } catch {
            Complaint.write("\(error)")
            throw ExitCode(2)
        }
        if protobuf {
            config.scrapeProtocols = ScrapeProtocol.protobufFirst
            config.scrapeNativeHistograms = true
        }
        config.enableCompression = !isPlain
        let clock = SystemClock()
        let transport = try HTTPTransport(config.client, clock: clock, parse: YAMLReader.parse)
        let scrape = await SingleScrape.run(
            url: Self.completed(url),
            config: config,
            accept: accept,
            transport: transport,
            clock: clock,
            userAgent: ScrapeCommand.userAgent
        )
        await transport.close()
        var text = Self.head(scrape)
        if series { text += Self.list(scrape) }
        var failed = !scrape.error.isEmpty
        if failed { text += "error: \(scrape.error)\n" }
        if lint, let format = scrape.format {
            let (lines, isViolated) = Self.lint(scrape, format)
            text += lines
            failed = failed || isViolated
        }
        Console.print(text)
        if failed { throw ExitCode.failure }
    }

    /// As the server's own scrapes call themselves.
    private static let userAgent = ScrapeManagerOptions(parse: YAMLReader.parse).userAgent

    /// The URL with what was left out.
    static func completed(_ url: String) -> String {
        let whole = url.contains("://") ? url : "http://" + url
        let start = whole.firstRange(of: "://")?.upperBound ?? whole.startIndex
        return whole[start...].contains("/") ? whole : whole + "/metrics"
    }

    private static func head(_ scrape: SingleScrape) -> String {
        var lines = ["GET \(scrape.request.url)"]
        lines += scrape.request.headers.map { "  \($0.name): \($0.value)" }
        if let response = scrape.response {
            lines.append("\(response.status) \(response.reason)")
            lines += response.headers.map { "  \($0.name): \($0.value)" }
            let packed = scrape.isCompressed ? " (\(response.body.readableBytes) as gzip)" : ""
            let format = scrape.format?.mediaType ?? "no known format"
            lines.append("\(scrape.body.count) bytes\(packed), read as \(format)")
            lines.append(
                "\(scrape.samples.count) samples; fetched in \(milliseconds(scrape.fetchNanoseconds)), read in "
                    + milliseconds(scrape.readNanoseconds)
            )
        }
        if !scrape.warning.isEmpty { lines.append("warning: \(scrape.warning)") }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func milliseconds(_ nanoseconds: Int64) -> String {
        let hundredths = (nanoseconds + 5000) / 10_000
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) ms"
    }

    private static func list(_ scrape: SingleScrape) -> String {
        var text = scrape.samples.isEmpty ? "" : "\n"
        for sample in scrape.samples {
            text += "\(ObservedSeries.text(sample.labels)) \(sample.value)"
            if let time = sample.timestamp { text += " \(time)" }
            for exemplar in sample.exemplars {
                text += " # \(exemplar.labels) \(GoNumber.text(exemplar.value, .shortest))"
            }
            text += "\n"
        }
        return text + (scrape.samples.isEmpty ? "" : "\n")
    }

    private static func lint(_ scrape: SingleScrape, _ format: ScrapeFormat) -> (String, Bool) {
        let report: ExpositionLinter.Report
        switch format {
        case .text: report = ExpositionLinter.check(scrape.body, as: .text)
        case .openMetrics: report = ExpositionLinter.check(scrape.body, as: .openmetrics)
        case .protobuf: return ("lint: protobuf is not checked\n", false)
        }
        if report.findings.isEmpty { return ("lint: nothing to say\n", false) }
        return (report.rendered(source: "lint"), report.exitCode == 1)
    }
}
