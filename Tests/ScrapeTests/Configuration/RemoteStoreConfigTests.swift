import ConfigTree
import MetricModel
import Scrape
import Testing

@Suite("The store elsewhere", .timeLimit(.minutes(5)))
struct RemoteStoreConfigTests {
    private func read(_ text: String) throws -> RemoteStoreConfig {
        let problems = ConfigProblems(file: "p.yml")
        let node = try YAMLReader.parse(Array(text.utf8), file: "p.yml")
        let section = ConfigSection(node, type: "storage.remote", path: "storage.remote", problems: problems)
        let config = RemoteStoreConfig(reading: section, node: node, context: ConfigContext())
        try problems.throwIfAny()
        return config
    }

    @Test func `it is read as it is written`() throws {
        let config = try read(
            "{query: \"http://h:1/select/0/prometheus/api/v1/\", read: \"http://h:1/read\", exact: true, headers: {X-Scope-OrgID: a}, "
                + "remote_timeout: 3s, write: [{url: \"http://h:2/w\", headers: {b: c}}, {url: \"http://h:3/w\", name: n}]}"
        )
        #expect(config.bases == ["http://h:1/select/0/prometheus"])
        #expect(config.writes.map(\.url) == ["http://h:2/w", "http://h:3/w"])
        #expect(config.writes[0].headers.map(\.name) == ["b", "X-Scope-OrgID"])
        #expect(config.writes[1].name == "n")
        #expect(config.read?.url == "http://h:1/read")
        #expect(config.read?.readsRecent == true)
        #expect(config.isExact)
        #expect(config.timeout == 3000)
    }

    @Test func `several engines may have a part each`() throws {
        let config = try read("{query: [\"http://a:1/\", \"http://b:1/api/v1\"], write: [{url: \"http://h:2/w\"}]}")
        #expect(config.bases == ["http://a:1", "http://b:1"])
        #expect(config.read == nil)
    }

    @Test(
        arguments: [
            (
                "{query: [\"http://a\", \"http://b\"], read: \"http://a\", write: [{url: x}]}",
                "read is for one engine; several in query are read by queries"
            ),
            (
                "{query: [], write: [{url: x}]}",
                "query has to say where the engine's API is, as in query: http://localhost:8428"
            ),
            ("{write: [{url: x}]}", "query has to say where the engine's API is, as in query: http://localhost:8428"),
            (
                "{query: \"h:1\", write: [{url: x}]}",
                "query has to be a URL that begins with http:// or https://, not \"h:1\""
            ),
            ("{query: \"http://h\"}", "write has to name at least one URL: nothing would be stored"),
            ("{query: \"http://h\", write: [{}]}", "url for remote_write is empty"),
            (
                "{query: \"http://h\", write: [{url: x}], headers: {user-agent: x}}",
                "user-agent is a reserved header. It must not be changed"
            ),
        ] as [(String, String)]
    )
    func `mistakes are told`(text: String, message: String) throws {
        let error = try #require(throws: ConfigError.self) { try read(text) }
        #expect(error.problems.map(\.message).contains(message), "\(error)")
    }
}
