import ConfigTree
import MetricModel
package import Simulation

/// What the command `simulate` was given. Options that mean nothing beside others are refused, as who gives one wants something that would
/// not happen.
package struct WorldCommand: Sendable {
    package var files: [String] = []
    package var seed: UInt64?
    package var seeds: String?
    package var until: String?
    package var settings: [String] = []
    package var stack: String?
    package var leaveOut: String?
    package var compare: [String] = []
    package var out: String?
    package var svg: String?
    package var junit: String?
    package var jobs: Int?
    package var speed: Double?
    package var listen: String?
    package var listenPushgateway: String?
    package var listenDemo: String?
    package var isServed = false
    package var isQuiet = false
    package var tellsScrapes = false
    package var isTAP = false
    package var isJSON = false
    package var isSelfTest = false

    /// Nothing was given.
    package init() {}

    // MARK: What has no effect beside others

    /// What the command does.
    private enum Way {
        case worlds, served, studied, compared, selfTest

        /// In words, after "--seed has no effect".
        var words: String {
            switch self {
            case .worlds: "where worlds are run one after the other"
            case .served: "with --serve"
            case .studied: "with --seeds"
            case .compared: "with --compare"
            case .selfTest: "with --self-test"
            }
        }
    }

    private var way: Way {
        if isSelfTest { return .selfTest }
        if isServed { return .served }
        if !compare.isEmpty { return .compared }
        return seeds == nil ? .worlds : .studied
    }

    /// An option that is there, where it has an effect, and what would be right elsewhere.
    private struct Given {
        var name: String
        var isThere: Bool
        var ways: Set<Way>
        var hint: String

        init(_ name: String, _ isThere: Bool, _ ways: Set<Way>, _ hint: String) {
            (self.name, self.isThere, self.ways, self.hint) = (name, isThere, ways, hint)
        }
    }

    /// `--quiet` is left out: with it nothing is told of how far the worlds are, wherever that would be told.
    private var given: [Given] {
        let own: Set<Way> = [.worlds, .served, .studied, .compared]
        let told: Set<Way> = [.worlds, .studied, .compared]
        let machine = isServed ? "for machines there is --junit FILE" : "a self-test has no expectations: leave it out"
        let itself = "a self-test makes its worlds itself: leave it out"
        let browser = "it belongs to --serve"
        let picture = "it draws the study of one scenario: --seeds 1..1000"
        return [
            Given("--until", until != nil, own, itself),
            Given("--set", !settings.isEmpty, own, itself),
            Given("--stack", stack != nil, own, itself),
            Given("--leave-out", leaveOut != nil, own, itself),
            Given("--compare", !compare.isEmpty, [.compared], "leave one of them out"),
            Given("--serve", isServed, [.served], "leave one of them out"),
            Given("--seeds", seeds != nil, [.studied, .compared, .selfTest], "one world is shown: --seed N"),
            Given("--out", out != nil, [.worlds, .served], "it keeps the database of one world: --seed N"),
            Given("--svg", svg != nil, [.studied], picture),
            Given("--speed", speed != nil, [.served], browser),
            Given("--listen", listen != nil, [.served], browser),
            Given("--listen-demo", listenDemo != nil, [.served], browser),
            Given(
                "--listen-pushgateway",
                listenPushgateway != nil,
                [.served, .worlds],
                "it belongs to --serve, and to scenarios with sockets: true"
            ),
            Given("--scrapes", tellsScrapes, [.worlds, .served], "the event log is that of one world: --seed N"),
            Given("--jobs", jobs != nil, [.studied, .compared, .selfTest], Self.many),
            Given("--junit", junit != nil, own, "a self-test has no expectations: leave it out"),
            Given("--tap", isTAP, told, machine),
            Given("--json", isJSON, told, machine),
        ]
    }

    private static let many = "it is how many worlds of --seeds 1..1000 run at a time"

    /// Why the options cannot be meant like this; `nil` where they can.
    package var refusal: String? {
        for option in given where option.isThere && !option.ways.contains(way) {
            return "\(option.name) has no effect \(way.words): \(option.hint)"
        }
        if let seed, seeds != nil {
            return "--seed and --seeds contradict each other: --seeds \(seed)..\(seed) is this one, leave out --seed"
        }
        if settings.contains(where: { $0.hasPrefix("seed=") }), seed != nil || seeds != nil {
            return "--set seed=… has no effect beside \(seeds == nil ? "--seed" : "--seeds"): leave it out"
        }
        if jobs != nil, seeds == nil { return "--jobs has no effect on one world: \(Self.many)" }
        if stack != nil, compare.count > 1 {
            return "--stack has no effect beside two stacks of --compare: name it there, or leave it out"
        }
        if isTAP, isJSON { return "--tap and --json are two forms of the same: leave one of them out" }
        if tellsScrapes, isQuiet || isTAP {
            let word = isQuiet ? "--quiet" : "--tap"
            return "--scrapes has no effect beside \(word), which prints no event log: leave one of them out"
        }
        if let svg, svg == junit { return "--svg and --junit name one file, where only one of them can be" }
        if Set(compare).count < compare.count {
            return "--compare names a stack twice: they would look alike"
        }
        if files.count < 2 { return nil }
        if way == .served { return "--serve shows one world: name one scenario" }
        if out != nil { return "--out keeps the database of one world: name one scenario" }
        if svg != nil { return "--svg draws the study of one scenario: name one scenario" }
        return nil
    }

    /// Why the options can do nothing for these scenarios; `nil` where they can.
    package func refusal(of scenarios: [Scenario]) -> String? {
        if svg != nil, scenarios.allSatisfy(\.studies.isEmpty) {
            return "--svg draws a study, and there is none in the scenario: study: {alert: NAME, event: …}"
        }
        if listenPushgateway != nil, way == .worlds, !scenarios.contains(where: \.hasSockets) {
            return
                "--listen-pushgateway has no effect on a world without sockets: --serve, or sockets: true in the scenario"
        }
        func isThere(_ part: (StackConfig) -> Bool) -> Bool {
            scenarios.contains { scenario in
                let counts = scenario.services.map { ($0.name, $0.instances) }
                return (try? SimulatedConfig(scenario).config(counts: counts)).map(part) ?? true
            }
        }
        if listenDemo != nil, !isThere(\.demo.isEnabled) {
            return "--listen-demo has no effect, as the stack has demo_server: {enabled: false}: leave one of them out"
        }
        if listenPushgateway != nil, !isThere(\.gateway.isEnabled) {
            return
                "--listen-pushgateway has no effect, as the stack has pushgateway: {enabled: false}: leave one of them out"
        }
        do throws(Refusal) {
            for scenario in scenarios { _ = try leftOut(of: scenario) }
            return nil
        } catch {
            return error.words
        }
    }

    // MARK: Spans

    /// Why something cannot be read.
    package struct Refusal: Error, Hashable, Sendable {
        /// In words.
        package var words: String
    }

    /// `1..1000`, or one seed.
    /// - Parameter own: the seed where none is named.
    package func seedRange(_ own: UInt64) throws(Refusal) -> ClosedRange<UInt64> {
        guard let text = seeds else { return (seed ?? own)...(seed ?? own) }
        let ends = Self.span(text)
        guard let first = UInt64(ends.0), let last = UInt64(ends.1), first <= last, last - first < Self.seedLimit else {
            throw Refusal(words: "--seeds: \(GoText.quoted(text)) is not a span of seeds such as 1..1000")
        }
        return first...last
    }

    /// The most worlds of a study.
    private static let seedLimit: UInt64 = 10_000_000

    /// The events that are left out, by their places in the scenario's list.
    package func leftOut(of scenario: Scenario) throws(Refusal) -> Set<Int> {
        guard let text = leaveOut else { return [] }
        var found: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = Self.span(String(part))
            guard let first = Int(ends.0), let last = Int(ends.1), first >= 0, first <= last,
                last < scenario.events.count
            else {
                throw Refusal(
                    words: "--leave-out: \(GoText.quoted(text)) does not name events of \(scenario.file): "
                        + "it has \(scenario.events.count), counted from 0, such as 0,3..5"
                )
            }
            if let twice = (first...last).first(where: found.contains) {
                throw Refusal(words: "--leave-out: \(GoText.quoted(text)) names the event \(twice) twice")
            }
            found.formUnion(first...last)
        }
        return found
    }

    /// The ends of `3..5`, or of `3`.
    private static func span(_ text: String) -> (String, String) {
        guard let dots = text.firstRange(of: "..") else { return (text, text) }
        return (String(text[..<dots.lowerBound]), String(text[dots.upperBound...]))
    }
}
