import PromQL
import Rules

/// What tests of rules came to as JUnit XML, in the shape of promtool's.
struct RuleTestReport {
    private var suites = ""

    /// The report.
    var text: String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\(suites)</testsuites>\n"
    }

    /// Adds a file whose tests were run.
    mutating func add(_ file: String, _ results: [RuleTestRunner.Result]) {
        let failures = results.reduce(0) { $0 + $1.failures.count }
        let duration = Self.seconds(results.reduce(0) { $0 + $1.duration })
        suites += "  <testsuite name=\"\(file.xmlEscaped)\" tests=\"\(results.count)\""
        suites += " failures=\"\(failures)\" errors=\"0\" skipped=\"0\" time=\"\(duration)\">\n"
        for result in results {
            suites += "    <testcase name=\"\(result.name.xmlEscaped)\" classname=\"\(file.xmlEscaped)\""
            suites += " time=\"\(Self.seconds(result.duration))\">"
            for failure in result.failures { suites += "\n      <failure>\(failure.xmlEscaped)</failure>" }
            suites += (result.failures.isEmpty ? "" : "\n    ") + "</testcase>\n"
        }
        suites += "  </testsuite>\n"
    }

    /// Adds a file that could not be read.
    mutating func add(_ file: String, error: String) {
        suites += "  <testsuite name=\"\(file.xmlEscaped)\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n"
        suites += "    <testcase name=\"unknown\" classname=\"\(file.xmlEscaped)\">\n"
        suites += "      <error>\(error.xmlEscaped)</error>\n    </testcase>\n  </testsuite>\n"
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let digits = String(nanoseconds / 1000 % 1_000_000)
        return "\(nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 6 - digits.count) + digits
    }
}
