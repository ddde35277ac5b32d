import ConfigTree
import MetricModel
import Scrape
import Testing

/// What a fixture is told about the targets of a job.
@Suite(.timeLimit(.minutes(5))) struct TargetsRequestTests {
    @Test(
        arguments: [
            ("http://h:80/m", #"{"targets":["h:80"],"config":{"scheme":"http","metrics_path":"/m"}}"#),
            ("https://h", #"{"targets":["h"],"config":{"scheme":"https"}}"#), ("h:1/", #"{"targets":["h:1"]}"#),
            ("h:1/a/b?c=d", #"{"targets":["h:1"],"config":{"metrics_path":"/a/b"}}"#),
        ]
    )
    func `a URL is no target, and how it is written is told with its own parts`(_ url: String, _ right: String) throws {
        func request(_ text: String) throws -> TargetsRequest {
            try TargetsRequest(
                job: "app",
                reading: try JSONReader.parse(Array(text.utf8), file: "body"),
                known: nil,
                isAddition: false,
                global: GlobalConfig(),
                context: ConfigContext()
            )
        }
        let error = #expect(throws: ConfigError.self) { _ = try request("{\"targets\": [\"\(url)\"]}") }
        let hint = "(a target is host:port; scheme and path stand in \"config\": \(right))"
        #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
        // What is told can be sent.
        #expect(try request(right).job.jobName == "app")
    }
}
