import Exposition
import Hummingbird
import MetricModel

/// What Prometheus has not: what OpenTelemetry's clients sent and what became of each metric, and a server at the path that these
/// clients have by default.
extension PrometheusServer {
    /// `/api/v1/otlp/received?since=NUMBER`: the last requests, oldest first.
    func otlpReceived(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let since = parameters["since"]
        guard let number = since.isEmpty ? 0 : UInt64(since) else {
            throw APIFailure(.badData, "since has to be the number of a request, not \(GoText.quoted(since))")
        }
        let limit = try parameters.limit()
        var receipts = otlp.since(number)[...]
        if limit > 0 { receipts = receipts.suffix(limit) }
        return .json(receipts.map(\.json))
    }

    /// The routes of the server for clients without settings.
    public func makeOTLPRouter() -> WebRouter {
        let others: WebHandler = { request in
            .error(
                "\(request.path) is not taken here: only metrics are, at /v1/metrics; traces and logs need a collector",
                status: 404
            )
        }
        let metrics = Route.on(.post, at: "/v1/metrics") { request in
            if let response = self.unavailable() { return response }
            return await self.receiveOTLP(request)
        }
        return WebRouter(
            [
                metrics.bodies(upTo: 32 << 20), .on(.post, at: "/v1/traces", others),
                .on(.post, at: "/v1/logs", others),
            ],
            prefix: "",
            style: RouteMux.Style()
        )
    }
}

extension OTLPReceipts.Receipt {
    fileprivate var json: JSONObject {
        [
            "number": number,
            "time": JSONTime(time / 1_000_000),
            "client": client,
            "userAgent": agent,
            "contentType": type,
            "contentEncoding": coding,
            "bytes": size,
            "status": status,
            "error": error,
            "samples": samples,
            "histograms": histograms,
            "exemplars": exemplars,
            "warnings": warnings,
            "metrics": verdicts.map { $0.json(isTaken: status < 300) },
        ]
    }
}

extension OTLPTranslator.Verdict {
    fileprivate func json(isTaken: Bool) -> JSONObject {
        let verdict =
            if problem != nil {
                "refused"
            } else if !isTaken {
                "not taken because of others"
            } else {
                points == 0 ? "dropped" : "taken"
            }
        return [
            "name": facts.name,
            "unit": facts.unit,
            "kind": facts.kind,
            "points": points,
            "family": facts.family,
            "type": facts.metadata.type.rawValue,
            "samples": samples.count + histograms.count,
            "verdict": verdict,
            "error": problem ?? "",
            "warnings": warnings,
        ]
    }
}
