import MetricModel
import PromQL
package import Simulation

/// What a study came to, as a table, as a picture of text and as a picture.
package struct StudyReport: Sendable {
    package var scenario: String
    package var worlds: Int
    /// How many were asked for; more than there are where somebody ended them.
    package var asked: Int
    /// Why nothing can be said of the alerts; empty where it can.
    package var problem: String
    package var figures: [WorldStudy.AlertFigures]
    /// The seeds of the worlds in which an expectation is not met.
    package var failing: [UInt64]
    /// How many of the others were not judged to their end: something was not reached.
    package var unjudged: Int
    /// What was not reached, and in how many worlds.
    package var open: [(expectation: String, worlds: Int)]
    /// What is to be said of expectations that were met in all worlds, the same in each.
    package var notes: [(expectation: String, lines: [String])]

    package init(_ scenario: Scenario, _ study: WorldStudy) {
        self.scenario = scenario.name
        let reports = study.reports
        worlds = reports.count
        asked = study.asked
        problem = scenario.studies.isEmpty ? "" : scenario.missingAlerts
        figures = scenario.studies.map { study.figures($0) }
        failing = reports.filter { !$0.isGood }.map(\.seed)
        unjudged = reports.count { $0.isGood && $0.open > 0 }
        open = scenario.expectations.enumerated().compactMap { index, expectation in
            let count = reports.count { $0.states.indices.contains(index) && $0.states[index].isOpen }
            return count == 0 ? nil : (expectation.title, count)
        }
        notes = scenario.expectations.enumerated().compactMap { index, expectation in
            let all = reports.map { $0.states.indices.contains(index) ? $0.states[index].notes : [] }
            guard let first = all.first, !first.isEmpty, all.allSatisfy({ !$0.isEmpty }) else { return nil }
            return (expectation.title, first)
        }
    }

    /// How many worlds are well, and what of them nobody can say.
    private var verdicts: [String] {
        if worlds == 0 { return ["\(scenario): none of \(asked) worlds came to its end"] }
        var words = "\(worlds - failing.count) of \(worlds) worlds are well"
        if worlds < asked { words += ", of \(asked) that were asked for" }
        if unjudged > 0 { words += " as far as they went, \(unjudged) of them not judged to the end" }
        var lines = ["\(scenario): \(words)"]
        if !failing.isEmpty {
            let shown = failing.prefix(20).map { "\($0)" }.joined(separator: " ")
            lines.append("failing seeds: \(shown)\(failing.count > 20 ? " …" : "")")
        }
        lines += open.map { "not reached in \($0.worlds) worlds: \($0.expectation)" }
        for note in notes {
            lines.append("ok in all worlds, but: \(note.expectation)")
            lines += note.lines.map { "  \($0)" }
        }
        return lines
    }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let whole = Int64((value * scale).rounded())
        if decimals == 0 { return "\(whole)" }
        let rest = "\(whole % Int64(scale))"
        return "\(whole / Int64(scale))." + String(repeating: "0", count: max(0, decimals - rest.count)) + rest
    }

    private static func span(_ time: Int64?) -> String { time.map(World.span) ?? "-" }

    /// The lines of a table, name and value.
    package static func rows(_ figures: WorldStudy.AlertFigures) -> [(name: String, value: String)] {
        let judged = figures.outages - figures.open - figures.alreadyFiring
        let share = judged == 0 ? 0 : Double(figures.seen) * 100 / Double(judged)
        let perDay = figures.days > 0 ? Double(figures.falseAlarms) / figures.days : 0
        return [
            ("outages", "\(figures.outages)"),
            ("seen", "\(figures.seen) (\(fixed(share, 1))%)"),
            ("missed", "\(figures.missed)"),
            ("already firing", "\(figures.alreadyFiring)"),
            ("cut by the end", "\(figures.open)"),
            ("delay, median", span(figures.delay(0.5))),
            ("delay, p95", span(figures.delay(0.95))),
            ("delay, max", span(figures.delays.last)),
            ("false alarms", "\(figures.falseAlarms) (\(fixed(perDay, 2)) a day)"),
        ]
    }

    /// For people.
    package var text: String {
        var lines = verdicts
        for figures in figures {
            if !problem.isEmpty {
                lines.append("\(figures.alert): \(problem)")
                continue
            }
            lines.append("\(figures.alert) in \(worlds) worlds, \(Self.fixed(figures.days, 1)) days")
            for (name, value) in Self.rows(figures) {
                lines.append("  " + name + String(repeating: " ", count: 16 - name.count) + value)
            }
            let bars = Self.bars(figures)
            let most = bars.map(\.count).max() ?? 0
            if most > 0 { lines.append("  how late, and how many outages") }
            for bar in bars {
                let width = bar.count == 0 ? 0 : max(1, bar.count * 40 / most)
                let name = bar.name + String(repeating: " ", count: max(0, 16 - bar.name.count))
                lines.append("    \(name) \(String(repeating: "#", count: width)) \(bar.count)")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// How many outages were seen how late: twelve spans, those that were not seen, those that began while the alert fired, and those
    /// that the end cut.
    static func bars(_ figures: WorldStudy.AlertFigures) -> [(name: String, count: Int)] {
        guard let least = figures.delays.first, let most = figures.delays.last else {
            return rest(figures)
        }
        let second: Int64 = 1_000_000_000
        let width = max(second, ((most - least) / 12 / second + 1) * second)
        let first = least / width * width
        var bars: [(name: String, count: Int)] = []
        var edge = first
        while edge <= most {
            let count = figures.delays.filter { $0 >= edge && $0 < edge + width }.count
            bars.append(("to \(World.span(edge + width))", count))
            edge += width
        }
        return bars + rest(figures)
    }

    private static func rest(_ figures: WorldStudy.AlertFigures) -> [(name: String, count: Int)] {
        [("missed", figures.missed), ("already firing", figures.alreadyFiring), ("cut", figures.open)]
            .filter { $0.1 > 0 }
    }

    /// A picture: a bar for each span of delay, and one for each of what was missed, began while the alert fired, and the end cut.
    package var svg: String {
        let (width, height, bottom) = (720, 240, 60)
        var parts: [String] = []
        for (number, figures) in figures.enumerated() {
            let top = number * (height + bottom)
            let bars = Self.bars(figures)
            let most = max(1, bars.map(\.count).max() ?? 1)
            let step = max(1, (width - 40) / max(1, bars.count))
            let titles = Self.rows(figures).map { "\($0.name) \($0.value)" }
            let title = titles.prefix(4).joined(separator: " · ")
            let rest = titles.dropFirst(4).joined(separator: " · ")
            parts.append(
                "<text x=\"20\" y=\"\(top + 20)\" font-weight=\"bold\">\(Self.escaped(figures.alert))</text>"
                    + "<text x=\"20\" y=\"\(top + 36)\" font-size=\"11\">\(Self.escaped(title))</text>"
                    + "<text x=\"20\" y=\"\(top + 50)\" font-size=\"11\">\(Self.escaped(rest))</text>"
            )
            for (index, bar) in bars.enumerated() {
                let size = bar.count * (height - 80) / most
                let x = 20 + index * step
                let isJudged = bar.name != "cut" && bar.name != "already firing"
                let color = bar.name == "missed" ? "#c0392b" : isJudged ? "#2e6fb7" : "#8a8a8a"
                parts.append(
                    "<rect x=\"\(x)\" y=\"\(top + height - size)\" width=\"\(max(1, step - 4))\" height=\"\(size)\" "
                        + "fill=\"\(color)\"><title>\(bar.count)</title></rect>"
                        + "<text x=\"\(x)\" y=\"\(top + height - size - 4)\" font-size=\"11\">\(bar.count)</text>"
                        + "<text x=\"\(x)\" y=\"\(top + height + 16)\" font-size=\"10\">\(bar.name)</text>"
                )
            }
        }
        let whole = max(1, figures.count) * (height + bottom)
        return
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(whole)\" font-family=\"sans-serif\">\n"
            + "<rect width=\"\(width)\" height=\"\(whole)\" fill=\"white\"/>\n" + parts.joined(separator: "\n")
            + "\n</svg>\n"
    }

    private static func escaped(_ text: String) -> String {
        text.xmlEscaped
    }

    /// An object of JSON.
    package var json: String {
        let problem = problem.isEmpty ? "" : "\"problem\":\(JSONString.quoted(problem)),"
        let items = figures.map { figures in
            "{\"alert\":\(JSONString.quoted(figures.alert)),\(problem)\"worlds\":\(worlds),\"outages\":\(figures.outages),"
                + "\"seen\":\(figures.seen),\"missed\":\(figures.missed),\"cut\":\(figures.open),"
                + "\"alreadyFiring\":\(figures.alreadyFiring),"
                + "\"delayMedian\":\(milliseconds(figures.delay(0.5))),\"delayP95\":\(milliseconds(figures.delay(0.95))),"
                + "\"delayMax\":\(milliseconds(figures.delays.last)),\"falseAlarms\":\(figures.falseAlarms),"
                + "\"days\":\(Self.fixed(figures.days, 3))}"
        }
        let open = open.map {
            "{\"expectation\":\(JSONString.quoted($0.expectation)),\"worlds\":\($0.worlds)}"
        }
        let cut = worlds < asked ? "\"asked\":\(asked)," : ""
        return "{\"study\":[\(items.joined(separator: ","))],\"worlds\":\(worlds),\(cut)\"failing\":\(failing.count),"
            + "\"notJudged\":\(unjudged),\"open\":[\(open.joined(separator: ","))]}"
    }

    private func milliseconds(_ time: Int64?) -> String { time.map { "\($0 / 1_000_000)" } ?? "null" }
}

/// The same world seen by two stacks, side by side.
package struct StackComparison: Sendable {
    /// The names of the two, and what came of each.
    package var sides: [(name: String, scenario: Scenario, study: WorldStudy)]

    package init(_ sides: [(name: String, scenario: Scenario, study: WorldStudy)]) { self.sides = sides }

    /// An object of JSON with the rows of the table.
    package var json: String {
        let lines = rows.dropFirst().map { row in "[\(row.map(JSONString.quoted).joined(separator: ","))]" }
        let names = sides.map { JSONString.quoted($0.name) }.joined(separator: ",")
        return "{\"comparison\":[\(names)],\"rows\":[\(lines.joined(separator: ","))]}"
    }

    private var rows: [[String]] {
        var rows: [[String]] = [[""] + sides.map(\.name)]
        if sides.contains(where: \.study.isCut) {
            rows.append(["worlds"] + sides.map { "\($0.study.reports.count) of \($0.study.asked)" })
        }
        rows.append(["scrapes"] + sides.map { side in "\(side.study.reports.reduce(0) { $0 + $1.scrapes })" })
        rows.append(["samples"] + sides.map { side in "\(side.study.reports.reduce(0) { $0 + $1.samples })" })
        let worlds = sides.first?.study.asked ?? 0
        for (index, expectation) in (sides.first?.scenario.expectations ?? []).enumerated() {
            rows.append(
                [expectation.title]
                    + sides.map { side in
                        let states = side.study.reports.compactMap { index < $0.states.count ? $0.states[index] : nil }
                        // Of what was not reached nobody can say more.
                        let told = states.filter { $0.verdict?.isOpen != true }
                        let met = told.filter(\.isMet)
                        if told.isEmpty { return "open" }
                        if worlds == 1 { return met.isEmpty ? "not met" : "ok" }
                        let open = states.count - told.count
                        return "\(met.count) of \(told.count)\(open == 0 ? "" : ", \(open) open")"
                    }
            )
        }
        for alert in alerts {
            let firings = sides.map { side in
                side.study.reports.flatMap(\.firings).filter { $0.labels["alertname"] == alert }
            }
            rows.append(["\(alert): fired"] + firings.map { "\($0.count) times" })
            if worlds == 1 {
                rows.append(["\(alert): first at"] + firings.map { $0.map(\.time).min().map(World.span) ?? "-" })
            }
        }
        for index in sides.first?.scenario.studies.indices ?? 0..<0 {
            let columns = sides.map { side in
                side.scenario.studies.indices.contains(index) && side.scenario.missingAlerts.isEmpty
                    ? StudyReport.rows(side.study.figures(side.scenario.studies[index])) : []
            }
            // One of them may have no alerting rules, so that nothing can be said of it.
            for (row, entry) in (columns.first { !$0.isEmpty } ?? []).enumerated() {
                let alert = sides[0].scenario.studies[index].alert
                rows.append(["\(alert): \(entry.name)"] + columns.map { row < $0.count ? $0[row].value : "-" })
            }
        }
        return rows
    }

    /// For people.
    package var text: String {
        let rows = rows
        let widths = (0...sides.count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    private var alerts: [String] {
        let all = sides.flatMap { $0.study.reports }.flatMap(\.firings).compactMap { $0.labels["alertname"] }
        return Set(all).sorted()
    }
}
