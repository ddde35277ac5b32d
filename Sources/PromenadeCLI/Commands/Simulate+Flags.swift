import MetricModel
import Promenade
import Simulation

/// Options that mean nothing beside others: they are refused, as who gives one wants something that would not happen.
extension Simulate {
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
        if selfTest { return .selfTest }
        if serve { return .served }
        if !compare.isEmpty { return .compared }
        return seeds == nil ? .worlds : .studied
    }

    /// An option that is there, where it has an effect, and what would be right elsewhere.
    private struct Given {
        var name: String
        var isThere: Bool
        var ways: Set<Way>
        var hint: String
    }

    /// `quiet` is left out: it asks for less, and gets it everywhere.
    private var given: [Given] {
        let own: Set<Way> = [.worlds, .served, .studied, .compared]
        let told: Set<Way> = [.worlds, .studied, .compared]
        let machine = serve ? "for machines there is --junit FILE" : "a self-test has no expectations: leave it out"
        let itself = "a self-test makes its worlds itself: leave it out"
        let browser = "it belongs to --serve"
        let one = "one world is shown: --seed N"
        let many = "it is how many worlds of --seeds 1..1000 run at a time"
        return [
            Given(name: "--until", isThere: until != nil, ways: own, hint: itself),
            Given(name: "--set", isThere: !settings.isEmpty, ways: own, hint: itself),
            Given(name: "--stack", isThere: stack != nil, ways: own, hint: itself),
            Given(name: "--leave-out", isThere: leaveOut != nil, ways: own, hint: itself),
            Given(name: "--compare", isThere: !compare.isEmpty, ways: [.compared], hint: "leave one of them out"),
            Given(name: "--serve", isThere: serve, ways: [.served], hint: "leave one of them out"),
            Given(name: "--seeds", isThere: seeds != nil, ways: [.studied, .compared, .selfTest], hint: one),
            Given(
                name: "--out",
                isThere: out != nil,
                ways: [.worlds, .served],
                hint: "it keeps the database of one world: --seed N"
            ),
            Given(
                name: "--svg",
                isThere: svg != nil,
                ways: [.studied],
                hint: "it draws the study of one scenario: --seeds 1..1000"
            ),
            Given(name: "--speed", isThere: speed != nil, ways: [.served], hint: browser),
            Given(name: "--listen", isThere: listen != nil, ways: [.served], hint: browser),
            Given(name: "--listen-demo", isThere: listenDemo != nil, ways: [.served], hint: browser),
            Given(
                name: "--listen-pushgateway",
                isThere: listenPushgateway != nil,
                ways: [.served, .worlds],
                hint: "it belongs to --serve, and to scenarios with sockets: true"
            ),
            Given(
                name: "--scrapes",
                isThere: scrapes,
                ways: [.worlds, .served],
                hint: "the event log is that of one world: --seed N"
            ),
            Given(name: "--jobs", isThere: jobs != nil, ways: [.studied, .compared, .selfTest], hint: many),
            Given(
                name: "--junit",
                isThere: junit != nil,
                ways: own,
                hint: "a self-test has no expectations: leave it out"
            ),
            Given(name: "--tap", isThere: tap, ways: told, hint: machine),
            Given(name: "--json", isThere: json, ways: told, hint: machine),
        ]
    }

    /// Refuses what would have no effect.
    /// - Throws: the exit code, when it is told why.
    func refuseIdleOptions() throws {
        for option in given where option.isThere && !option.ways.contains(way) {
            throw Self.refusal("\(option.name) has no effect \(way.words): \(option.hint)")
        }
        if seed != nil, seeds != nil {
            throw Self.refusal(
                "--seed and --seeds contradict each other: --seeds 5..5 is one of them, leave out --seed"
            )
        }
        let setsSeed = settings.contains { $0.hasPrefix("seed=") }
        if setsSeed, seed != nil || seeds != nil {
            throw Self.refusal("--set seed=… has no effect beside \(seeds == nil ? "--seed" : "--seeds"): leave it out")
        }
        if jobs != nil, seeds == nil {
            throw Self.refusal("--jobs has no effect on one world: \(given.first { $0.name == "--jobs" }?.hint ?? "")")
        }
        if stack != nil, compare.count > 1 {
            throw Self.refusal("--stack has no effect beside two stacks of --compare: name it there, or leave it out")
        }
        if tap, json { throw Self.refusal("--tap and --json are two forms of the same: leave one of them out") }
        if scrapes, quiet || tap {
            let word = quiet ? "--quiet" : "--tap"
            throw Self.refusal(
                "--scrapes has no effect beside \(word), which prints no event log: leave one of them out"
            )
        }
        if files.count > 1, way == .served { throw Self.refusal("--serve shows one world: name one scenario") }
        if files.count > 1, out != nil {
            throw Self.refusal("--out keeps the database of one world: name one scenario")
        }
        if files.count > 1, svg != nil {
            throw Self.refusal("--svg draws the study of one scenario: name one scenario")
        }
    }

    /// Refuses what has no effect on these scenarios.
    /// - Throws: the exit code, when it is told why.
    func refuseIdleOptions(of scenarios: [Scenario]) throws {
        if svg != nil, scenarios.allSatisfy(\.studies.isEmpty) {
            throw Self.refusal("--svg draws a study, and there is none in the scenario: study: {alert: NAME, event: …}")
        }
        if listenPushgateway != nil, way == .worlds, !scenarios.contains(where: \.hasSockets) {
            throw Self.refusal(
                "--listen-pushgateway has no effect on a world without sockets: --serve, or sockets: true in the scenario"
            )
        }
    }
}
