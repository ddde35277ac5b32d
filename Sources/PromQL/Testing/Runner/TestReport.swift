import MetricModel

/// What came of a script.
public struct PromQLTestReport: Sendable {
    /// One command that was checked: an evaluation, or something that could not be read.
    public struct Case: Sendable {
        /// Where it stands in the script, counted from 1.
        public var line: Int
        /// The command, as it is written.
        public var source: String
        /// What was wrong, in one or more lines; `nil` where nothing was.
        public var failure: String?
        /// Why it was not checked; `nil` where it was.
        public var skipped: String?
        /// What else is to be said, in one or more lines; `nil` for nothing.
        public var output: String?
        /// How long it took, in nanoseconds.
        public var duration: Int64

        /// A checked command.
        public init(
            line: Int,
            source: String,
            failure: String? = nil,
            skipped: String? = nil,
            output: String? = nil,
            duration: Int64 = 0
        ) {
            self.output = output
            self.line = line
            self.source = source
            self.failure = failure
            self.skipped = skipped
            self.duration = duration
        }
    }

    /// The script's name, usually its path.
    public var name: String
    /// What was checked, in the order of the script.
    public var cases: [Case]

    /// A report.
    public init(name: String, cases: [Case] = []) {
        self.name = name
        self.cases = cases
    }

    /// What failed.
    public var failures: [Case] { cases.filter { $0.failure != nil } }

    /// Whether everything was as expected.
    public var passed: Bool { cases.allSatisfy { $0.failure == nil } }

    /// The report as people read it: each failure with its line, then one line that sums up.
    public var text: String {
        var result = ""
        for test in failures {
            result += "\(name):\(test.line): \(test.source)\n"
            for line in (test.failure ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
                result += "    \(line)\n"
            }
        }
        let outcome = passed ? "ok" : "FAILED"
        return result + "\(outcome) \(name): \(cases.count - failures.count) of \(cases.count) passed\n"
    }
}

extension Sequence<PromQLTestReport> {
    /// The reports as JUnit XML, one test suite for each.
    public var junit: String {
        var suites = ""
        var tests = 0
        var failed = 0
        var skipped = 0
        var total: Int64 = 0
        for report in self {
            tests += report.cases.count
            failed += report.failures.count
            let left = report.cases.count { $0.skipped != nil }
            skipped += left
            let duration = report.cases.reduce(0) { $0 + $1.duration }
            total += duration
            let name = report.name.xmlEscaped
            suites +=
                "  <testsuite name=\"\(name)\" tests=\"\(report.cases.count)\" failures=\"\(report.failures.count)\""
            suites += " errors=\"0\" skipped=\"\(left)\" time=\"\(duration.asSeconds)\">\n"
            for test in report.cases {
                suites += "    <testcase name=\"line \(test.line): \(test.source.xmlEscaped)\" classname=\"\(name)\""
                suites += " time=\"\(test.duration.asSeconds)\""
                if let failure = test.failure {
                    let first = failure.prefix { $0 != "\n" }
                    suites +=
                        ">\n      <failure message=\"\(String(first).xmlEscaped)\">\(failure.xmlEscaped)</failure>\n"
                    suites += "    </testcase>\n"
                } else if let skipped = test.skipped {
                    suites += ">\n      <skipped message=\"\(skipped.xmlEscaped)\"/>\n    </testcase>\n"
                } else if let output = test.output {
                    suites += ">\n      <system-out>\(output.xmlEscaped)</system-out>\n    </testcase>\n"
                } else {
                    suites += "/>\n"
                }
            }
            suites += "  </testsuite>\n"
        }
        let counts =
            "tests=\"\(tests)\" failures=\"\(failed)\" errors=\"0\" skipped=\"\(skipped)\" time=\"\(total.asSeconds)\""
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites \(counts)>\n\(suites)</testsuites>\n"
    }
}

extension Int64 {
    /// Nanoseconds as seconds with six decimals.
    fileprivate var asSeconds: String { (Double(self) / 1e9).decimals(6) }
}

extension String {
    private static let xmlEscaping = Escaping([
        "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "\n": "&#10;", "\t": "&#9;",
    ]) { $0.value < 0x20 ? "\u{FFFD}" : nil }

    /// The text for use in XML; control characters that XML cannot hold become U+FFFD.
    package var xmlEscaped: String { Self.xmlEscaping.escaped(self) }
}
