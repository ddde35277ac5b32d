import ArgumentParser
import MetricModel
import Promenade

/// `expect EXPR…`: waits until conditions hold.
struct ExpectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expect",
        abstract:
            "Wait until conditions hold on a running server; say what was seen, and what is near where they do not.",
        discussion: """
            A condition holds as soon as the expression answers a series, or a number that is neither 0 nor NaN: \
            'up{job="demo"} == 1', 'scalar(sum(rows_total)) >= bool 3'. Each has to hold once within the time.

            --notified 'alertname="Down"' holds as soon as somebody was told (in the inbox) that such an alert fires, \
            --resolved as soon as somebody was told that it is over.

            Exit codes: 0 all conditions hold; 1 one does not; 2 wrong arguments or a wrong expression; \
            3 the server cannot be reached.
            """
    )

    @Option(help: "How long to wait; 0s asks once.")
    var within = "10s"

    @Option(
        help: ArgumentHelp(
            "Somebody has to be told of an alert with such labels. May be repeated.",
            valueName: "matchers"
        )
    )
    var notified: [String] = []

    @Option(
        help: ArgumentHelp("Somebody has to be told that an alert is over. May be repeated.", valueName: "matchers")
    )
    var resolved: [String] = []

    @Flag(help: "Move the manual clock of a test fixture instead of waiting: --within is the stack's time.")
    var advance = false

    @Option(help: "The Prometheus server's URL.")
    var url = "http://localhost:9090"

    @Option(help: "The Pushgateway's URL, to tell the last refused push; by default that of the job pushgateway.")
    var pushgateway: String?

    @Option(
        name: .customLong("pushes-after"),
        help: "Tell only refused pushes with a greater number, as /api/v1/pushes counts them: those of this test."
    )
    var pushesAfter: Int64 = 0

    @Option(
        name: .customLong("notices-after"),
        help: "Only notices with a greater number count, as /api/v1/inbox has them: those of this test."
    )
    var noticesAfter = 0

    @Option(help: "A file with more expressions, one a line, # for comments; - is the standard input.")
    var file: String?

    @Option(help: "Write a JUnit report to this file; - is the standard output.")
    var junit: String?

    @Flag(help: "Print the Test Anything Protocol.")
    var tap = false

    @Argument(help: ArgumentHelp("The expressions.", valueName: "expr"))
    var expressions: [String] = []

    func run() async throws {
        var expectations: Expectations
        let server: ExpectServer
        do {
            server = try ExpectServer(
                url: url,
                pushgateway: pushgateway,
                pushesAfter: pushesAfter,
                noticesAfter: noticesAfter
            )
            var all = expressions
            if let file { all += Expectations.parse(file: String(decoding: try Console.read(file), as: UTF8.self)) }
            var conditions = all.map(Condition.expression)
            for text in notified { conditions.append(.notice(try NoticeCondition(parsing: text))) }
            for text in resolved { conditions.append(.notice(try NoticeCondition(parsing: text, isResolved: true))) }
            guard !conditions.isEmpty else {
                throw ValidationError("nothing to expect: give an expression, --notified, --resolved or --file")
            }
            expectations = Expectations(conditions, within: try TimeText.span(within, of: "--within", like: "10s"))
            // As often as the smallest interval of rules that people use.
            if advance { expectations.interval = PrometheusDuration(milliseconds: 1000) }
        } catch {
            Complaint.write("\(error)")
            throw ExitCode(2)
        }
        let clock: any StackClock = advance ? AdvancedClock(server: server) : SystemClock()
        let outcomes = await expectations.wait(clock: clock) { await server.ask($0, within: $1) }
        let code = Expectations.exitCode(outcomes)
        var report = ExpectationReport(outcomes: outcomes)
        if code == 1 { report.evidence = await server.evidence(for: outcomes) }
        let isQuiet = junit == "-"
        if !isQuiet { Console.print(tap ? report.tap : report.text) }
        if let junit {
            if isQuiet {
                Console.print(report.junit)
            } else if !FileAccess.replace(junit, with: report.junit) {
                Complaint.write("cannot write \(junit)")
                throw ExitCode(2)
            }
        }
        if code != 0 { throw ExitCode(code) }
    }
}
