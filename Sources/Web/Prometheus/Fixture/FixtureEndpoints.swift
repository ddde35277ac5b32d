import MetricModel
import Scrape

/// What only a test fixture does: targets that come and go, and faults.
extension PrometheusServer {
    /// - Parameter event: an event of a scenario that does the same.
    private func control(_ what: String, event: String = PrometheusServer.faultEvent) throws(APIFailure)
        -> FixtureControl
    {
        if let control = environment.fixture { return control }
        if environment.clock?.player != nil {
            throw APIFailure(
                .forbidden,
                "this world is simulated: \(what) by events of its scenario, such as \(event), and not while it runs"
            )
        }
        throw APIFailure(
            .forbidden,
            "\(what) over HTTP only in a test fixture, which \(ProgramName.called) run --test starts; this is a server for real data"
        )
    }

    private static let faultEvent = #"{at: 5m, do: fault, target: "localhost:8080", fault: refused, for: 1m}"#

    /// `/api/v1/faults`: all faults; DELETE ends them.
    func faults(_ request: WebRequest, _ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let control = try control("faults are injected")
        if request.method == .delete { control.faults.clear() }
        return Self.list(control.faults)
    }

    /// `/api/v1/faults/targets/JOB`: the fault of a job's targets.
    func targetFault(_ request: WebRequest, _ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let control = try control("faults are injected")
        let job = request.captured(after: "/api/v1/faults/targets/")
        if request.method == .put, let scraper, !scraper.poolNames.contains(job) { throw unknownJob(job, scraper) }
        control.faults.set(try fault(request, control), job: job, target: parameters.query["target"])
        return Self.list(control.faults)
    }

    /// `/api/v1/faults/pushgateway`: the fault of pushes.
    func pushFault(_ request: WebRequest, _ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let control = try control("faults are injected")
        let fault = try fault(request, control)
        if case .resetCounters = fault?.kind {
            throw APIFailure(
                .badData,
                "pushes have no counters of their own; put reset_counters on the job that scrapes the Pushgateway"
            )
        }
        control.faults.setPushes(fault)
        return Self.list(control.faults)
    }

    private func unknownJob(_ job: String, _ scraper: ScrapeManager) -> APIFailure {
        let names = scraper.poolNames.sorted().joined(separator: ", ")
        return APIFailure(.notFound, "there is no job \(GoText.quoted(job)); there are \(names)")
    }

    // MARK: Targets

    /// `/api/v1/targets/JOB`: targets that come and go.
    func setTargets(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let control = try control("targets are changed", event: "{at: 5m, do: scale, service: shop, instances: 3}")
        let job = request.captured(after: "/api/v1/targets/")
        // Only the URL: the body is JSON.
        let query = parameters.query
        let failure: APIFailure?
        if request.method == .delete {
            if let scraper, !scraper.poolNames.contains(job) { throw unknownJob(job, scraper) }
            failure = await control.removeTargets(job, query["target"])
        } else {
            let waits = query["wait"] == "true" || query["wait"] == "1"
            failure = await control.setTargets(job, request.body, request.method == .post, waits)
        }
        if let failure { throw failure }
        return targetList(scraper?.pools(named: job) ?? [])
    }

    /// The targets of some jobs.
    func targetList(_ pools: [PoolSnapshot]) -> APIAnswer {
        .json(["targets": pools.flatMap(\.active).map(json)] as JSONObject)
    }

    // MARK: Faults

    private func fault(_ request: WebRequest, _ control: FixtureControl) throws(APIFailure) -> Fault? {
        if request.method == .delete { return nil }
        switch control.readFault(request.body) {
        case .success(let fault): return fault
        case .failure(let failure): throw failure
        }
    }

    private static func list(_ board: FaultBoard) -> APIAnswer {
        let (targets, pushes) = board.all
        let faults = targets.map { entry in
            var object: JSONObject = ["job": entry.job, "target": entry.target]
            object += json(entry.fault)
            return object
        }
        let gateway = pushes.map { fault in
            var object: JSONObject = ["active": true]
            object += json(fault)
            return object
        }
        return .json(["targets": faults, "pushgateway": gateway] as JSONObject)
    }

    private static func json(_ fault: Fault) -> JSONObject { JSONObject(fault.fields.map { ($0.name, $0.value) }) }
}

extension Fault.FieldValue: JSONWritable {
    func write(to text: inout JSONText) {
        switch self {
        case .text(let value): text.string(value)
        case .number(let value): text.integer(value)
        }
    }
}
