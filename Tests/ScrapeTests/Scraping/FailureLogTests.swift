import MetricModel
import NIOCore
import Scrape
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

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

    @Test("a pipe that nobody reads holds no scrape up, and what was left out is counted")
    func unreadPipe() throws {
        let folder = TemporaryFolder()
        let path = folder / "failures.log"
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let logs = FailureLogs(clock: ManualClock())
        #expect(logs.open([path]).isEmpty)
        var text = ""
        func readOn() {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            while case let count = read(reader, &bytes, bytes.count), count > 0 {
                text += String(decoding: bytes[..<count], as: UTF8.self)
            }
        }
        let message = String(repeating: "x", count: 5_000)
        for _ in 0..<100 { logs.note(message, job: "j", target: "t", in: path) }
        readOn()
        logs.note("last", job: "j", target: "t", in: path)
        readOn()
        let lines = text.split(separator: "\n")
        let whole = lines.count { $0.hasPrefix("{") && $0.hasSuffix("\"target\":\"t\"}") }
        let left = try #require(lines.first { $0.contains("failures were left out") })
        let count = try #require(left.split(separator: "\"").last { Int($0) != nil }.flatMap { Int($0) })
        // One may have been written in part; its line ends there.
        #expect(count > 0 && (100...101).contains(whole + count), "\(whole) \(count)")
        #expect(lines.last?.contains("\"last\"") == true)
    }
}
