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
        return .json { text in
            text.list(receipts) { receipt, text in
                receipt.write(to: &text)
            }
        }
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
    fileprivate func write(to text: inout JSONText) {
        text.raw("{")
        text.field("number", isFirst: true)
        text.integer(number)
        text.field("time")
        text.timestamp(time / 1_000_000)
        text.field("client")
        text.string(client)
        text.field("userAgent")
        text.string(agent)
        text.field("contentType")
        text.string(type)
        text.field("contentEncoding")
        text.string(coding)
        text.field("bytes")
        text.integer(size)
        text.field("status")
        text.integer(status)
        text.field("error")
        text.string(error)
        text.field("samples")
        text.integer(samples)
        text.field("histograms")
        text.integer(histograms)
        text.field("exemplars")
        text.integer(exemplars)
        text.field("warnings")
        text.strings(warnings)
        text.field("metrics")
        text.raw("[")
        for (index, verdict) in verdicts.enumerated() {
            if index > 0 { text.raw(",") }
            verdict.write(to: &text, isTaken: status < 300)
        }
        text.raw("]}")
    }
}

extension OTLPTranslator.Verdict {
    fileprivate func write(to text: inout JSONText, isTaken: Bool) {
        text.raw("{")
        text.field("name", isFirst: true)
        text.string(facts.name)
        text.field("unit")
        text.string(facts.unit)
        text.field("kind")
        text.string(facts.kind)
        text.field("points")
        text.integer(points)
        text.field("family")
        text.string(facts.family)
        text.field("type")
        text.string(facts.metadata.type.rawValue)
        text.field("samples")
        text.integer(samples.count + histograms.count)
        text.field("verdict")
        text.raw("\"")
        if problem != nil {
            text.raw("refused")
        } else if !isTaken {
            text.raw("not taken because of others")
        } else if points == 0 {
            text.raw("dropped")
        } else {
            text.raw("taken")
        }
        text.raw("\"")
        text.field("error")
        text.string(problem ?? "")
        text.field("warnings")
        text.strings(warnings)
        text.raw("}")
    }
}
