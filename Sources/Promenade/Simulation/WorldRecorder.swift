import MetricModel
package import Scrape
package import Simulation

/// Records what happens in a world: the other way to a recording than a running stack.
package final class WorldRecorder {
    /// What was recorded.
    package private(set) var recording = Recording()
    private var last: [String: Timestamp] = [:]

    /// Nothing is recorded yet.
    package init() {}

    /// Takes over what was scraped since the last call; to be called after each step.
    package func look(_ world: World) {
        guard let scraper = world.stack.scraper else { return }
        for pool in scraper.pools() {
            for target in pool.active {
                let place = target.scrapePool + " " + target.target.url
                if target.report.lastScrape == last[place] { continue }
                last[place] = target.report.lastScrape
                let kept = scraper.rawScrapes(pool: target.scrapePool, labels: target.target.publicLabels)
                guard let raw = kept.first else { continue }
                var scrape = Recording.Scrape(raw)
                scrape.pool = target.scrapePool
                recording.scrapes.append(scrape)
            }
        }
    }
}

extension Recording.Scrape {
    /// A scrape as it went over the wire.
    package init(_ raw: RawScrape) {
        self.init(time: raw.sampleTime, url: raw.url)
        status = raw.status
        contentType = raw.responseHeaders.first { $0.name.lowercased() == "content-type" }?.value ?? ""
        duration = raw.duration
        error = raw.error
        body = raw.body ?? []
    }
}
