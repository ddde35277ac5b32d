import MetricModel
import Promenade
import TSDB
import Testing
import Web

@Suite struct FlagTests {
    @Test(
        arguments: [
            (["--web.listen-adress=x"], "unknown long flag '--web.listen-adress' (did you mean --web.listen-address?)"),
            (["--query.timeout=soon"], #"--query.timeout: "soon" has to be a duration such as 30s"#),
            (["--log.level=loud"], #"--log.level: "loud" must be one of debug,info,warn,error, got 'loud'"#),
            (["--config.file"], "expected argument for flag '--config.file'"), (["extra"], "unexpected extra"),
        ]
    )
    func `what is wrong is told`(arguments: [String], message: String) {
        do {
            _ = try FlagSet(parsing: arguments)
            Issue.record("accepted: \(arguments)")
        } catch {
            #expect(error.message == message)
        }
    }

    @Test func `without flags only this machine is listened to`() throws {
        let options = try StackOptions(flags: FlagSet(), config: try config(""))
        let addresses = [options.webAddress, options.gatewayAddress, options.demoAddress]
        #expect(addresses.map { $0?.description } == ["127.0.0.1:9090", "127.0.0.1:9091", "127.0.0.1:8080"])
    }

    @Test func `values, switches and lists`() throws {
        let flags = try FlagSet(parsing: [
            "--web.enable-lifecycle", "--no-web.enable-admin-api", "--query.timeout", "90s",
            "--enable-feature=a,b", "--enable-feature=c",
        ])
        #expect(flags.isOn("web.enable-lifecycle"))
        #expect(!flags.isOn("web.enable-admin-api"))
        #expect(flags.duration("query.timeout").milliseconds == 90_000)
        #expect(flags.list("enable-feature") == ["a", "b", "c"])
        #expect(flags.all.first { $0.name == "query.timeout" }?.value == "1m30s")
        #expect(flags["config.file"] == "stack.yml")
    }

    private func config(_ text: String) throws(ConfigError) -> StackConfig {
        try StackConfig(text: Array(text.utf8), file: "s.yml", context: Stack.context("", FlagSet()))
    }

    @Test(
        arguments: [
            (
                "demo_server:\n  trafic: {}\n",
                "s.yml:2:3: demo_server.trafic: field trafic not found in type demo_server (did you mean traffic?)"
            ),
            ("scrape_configs:\n- job_nam: x\n", "(did you mean job_name?)"),
            ("storage:\n  tsdb: 3\n", "s.yml:2:9: storage.tsdb: cannot unmarshal !!int `3` into config.TSDBConfig"),
            ("a: [\n", "s.yml:"),
        ]
    )
    func `mistakes name file, line and field`(text: String, part: String) {
        do {
            _ = try config(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.description.contains(part), "\(error.description)")
        }
    }

    @Test func `sections, and flags that win over them`() throws {
        let parsed = try config(
            "demo_server: {listen_address: ':1', traffic: {requests_per_second: 2, seed: 5}}\npushgateway: {enabled: false}\n"
                + "storage: {path: p, tsdb: {retention: {time: 2d}}}\n"
        )
        #expect(parsed.demo.trafficRate == 2)
        #expect(parsed.demo.seed == 5)
        let options = try StackOptions(flags: FlagSet(), config: parsed)
        #expect(options.demoAddress?.port == 1)
        #expect(options.gatewayAddress == nil)
        #expect(options.dataFolder == "p")
        #expect(options.store.retention == 172_800_000)
        let flags = try FlagSet(parsing: [
            "--storage.tsdb.path=q", "--demo.listen-address=:2", "--storage.tsdb.retention.time=1d",
        ])
        let others = try StackOptions(flags: flags, config: parsed)
        #expect(others.dataFolder == "q")
        #expect(others.demoAddress?.port == 2)
        #expect(others.store.retention == 86_400_000)
    }
}
