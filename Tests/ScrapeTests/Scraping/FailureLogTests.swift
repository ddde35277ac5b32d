import MetricModel
import NIOCore
import Scrape
import Testing

@Suite("The log of failed scrapes", .timeLimit(.minutes(5)))
struct FailureLogTests {
    @Test("a line of JSON for each failed scrape, and the file is opened anew at each change")
    func lines() async {
        let folder = TemporaryFolder()
        let path = folder / "failures.log"
        let harness = await ScrapeHarness { $0.scrapeFailureLogFile = path }
        await harness.scrape()
        harness.transport.set { _ throws(TransportError) in throw TransportError("Get \"http://a:1/metrics\": EOF\n") }
        await harness.scrape()
        let head = #"{"time":"2023-11-14T22:13:30Z","level":"ERROR","source":""#
        let rest = #","msg":"Get \"http://a:1/metrics\": EOF\n","job_name":"j","target":"http://a:1/metrics"}"# + "\n"
        let text = folder.read(path)
        #expect(text.hasPrefix(head) && text.hasSuffix(rest), "\(text)")
        folder.rename(path, to: folder / "old.log")
        await harness.manager.apply(jobs: [harness.job])
        await harness.scrape()
        #expect(folder.read(folder / "old.log") == text)
        #expect(folder.read(path).hasSuffix(rest))
    }
}
