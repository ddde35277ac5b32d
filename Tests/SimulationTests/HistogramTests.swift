import Promenade
import Simulation
import Testing

/// Histograms of services and batches count as those of a process do: no bucket ever falls.
@Suite(.timeLimit(.minutes(5))) struct HistogramTests {
    @Test func `no bucket falls, native or not, whatever becomes of the distribution`() async throws {
        let shapes = [
            "median: 80ms, p99: 900ms", "median: 50ms, p99: 200ms", "median: 2s, p99: 4s", "median: 1s, p99: 1s",
        ]
        for (number, shape) in shapes.enumerated() {
            let text = """
                duration: 30m
                seed: \(number + 1)
                stack:
                  global: {scrape_interval: 15s}
                  scrape_configs:
                    - {job_name: api, static_configs: [{targets: [api]}]}
                    - {job_name: converted, convert_classic_histograms_to_nhcb: true, static_configs: [{targets: [old]}]}
                    - {job_name: run, scrape_interval: 1s, scrape_timeout: 1s, convert_classic_histograms_to_nhcb: true, static_configs: [{targets: [batch]}]}
                services:
                  api: {metrics: {n: {type: histogram, rate: 50/s, noise: 20%, \(shape), native: true}, c: {type: histogram, rate: 50/s, \(shape)}}}
                  old: {metrics: {h: {type: histogram, rate: 50/s, \(shape)}}}
                batches: {batch: {every: 10m, takes: 5m, deliver: endpoint, metrics: {b: {type: histogram, rate: 20/s, \(shape)}}}}
                events:
                  - {at: 21m, do: set, service: api, metric: n, median: 20ms, p99: 60ms}
                  - {at: 21m, do: set, service: old, metric: h, median: 20ms, p99: 60ms}
                  - {at: 21m, do: set, service: api, metric: c, median: 20ms, p99: 60ms}
                expect:
                  - {at: 20m, that: 'abs(histogram_count(rate(n[10m])) - 50) < 2'}
                  - {at: 20m, that: 'abs(rate(c_count[10m]) - 50) < 1'}
                  - {at: 29m, that: 'resets(n[29m]) == 0'}
                  - {at: 29m, that: 'resets(h[29m]) == 0'}
                  - {at: 29m, that: 'resets(c_sum[29m]) == 0 and resets(c_count[29m]) == 0'}
                  - {at: 14m50s, that: 'resets(b[4m30s]) == 0 and histogram_count(b) > 5000'}
                  - {at: 29m, that: 'abs(histogram_avg(rate(n[5m])) - 0.022) < 0.005'}
                  - {at: 29m, that: 'histogram_quantile(0.5, rate(n[5m])) < 0.03'}
                  - {never: 'c_bucket{le="+Inf"} != ignoring(le) c_count'}
                """
            let outcome = try await TestWorlds.run(text)
            #expect(outcome.report.isGood, "\(shape)\n\(outcome.report.text)")
        }
    }

    @Test func `quantiles are those of the distribution`() async throws {
        let text = """
            duration: 20m
            stack: {global: {scrape_interval: 15s}}
            services:
              api:
                metrics:
                  n: {type: histogram, rate: 90/s, median: 50ms, p99: 200ms, native: true}
                  sizes: {type: summary, median: 300, p99: 3000, quantiles: [0.01, 0.5, 0.99]}
            expect:
              - {at: 20m, that: 'abs(histogram_quantile(0.5, rate(n[10m])) - 0.05) < 0.003'}
              - {at: 20m, that: 'abs(histogram_quantile(0.99, rate(n[10m])) - 0.2) < 0.01'}
              - {at: 20m, that: 'histogram_quantile(1, rate(n[10m])) < 1'}
              - {at: 20m, that: 'sizes{quantile="0.5"} == 300 and ignoring (quantile) sizes{quantile="0.99"} == 3000'}
              - {at: 20m, that: 'sizes{quantile="0.01"} == 30'}
            """
        let outcome = try await TestWorlds.run(text)
        #expect(outcome.report.isGood, "\(outcome.report.text)")
    }
}
