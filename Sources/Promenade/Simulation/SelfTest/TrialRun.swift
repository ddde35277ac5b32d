import MetricModel
import NIOCore
import PromQL
import Pushgateway
import Simulation
import StorageFaults
import TSDB
import Web

/// One random world, disturbed at random and checked against what has to be true of every world. Used by one task.
final class TrialRun {
    let plan: TrialScenario
    let folder: String
    let files: FaultyFiles
    let ledger = TrialLedger()
    var model = GatewayModel()
    var problems: [String] = []
    /// When the server began anew: what was there before is not marked stale by it.
    var breaks: [Timestamp] = []
    /// When each instance began, in milliseconds since 1970.
    private(set) var beginnings: [String: [Timestamp]] = [:]
    /// How many steps there were.
    var steps = 0
    private var chance: RandomStream
    private var fault: FaultyFiles.Fault?
    private var faultAt = -1
    private var healAt = -1
    private var jumpAt = -1
    private var copies = 0
    /// How often files were opened anew and compared: killed, without power, restarted, closed.
    private(set) var reopenings = 0
    /// Whether a push failed in a way that leaves open what is in the file.
    private var isModelOpen = false
    private var isOver = false

    init(_ plan: TrialScenario, folder: String, files: FaultyFiles) {
        self.plan = plan
        self.folder = folder
        self.files = files
        chance = RandomStream(seed: plan.seed, name: "disturbances")
        if plan.jumps { jumpAt = Int(chance.whole(3...60)) }
        guard plan.hasDiskFault else { return }
        let kinds: [FaultyFiles.Fault] = [.fullDisk, .failedWrite, .failedSync, .tornWrite]
        fault = kinds[Int(chance.whole(0...3))]
        faultAt = Int(chance.whole(2...60))
        healAt = faultAt + Int(chance.whole(1...20))
    }

    /// What is not as it has to be.
    func run() async throws -> (problems: [String], steps: Int, samples: Int) {
        var options = World.Options(seed: plan.seed)
        if plan.isStored { options.keeping = .folder(folder + "/live") }
        options.fileSystem = files.name
        let ledger = ledger
        options.taps.store = { LedgerStore($0, ledger) }
        options.taps.tune = Self.tune
        let world = try await World(try plan.scenario(), options)
        world.keepsLog = false
        try await world.begin()
        while !isOver, problems.isEmpty, try await world.step() != nil {
            steps += 1
            noteBeginnings(world)
            try await disturb(world)
        }
        files.heal()
        if isOver || !problems.isEmpty {
            try? await world.stack.close()
            return (problems, steps, world.samples)
        }
        try await judge(world)
        try await world.stack.close()
        if plan.isStored { try await checkCopy(world, "closed") }
        return (problems, steps, world.samples)
    }

    /// Small heads, so that blocks are closed and merged in a short life.
    static let tune: @Sendable (inout StoreOptions) -> Void = { options in
        options.headSamples = 300
        options.headAge = 40_000
    }

    var allowsUncertain: Bool { fault != .fullDisk }

    func fail(_ world: World, _ words: String) {
        problems.append("+\(world.now / 1_000_000_000)s (step \(steps)): \(words)")
    }

    private func noteBeginnings(_ world: World) {
        for instance in world.services.values.flatMap(\.instances) {
            let time = world.scenario.start + instance.began / 1_000_000
            if beginnings[instance.name]?.last != time { beginnings[instance.name, default: []].append(time) }
        }
    }

    // MARK: Disturbances

    private func disturb(_ world: World) async throws {
        if steps == faultAt, let fault { files.fail(fault, after: Int(chance.whole(0...12))) }
        if steps == healAt, let fault {
            files.heal()
            // Nobody writes any more after a torn write: the power is gone, and what is in the files is all.
            if fault == .tornWrite || chance.happens(0.3) {
                try await checkCopy(world, "\(fault)")
                if fault == .tornWrite { return isOver = true }
                try await restart(world, keepsData: true)
            }
        }
        if steps == jumpAt { world.clock.jump(nanoseconds: chance.whole(-120...600) * 1_000_000_000) }
        if chance.happens(0.08) { try await push(world) }
        if steps >= faultAt, steps < healAt { return }
        if plan.isStored, copies < 2, chance.happens(0.02) {
            copies += 1
            try await checkCopy(world, "killed")
        }
        if chance.happens(0.01) { try await restart(world, keepsData: chance.happens(0.7)) }
        if chance.happens(0.01) {
            let keepsData = chance.happens(0.7)
            try await world.stack.stopGateway(keepsData: keepsData, isKilled: chance.happens(0.5))
            try await world.stack.startGateway()
            if !keepsData { model.clear() }
            await checkGateway(world.stack) { self.fail(world, "after a restart of the Pushgateway: \($0)") }
        }
    }

    private func restart(_ world: World, keepsData: Bool) async throws {
        reopenings += 1
        if keepsData, chance.happens(0.5) {
            try await world.stack.killPrometheus()
        } else {
            await world.stack.stopPrometheus()
            try await world.stack.reopenStore(keepsData: keepsData)
        }
        try await world.stack.startGateway()
        try await world.stack.startPrometheus()
        breaks.append(world.clock.now)
        if !keepsData { ledger.clear() }
        let columns = try await Self.everything(world.stack)
        for words in ledger.differences(columns, allowsUncertain: allowsUncertain) { fail(world, "reopened: \(words)") }
        if !isModelOpen {
            await checkGateway(world.stack) { self.fail(world, "after a restart of the server: \($0)") }
        }
    }

    static func everything(_ stack: SimulatedStack) async throws(StorageError) -> [SeriesColumns] {
        try await stack.store.select(SelectRequest(matchers: [], start: .min, end: .max))
    }

    // MARK: The Pushgateway

    private func push(_ world: World) async throws {
        guard let responder = world.stack.responder else { return }
        let push = GatewayModel.push(&chance)
        let request = WebRequest(
            method: push.method == "DELETE" ? .delete : push.method == "POST" ? .post : .put,
            target: "/metrics/" + push.path,
            headers: WebHeaders([("Content-Type", "text/plain; version=0.0.4")]),
            body: Array(push.body.utf8)
        )
        let status = await responder.respondInProcess(to: request).status
        var after = model
        let expected = after.take(push)
        if status == expected {
            model = after
        } else if status >= 500, steps >= faultAt, fault != nil {
            // It was not acknowledged: it must not be seen.
            if fault != .fullDisk { isModelOpen = true }
        } else {
            fail(world, "\(push.method) \(push.path) was answered with \(status) and not \(expected): \(push.body)")
        }
        await checkGateway(world.stack) { self.fail(world, "after \(push.method) \(push.path) (\(status)): \($0)") }
    }

    private func checkGateway(_ stack: SimulatedStack, _ tell: (String) -> Void) async {
        guard let responder = stack.responder else { return }
        let response = await responder.respondInProcess(to: WebRequest(method: .get, target: "/metrics"))
        var text: [UInt8] = []
        switch response.body {
        case .bytes(let bytes): text = bytes
        case .buffer(let buffer): text = Array(buffer.readableBytesView)
        case .stream, .none: break
        }
        let found = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("m_") }.sorted()
        if found != model.lines { tell("the Pushgateway has \(found) and not \(model.lines)") }
    }

    // MARK: Copies

    /// What a process that is killed now leaves behind has everything, and answers as the one that lives.
    private func checkCopy(_ world: World, _ words: String) async throws {
        reopenings += 1
        let copy = folder + "/copy"
        defer { StoreCopy.remove(copy) }
        try StoreCopy.copy(from: folder + "/live", to: copy)
        var taps = SimulatedStack.Taps()
        taps.tune = Self.tune
        let clock = ManualClock(now: world.clock.now)
        let stack = try SimulatedStack(
            config: world.stack.config,
            clock: clock,
            seed: plan.seed,
            start: world.scenario.start,
            keeping: .folder(copy),
            taps: taps
        )
        try await stack.startGateway()
        let columns = try await Self.everything(stack)
        for line in ledger.differences(columns, allowsUncertain: allowsUncertain) { fail(world, "\(words): \(line)") }
        for line in try await (stack.store as? TimeSeriesDatabase)?.problems() ?? [] {
            fail(world, "\(words): \(line)")
        }
        if !isModelOpen { await checkGateway(stack) { self.fail(world, "\(words): \($0)") } }
        if ledger.now.failures == 0, words == "killed" {
            for query in ["up", "sum by (job) (up)", "sum(rate(\(plan.counters[0])[1m]))", "ALERTS"] {
                let (one, other) = (await Self.answer(query, world.stack), await Self.answer(query, stack))
                if one != other { fail(world, "\(query) is \(other) after a kill and \(one) before") }
            }
        }
        try await stack.close()
    }

    static func answer(_ query: String, _ stack: SimulatedStack) async -> String {
        do throws(PromQLError) {
            let result = try await stack.engine.instant(query: query, at: stack.clock.now, reader: stack.store)
            switch result.value {
            case .scalar(let value, _): return "\(value)"
            case .string(let text, _): return text
            case .vector(let rows), .matrix(let rows):
                return (0..<rows.count).map { row in
                    "\(rows.labels[row]) \(rows.floats(row).map { rows.values[$0] })"
                }.sorted().joined(separator: "\n")
            }
        } catch {
            return error.message
        }
    }
}
