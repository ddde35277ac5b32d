import MetricModel
import PromQL

extension PrometheusServer {
    private func requireAdmin() throws(APIFailure) {
        if !settings.isAdminEnabled { throw APIFailure(.unavailable, "admin APIs disabled") }
    }

    func deleteSeries(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try requireAdmin()
        try parameters.requireForm()
        let texts = parameters.form.values("match[]")
        // As in Prometheus, parts of a body come too late for this look.
        guard parameters.form.containsEncoded("match[]") else {
            throw APIFailure(.badData, "no match[] parameter provided")
        }
        let start = try parameters.time("start", default: .earliest)
        let end = try parameters.time("end", default: .latest)
        // `{}` selects nothing here, as in Prometheus: it would be the whole store.
        let sets = try await selectors(texts, "match[]").filter { !$0.isEmpty }
        if sets.isEmpty { return .nothing }
        do throws(StorageError) {
            try await store.delete(sets, in: TimeSpan(start: start.milliseconds, end: end.milliseconds))
        } catch {
            throw Self.failure(error, .internal)
        }
        return .nothing
    }

    func cleanTombstones(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try requireAdmin()
        do throws(StorageError) {
            try await store.cleanTombstones()
        } catch {
            throw Self.failure(error, .internal)
        }
        return .nothing
    }

    func snapshot(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try requireAdmin()
        let skipHead = parameters["skip_head"]
        if !skipHead.isEmpty, case .failure(let error) = GoSyntax.bool(skipHead) {
            throw .invalid("skip_head", "unable to parse boolean: \(error.message)")
        }
        let time = CivilTime(seconds: clock.wallNanoseconds / 1_000_000_000).text.filter { $0 != "-" && $0 != ":" }
        let random = String(UInt64.random(in: 0...UInt64(Int64.max)), radix: 16)
        let name = "\(time)Z-" + String(repeating: "0", count: 16 - random.count) + random
        let snapshots = (settings.dataFolder.isEmpty ? "." : settings.dataFolder) + "/snapshots"
        let folder = snapshots + "/" + name
        // Others may look into what is made above a folder, so each is made by itself.
        if let reason = environment.createFolder(snapshots) ?? environment.createFolder(folder) {
            throw APIFailure(.internal, "create snapshot directory: \(reason)")
        }
        do throws(StorageError) {
            try await store.snapshot(toFile: folder + "/stack.db")
        } catch {
            throw APIFailure(.internal, "create snapshot: \(error.message)")
        }
        return .json { text in
            text.raw("{\"name\":")
            text.string(name)
            text.raw("}")
        }
    }
}
