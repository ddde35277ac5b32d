package import MetricModel
import PromQL
package import Simulation
import Web

/// What came of a world, for people and for machines. Nothing in it depends on the machine or on the time of day.
package struct WorldReport: Sendable {
    package var scenario: String
    /// The scenario's file, for commands that can be repeated.
    package var file: String
    package var seed: UInt64
    package var start: Timestamp
    /// How far the world came, in nanoseconds from its start.
    package var end: Int64
    package var scrapes: Int
    package var samples: Int
    package var states: [ExpectationState]
    package var outages: [World.Outage]
    package var firings: [World.Firing]
    /// How long after the beginning of an outage each alert may begin to fire, in nanoseconds.
    var reaches: [String: Int64]
    /// Options that belong to the world, for commands; one word each.
    package var arguments: [String]
    /// The stack that was used in place of the scenario's; empty for its own.
    package var stack = ""
    /// Whether somebody ended the world before its end.
    package internal(set) var isInterrupted = false

    /// The report of a world that is over.
    package init(_ world: World) {
        scenario = world.scenario.name
        file = world.scenario.file
        seed = world.options.seed
        start = world.scenario.start
        end = world.now
        scrapes = world.scrapes
        samples = world.samples
        states = world.expectations
        outages = world.outages
        firings = world.firings
        reaches = world.reaches
        arguments = world.options.arguments
    }

    /// Whether all expectations are met that could be looked at.
    package var isGood: Bool { failed.isEmpty }

    /// How many expectations were not reached: nobody can say whether they are met.
    package var open: Int { states.count(where: \.isOpen) }

    /// The lines (in the file) of the expectations that are not met.
    package var failed: [Int] { states.filter { !$0.isMet && !$0.isOpen }.map(\.spec.place.line) }

    /// What tells this world from others, for people.
    private var title: String { "\(scenario) (\(stack.isEmpty ? "" : "\(stack), ")seed \(seed))" }

    /// The command that opens a moment.
    func command(_ time: Int64) -> String {
        let words = [ProgramName.called, "simulate", file, "--seed", "\(seed)"] + arguments
        // What chance chose may lie between two milliseconds, which is all that can be said.
        let milliseconds = (time + 999_999) / 1_000_000
        let until = World.span(milliseconds * 1_000_000)
        return (words + ["--until", until, "--serve"]).map(Self.quoted).joined(separator: " ")
    }

    /// A word as a shell reads it.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || "-_./:=,@%+".utf8.contains(byte)
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// What is told below an expectation.
    func details(_ state: ExpectationState) -> [String] {
        guard let verdict = state.verdict else { return [] }
        if verdict.isMet { return Self.notes(state) }
        if verdict.isOpen { return [] }
        return verdict.reasons + [
            "at \(WorldEvent.moment(start + verdict.time / 1_000_000)) (+\(World.span(verdict.time))), seed \(seed)",
            "look: \(command(verdict.time))",
        ]
    }

    private static func notes(_ state: ExpectationState) -> [String] { state.notes.map { "note: \($0)" } }

    /// For people.
    package var text: String {
        var lines: [String] = []
        for state in states {
            lines.append("\(state.isMet ? "ok      " : state.isOpen ? "open    " : "not met ")\(state.spec.title)")
            lines += details(state).map { "        " + $0 }
        }
        let good = states.count(where: \.isMet)
        let rest = open == 0 ? "" : ", \(open) not reached"
        lines.append("\(scenario): \(good) of \(states.count) expectations met\(rest) (seed \(seed))")
        return lines.map { $0 + "\n" }.joined()
    }

    /// As the Test Anything Protocol, version 13.
    package static func tap(_ reports: [WorldReport]) -> String {
        let all = reports.flatMap { report in report.states.map { (report, $0) } }
        var lines = ["TAP version 13", "1..\(all.count)"]
        for (index, (report, state)) in all.enumerated() {
            // A bare # begins a directive.
            let name = "\(report.title): \(state.spec.title)".replacing("\\", with: "\\\\")
                .replacing("#", with: "\\#")
            let verdict = state.isMet || state.isOpen ? "ok" : "not ok"
            lines.append("\(verdict) \(index + 1) - \(name)\(state.isOpen ? " # SKIP not reached" : "")")
            lines += report.details(state).map { "# " + $0 }
        }
        return lines.map { $0.replacing("\n", with: " ") + "\n" }.joined()
    }

    /// As JUnit XML; what was not reached is skipped.
    package static func junit(_ reports: [WorldReport]) -> String {
        reports.map { report in
            PromQLTestReport(
                name: "\(report.file) \(report.stack.isEmpty ? "" : "\(report.stack) ")seed \(report.seed)",
                cases: report.states.map { state in
                    let (lines, notes) = (state.isMet ? [] : report.details(state), Self.notes(state))
                    return PromQLTestReport.Case(
                        line: state.spec.place.line,
                        source: state.spec.title,
                        failure: lines.isEmpty ? nil : lines.joined(separator: "\n"),
                        skipped: state.isOpen ? state.verdict?.reasons.joined(separator: "\n") ?? "" : nil,
                        output: notes.isEmpty ? nil : notes.joined(separator: "\n"),
                        // No time of a machine is in a report, which is the same each time; the moment is in the failure.
                        duration: 0
                    )
                }
            )
        }.junit
    }

    /// An object of JSON.
    package var json: String {
        let expectations = states.map { state in
            let reasons = (state.verdict?.reasons ?? []).map(JSONString.quoted).joined(separator: ",")
            let notes = state.notes.map(JSONString.quoted).joined(separator: ",")
            return "{\"expectation\":\(JSONString.quoted(state.spec.title)),\"line\":\(state.spec.place.line),"
                + "\"met\":\(state.isMet),\(state.isOpen ? "\"open\":true," : "")\"at\":\((state.verdict?.time ?? 0) / 1_000_000),"
                + "\"looks\":\(state.looks),\"reasons\":[\(reasons)]\(notes.isEmpty ? "" : ",\"notes\":[\(notes)]")}"
        }
        return "{\"scenario\":\(JSONString.quoted(scenario)),\"file\":\(JSONString.quoted(file)),"
            + "\(stack.isEmpty ? "" : "\"stack\":\(JSONString.quoted(stack)),")\"seed\":\(seed),"
            + "\"good\":\(isGood),\"open\":\(open),\"scrapes\":\(scrapes),\"samples\":\(samples),"
            + "\"expectations\":[\(expectations.joined(separator: ","))]}"
    }
}

extension ExpectationState {
    /// Whether it holds.
    package var isMet: Bool { verdict?.isMet ?? false }
    /// Whether it could not be looked at.
    package var isOpen: Bool { verdict?.isOpen ?? false }
}

extension ExpectationSpec {
    /// What is expected, of whom, and when.
    package var title: String {
        let text = isRemote ? "remote " + self.text : self.text
        func span(_ from: Int64, _ to: Int64) -> String {
            // Where the scenario was made shorter nothing of it may be left: then it is told as it is written.
            let end = to > from + 1 ? World.span(to) : end.map(World.span) ?? "the end"
            return "from \(World.span(from)) to \(end)"
        }
        switch kind {
        case .at(let time): return "at \(World.span(time)): \(text)"
        case .always(let from, let to): return "always \(span(from, to)): \(text)"
        case .never(let from, let to): return "never \(span(from, to)): \(text)"
        case .within(let after, let until): return "\(span(after, until)): \(text)"
        case .notified(let after, let until):
            return "notified \(isResolved ? "of the end " : "")\(span(after, until)): \(text)"
        case .notNotified(let from, let to):
            return "not notified \(isResolved ? "of the end " : "")\(span(from, to)): \(text)"
        }
    }
}
