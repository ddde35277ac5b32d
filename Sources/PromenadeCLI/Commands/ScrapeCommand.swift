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

            Exit codes: 0 scraped; 1 Prometheus's scrape would fail, the body violates its format, or something that only \
            counts up went down between two scrapes; 2 wrong arguments.
            """
    )

    @Option(help: "The longest wait.")
    var timeout = "10s"

    @Option(help: "Scrape so often; after the first time, print what is new, gone or different.")
    var `repeat` = 1

    @Option(help: "The pause between two scrapes.")
    var every = "1s"

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
        let pause: PrometheusDuration
        do throws(FlagError) {
            config.scrapeTimeout = try TimeText.span(timeout, of: "--timeout", like: "10s")
            pause = try TimeText.span(every, of: "--every", like: "1s")
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
        let transport = try HTTPTransport(config.client, clock: clock)
        var failed = false
        var before: SingleScrape?
        for number in 1...max(1, `repeat`) {
            if number > 1 { try await clock.sleep(milliseconds: pause.milliseconds) }
            let scrape = await SingleScrape.run(
                url: Self.completed(url),
                config: config,
                accept: accept,
                transport: transport,
                clock: clock,
                userAgent: ScrapeCommand.userAgent
            )
            let (text, isBad) = before.map { Self.comparison(number, from: $0, to: scrape) } ?? whole(scrape)
            Console.print(text)
            failed = failed || isBad
            before = scrape
        }
        await transport.close()
        if failed { throw ExitCode.failure }
    }

    /// All about a scrape, and whether it is bad.
    private func whole(_ scrape: SingleScrape) -> (String, Bool) {
        var text = Self.head(scrape)
        if series { text += Self.list(scrape) }
        var failed = !scrape.error.isEmpty
        if failed { text += "error: \(scrape.error)\n" }
        if lint, let format = scrape.format {
            let (lines, isViolated) = Self.lint(scrape, format)
            text += lines
            failed = failed || isViolated
        }
        return (text, failed)
    }

    /// What changed since the scrape before, and whether that is bad.
    private static func comparison(_ number: Int, from before: SingleScrape, to after: SingleScrape) -> (String, Bool) {
        guard after.error.isEmpty else { return ("scrape \(number): error: \(after.error)\n", true) }
        func content(_ scrape: SingleScrape) -> ExpositionContent {
            scrape.format.map { ExpositionContent(scrape.body, format: $0) } ?? ExpositionContent([], format: .text)
        }
        let difference = ExpositionDifference(from: content(before), to: content(after))
        var text =
            "scrape \(number): \(difference.added.count) new, \(difference.removed.count) gone, "
            + "\(difference.changed.count) different, \(difference.unchanged) the same\n"
        for entry in difference.added { text += "+ \(entry.series) \(entry.value)\n" }
        for entry in difference.removed { text += "- \(entry.series) \(entry.value)\n" }
        for change in difference.changed {
            let remark = change.isReset ? "  went down although it counts" : ""
            text += "\(change.isReset ? "!" : "~") \(change.series) \(change.before) → \(change.after)\(remark)\n"
        }
        return (text, difference.hasReset)
    }

    /// As the server's own scrapes call themselves.
    private static let userAgent = ScrapeManagerOptions().userAgent

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
            text += "\(sample.labels.selectorText) \(sample.value)"
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
