package import Exposition
package import MetricModel

/// One scrape for somebody who looks at it: the same request and the same reading as a job's, but nothing is stored.
package struct SingleScrape: Sendable {
    /// One sample as it was read.
    package struct Sample: Sendable {
        package var labels: Labels
        package var value: String
        /// The time that the target gave, in ms; `nil` without one.
        package var timestamp: Timestamp?
        package var exemplars: [Exemplar]
    }

    /// What was sent.
    package var request: TargetRequest
    /// What came back; `nil` where nothing did.
    package var response: TargetResponse?
    /// The body, unpacked.
    package var body: [UInt8] = []
    /// The format that the body was read as.
    package var format: ScrapeFormat?
    /// What is odd about the Content-Type although it can be read.
    package var warning = ""
    /// The samples up to the error, if there is one.
    package var samples: [Sample] = []
    /// Why the scrape failed, in Prometheus's words; empty where it did not.
    package var error = ""
    /// From the request to the whole body.
    package var fetchNanoseconds: Int64 = 0
    /// For reading the samples.
    package var readNanoseconds: Int64 = 0

    /// Whether the body came compressed.
    package var isCompressed: Bool { response?.isCompressed ?? false }

    /// Scrapes.
    /// - Parameter accept: replaces the Accept header that the configuration makes.
    package static func run(
        url: String,
        config: ScrapeConfig,
        accept: String? = nil,
        transport: some TargetTransport,
        clock: some StackClock,
        userAgent: String
    ) async -> SingleScrape {
        var headers = ScrapeHeaders.all(config, timeout: config.scrapeTimeout, userAgent: userAgent)
        if let accept, let index = headers.firstIndex(where: { $0.name == "Accept" }) { headers[index].value = accept }
        var scrape = SingleScrape(
            request: TargetRequest(
                url: url,
                headers: headers,
                timeoutMilliseconds: config.scrapeTimeout.milliseconds,
                bodyLimit: config.limits.bodyLimit
            )
        )
        let begin = clock.steadyNanoseconds
        do throws(TransportError) {
            let response = try await transport.fetch(scrape.request, timedBy: clock)
            scrape.fetchNanoseconds = clock.steadyNanoseconds - begin
            scrape.response = response
            let limit = config.limits.bodyLimit
            scrape.body = try BodyDecoder.decode(response.body, isCompressed: scrape.isCompressed, limit: limit)
            guard response.status == 200 else {
                throw TransportError("server returned HTTP status \(response.statusText)", code: .status)
            }
        } catch {
            scrape.error = error.message
            return scrape
        }
        let choice = ScrapeFormat.choose(
            contentType: scrape.response?.header("Content-Type") ?? "",
            fallback: config.fallbackProtocol?.format
        )
        scrape.format = choice.format
        guard let format = choice.format else {
            scrape.error = choice.problem?.message ?? ""
            return scrape
        }
        scrape.warning = choice.problem?.message ?? ""
        let read = clock.steadyNanoseconds
        scrape.read(format)
        scrape.readNanoseconds = clock.steadyNanoseconds - read
        return scrape
    }

    private mutating func read(_ format: ScrapeFormat) {
        var found: [Sample] = []
        var message = ""
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format)
            do throws(ExpositionError) {
                while let entry = try parser.next() {
                    let value: String
                    switch entry {
                    case .series: value = GoNumber.text(parser.value, .shortest)
                    case .histogram: value = "\(parser.histogram)"
                    case .type, .help, .unit, .comment: continue
                    }
                    var sample = Sample(
                        labels: parser.labels(),
                        value: value,
                        timestamp: parser.timestamp,
                        exemplars: []
                    )
                    while let exemplar = parser.nextExemplar() { sample.exemplars.append(exemplar) }
                    found.append(sample)
                    if let name = sample.labels.repeatedName {
                        message = "label name \(GoText.quoted(name)) is not unique: invalid sample"
                        return
                    }
                }
            } catch {
                message = error.message
            }
        }
        samples = found
        error = message
    }
}
