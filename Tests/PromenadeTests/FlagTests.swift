import ConfigTree
import Foundation
import MetricModel
import Promenade
import TSDB
import Testing
import Web

@Suite(.timeLimit(.minutes(5))) struct FlagTests {
    @Test(
        arguments: [
            (["--web.listen-adress=x"], "unknown long flag '--web.listen-adress' (did you mean --web.listen-address?)"),
            (["--query.timeout=soon"], #"--query.timeout: "soon" has to be a duration such as 30s"#),
            (["--log.level=loud"], #"--log.level: "loud" must be one of debug,info,warn,error"#),
            (["--config.file"], "expected argument for flag '--config.file'"),
            (["--config.file", "--agent"], "expected argument for flag '--config.file'"),
            (["--web.max-connections", "-1"], "expected argument for flag '--web.max-connections'"),
            (["extra"], "unexpected extra"),
            (["my/stack.yml"], "unexpected my/stack.yml (did you mean --config.file=my/stack.yml?)"),
            (["a.yaml", "--agent"], "(did you mean --config.file=a.yaml?)"),
            (["a.json"], "(did you mean --config.file=a.json?)"),
            (["--", "--agent"], "unexpected --agent"), (["-x"], "unknown short flag '-x'"),
            (["-config.file=a"], "unknown short flag '-c' (did you mean --config.file=a?)"),
            (["log.level=info"], "unexpected log.level=info (did you mean --log.level=info?)"),
            (
                ["--web.enable-lifecycle=true"],
                "unexpected true: --web.enable-lifecycle is a switch and takes no value; "
                    + "--no-web.enable-lifecycle turns it off"
            ), (["--web.enable-lifecycle", "true"], "unexpected true"),
            (["--no-web.page-title"], "unknown long flag '--no-web.page-title'"),
            (["--versoin"], "unknown long flag '--versoin' (did you mean --version?)"),
            (["--no-pushgateway"], "unknown long flag '--no-pushgateway' (did you mean --no-pushgateway.enabled?)"),
            (["--no-web.enable-lifecyle"], "(did you mean --no-web.enable-lifecycle?)"),
            (["--config=c.yml"], "(did you mean --config.file?)"), (["--no-demo"], "(did you mean --no-demo.enabled?)"),
            (["--port=90"], "(did you mean --web.listen-address?)"),
            (["--prot", "9090"], "(did you mean --web.listen-address?)"),
            (["--listen-adress=:1"], "(did you mean --web.listen-address?)"),
            (["--retenton=5d"], "(did you mean --storage.tsdb.retention.time?)"),
            (["--no-lifecyle"], "(did you mean --no-web.enable-lifecycle?)"), (["--quux"], "'--quux'"),
            (["--foo.enabled"], "unknown long flag '--foo.enabled'"),
            (["--retention=5d"], "(did you mean --storage.tsdb.retention.time?)"),
            (["--web.telemetry-path=/m"], "(did you mean --pushgateway.telemetry-path?)"),
            (["--listen-address=:1"], "(did you mean --web.listen-address?)"),
            (["--query.timeout=1m", "--query.timeout=2m"], "flag 'query.timeout' cannot be repeated"),
            (["--agent", "--no-agent"], "flag 'agent' cannot be repeated"),
            (["--web.cors.origin=("], #"--web.cors.origin: "(" has to be a regular expression: missing closing )"#),
            (["--web.max-connections=many"], #"--web.max-connections: "many" has to be a whole number"#),
            (["--rules.max-concurrent-evals=1.5"], "has to be a whole number"),
            (
                ["--storage.tsdb.retention.size=5"],
                #"--storage.tsdb.retention.size: "5" has to be a size such as 512MB"#
            ),
            (
                ["--scrape.timestamp-tolerance=2"],
                #"--scrape.timestamp-tolerance: "2" has to be a duration such as 2ms"#
            ),
            (["--auto-gomemlimit.ratio=2"], "must be greater than 0 and less than or equal to 1"),
            (["--storage.tsdb.wal-compression-type=zst"], "must be one of snappy,zstd (did you mean zstd?)"),
            (["--web.external-url='http://x'"], "must not begin or end with quotes"),
            (["--web.external-url=http://%zz"], #"prometheus: invalid URL escape "%zz""#),
            (["--web.external-url=/a%2"], #"invalid URL escape "%2""#),
            (["--web.external-url=http://a b/"], #"invalid character " " in host name"#),
            (["--pushgateway.external-url=:x"], "missing protocol scheme"),
            (["--web.external-url=http://[::1"], "missing ']' in host"),
            (["@none"], #"failed to open arguments file "none": no such file or directory"#),
        ]
    )
    func `what is wrong is told`(arguments: [String], message: String) {
        do {
            _ = try FlagSet(parsing: arguments)
            Issue.record("accepted: \(arguments)")
        } catch {
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test func `without flags only this machine is listened to`() throws {
        let options = try StackOptions(flags: FlagSet(), config: try config(""))
        let addresses = [options.webAddress, options.gatewayAddress, options.demoAddress]
        #expect(addresses.map { $0?.description } == ["127.0.0.1:9090", "127.0.0.1:9091", "127.0.0.1:8080"])
    }

    @Test(arguments: [
        "", "foo", "http://", "ftp://x", "http://h/?q=%zz", "/p%20q", "localhost:9090", "http://h:99999/",
    ])
    func `URLs that Go reads are taken`(url: String) throws {
        #expect(try FlagSet(parsing: ["--web.external-url=\(url)"])["web.external-url"] == url)
    }

    @Test(
        arguments: [
            (["--web.route-prefix=foo"], "/foo", ""), (["--web.route-prefix=/"], "", ""),
            (["--web.external-url=http://h/a/"], "/a", ""), (["--web.external-url=http://h/%2F"], "", ""),
            (["--web.external-url=x.example:80/a"], "", ""), (["--web.external-url=//h/a"], "/a", ""),
            (["--web.external-url=mailto:x"], "", ""), (["--web.external-url=?a"], "", ""),
            (["--web.external-url=#x"], "", ""), (["--web.external-url=a/b"], "/a/b", ""),
            (["--web.external-url=http://h/a", "--web.route-prefix=/b"], "/b", ""),
            (["--pushgateway.external-url=http://h/p"], "", "/p"), (["--pushgateway.route-prefix=q/"], "", "/q"),
        ]
    )
    func `prefixes of the routes`(arguments: [String], prometheus: String, pushgateway: String) throws {
        let prefixes = try StackOptions(flags: FlagSet(parsing: arguments), config: try config("")).routePrefixes
        #expect(prefixes == (prometheus, pushgateway))
    }

    @Test(arguments: ["", "/", "//"]) func `what was pushed has a path of its own`(path: String) {
        #expect(throws: StackError.self) {
            try StackOptions(flags: FlagSet(parsing: ["--pushgateway.telemetry-path=\(path)"]), config: try config(""))
        }
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

    @Test func `every flag of Prometheus and the Pushgateway is known`() throws {
        // Hidden ones too, of 3.5 and of what comes after 3.9.
        let names = """
            agent alertmanager.drain-notification-queue-on-shutdown alertmanager.notification-batch-size
            alertmanager.notification-queue-capacity auto-gomaxprocs auto-gomemlimit auto-gomemlimit.ratio
            auto-gomemlimit.refresh-interval config.auto-reload config.auto-reload-interval config.file enable-feature
            log.format log.level query.lookback-delta query.max-concurrency query.max-samples query.timeout
            rules.alert.for-grace-period rules.alert.for-outage-tolerance rules.alert.resend-delay
            rules.max-concurrent-evals scrape.adjust-timestamps scrape.discovery-reload-interval
            scrape.timestamp-tolerance storage.agent.checkpoint-batch-size
            storage.agent.checkpoint-from-in-memory-series storage.agent.no-lockfile storage.agent.path
            storage.agent.retention.max-time storage.agent.retention.min-time storage.agent.wal-compression
            storage.agent.wal-compression-type storage.agent.wal-segment-size storage.agent.wal-truncate-frequency
            storage.remote.flush-deadline storage.remote.read-concurrent-limit storage.remote.read-max-bytes-in-frame
            storage.remote.read-sample-limit storage.tsdb.allow-overlapping-compaction
            storage.tsdb.block-reload-interval storage.tsdb.delay-compact-file.path
            storage.tsdb.delayed-compaction.max-percent storage.tsdb.head-chunks-write-queue-size
            storage.tsdb.max-block-chunk-segment-size storage.tsdb.max-block-duration storage.tsdb.min-block-duration
            storage.tsdb.no-lockfile storage.tsdb.path storage.tsdb.retention.size storage.tsdb.retention.time
            storage.tsdb.samples-per-chunk storage.tsdb.wal-compression storage.tsdb.wal-compression-type
            storage.tsdb.wal-segment-size web.config.file web.console.libraries web.console.templates web.cors.origin
            web.enable-admin-api web.enable-lifecycle web.enable-otlp-receiver web.enable-remote-write-receiver
            web.external-url web.listen-address web.max-connections web.max-notifications-subscribers web.page-title
            web.read-timeout web.remote-write-receiver.accepted-protobuf-messages web.route-prefix
            web.search.max-limit web.user-assets
            pushgateway.listen-address pushgateway.config.file pushgateway.telemetry-path pushgateway.external-url
            pushgateway.route-prefix pushgateway.enable-lifecycle pushgateway.enable-admin-api
            pushgateway.systemd-socket persistence.file persistence.interval push.disable-consistency-check
            push.enable-utf8-names
            """
        let known = Set(FlagSet().all.map(\.name))
        let missing = names.split(whereSeparator: \.isWhitespace).filter { !known.contains(String($0)) }
        #expect(missing == [])
    }

    @Test func `what changes nothing is told, with the reason`() throws {
        let flags = try FlagSet(parsing: [
            "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration", "2h", "--web.enable-lifecycle",
            "--web.enable-otlp-receiver", "--no-agent", "--web.listen-address=:1", "--web.listen-address=:2",
            "--enable-feature=old-ui,native-histogram,promql-duration-expr,promql-experimental-functions",
            "--enable-feature=memory-snapshot-on-shutdown,,old-ui",
        ])
        let blocks =
            "has no effect here: samples are kept in one SQLite file, without blocks and without "
            + "Prometheus's write-ahead log"
        #expect(
            flags.withoutEffect.map { "\($0.flag) \($0.text)" } == [
                "--agent has no effect here: this is always a server that can be queried",
                "--storage.tsdb.max-block-duration \(blocks)", "--storage.tsdb.min-block-duration \(blocks)",
                "--web.listen-address only the first of several addresses is listened on",
                "--enable-feature=old-ui has no effect here: there is one set of pages",
                "--enable-feature=native-histogram unknown feature (did you mean native-histograms?)",
                "--enable-feature=promql-duration-expr is always on here",
                "--enable-feature=memory-snapshot-on-shutdown \(blocks)",
            ]
        )
        #expect(FlagSet().withoutEffect == [])
    }

    @Test func `values are kept as Prometheus shows them`() throws {
        let flags = try FlagSet(parsing: [
            "--storage.remote.read-sample-limit=5e7", "--web.max-connections=1_000", "--log.level=WARN",
            "--query.timeout=90s", "--storage.tsdb.retention.size=1.5GB", "--web.page-title=",
        ])
        let shown = Dictionary(uniqueKeysWithValues: flags.all.map { ($0.name, $0.value) })
        #expect(shown["storage.remote.read-sample-limit"] == "50000000")
        #expect(shown["web.max-connections"] == "1000")
        #expect(shown["log.level"] == "warn")
        #expect(shown["query.timeout"] == "1m30s")
        #expect(shown["storage.tsdb.retention.size"] == "1GiB512MiB")
        #expect(shown["web.page-title"] == "")
    }

    @Test(
        arguments: [
            ("web.max-connections", "5e1", "50"), ("web.max-connections", "010", "10"),
            ("web.max-connections", "-1.5", "-1"), ("web.max-connections", "0x1p4", "16"),
            ("web.max-connections", "0x10", nil), ("web.max-connections", "1__0", nil),
            ("web.max-connections", "_1", nil), ("web.max-connections", "NaN", nil),
            ("web.max-connections", "1e19", nil), ("rules.max-concurrent-evals", "010", "8"),
            ("rules.max-concurrent-evals", "0o17", "15"), ("rules.max-concurrent-evals", "0x1F", "31"),
            ("rules.max-concurrent-evals", "0b11", "3"), ("rules.max-concurrent-evals", "1_000", "1000"),
            ("rules.max-concurrent-evals", "-0x10", "-16"), ("rules.max-concurrent-evals", "08", nil),
            ("rules.max-concurrent-evals", "1__0", nil), ("rules.max-concurrent-evals", "1e3", nil),
            ("auto-gomemlimit.ratio", "0x1p-2", "0x1p-2"), ("auto-gomemlimit.ratio", "0x1", nil),
            ("persistence.interval", "1.5h", "1.5h"), ("persistence.interval", "1h1h", "1h1h"),
            ("persistence.interval", ".5s", ".5s"), ("persistence.interval", "5", nil),
            ("scrape.timestamp-tolerance", "1d", "1d"), ("scrape.timestamp-tolerance", "1y", nil),
            ("scrape.timestamp-tolerance", "99999w", nil),
        ] as [(String, String, String?)]
    )
    func `numbers are read as Go reads those of each flag`(name: String, text: String, value: String?) throws {
        guard let value else {
            #expect(throws: FlagError.self) { try FlagSet(parsing: ["--\(name)=\(text)"]) }
            return
        }
        #expect(try FlagSet(parsing: ["--\(name)=\(text)"])[name] == value)
    }

    @Test func `a variable has flags in place of the defaults, and what is given counts instead`() throws {
        let presets = "--web.listen-address=:9090  --storage.path=/data --no-demo.enabled"
        let flags = try FlagSet(parsing: ["--storage.path=x", "--web.enable-lifecycle"], presets: presets)
        #expect(flags["web.listen-address"] == ":9090")
        #expect(flags["storage.path"] == "x")
        #expect(!flags.isOn("demo.enabled"))
        #expect(flags.isOn("web.enable-lifecycle"))
        #expect(try FlagSet(parsing: ["--log.level=warn"], presets: nil)["log.level"] == "warn")
        #expect(try FlagSet(parsing: [], presets: "--log.level=warn\n\t--no-demo.enabled")["log.level"] == "warn")
        let error = #expect(throws: FlagError.self) { try FlagSet(parsing: [], presets: "--qqq") }
        #expect(error?.message.hasPrefix("PROMENADE_RUN_FLAGS: unknown long flag '--qqq'") == true)
        // Each flag once, in each of the two.
        #expect(throws: FlagError.self) { try FlagSet(parsing: [], presets: "--log.level=warn --log.level=info") }
    }

    @Test func `arguments come from a file, too`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "flags-\(UUID().uuidString)").path
        try "# a remark\n--log.level=debug\n--web.page-title=two words\n".write(
            toFile: file,
            atomically: true,
            encoding: .utf8
        )
        defer { try? FileManager.default.removeItem(atPath: file) }
        let flags = try FlagSet(parsing: ["@" + file, "--query.timeout=1s"])
        #expect(flags["log.level"] == "debug" && flags["web.page-title"] == "two words")
    }

    @Test(
        arguments: [
            ("--log.l", "", ["--log.level="]), ("--log.level=de", "", ["--log.level=debug"]),
            ("w", "--log.level", ["warn"]), ("--no-ag", "", ["--no-agent"]), ("x", "", []),
            ("--enable-feature=old-ui,auto-r", "", ["--enable-feature=old-ui,auto-reload-config"]),
            ("--vers", "", ["--version"]), ("st", "--config.file", []),
        ]
    )
    func `what was typed is completed`(word: String, before: String, found: [String]) {
        #expect(FlagSet.completions(of: word, after: before) == found)
    }

    @Test func `every flag is completed`() {
        let all = Set(FlagSet.completions(of: "--", after: ""))
        for name in FlagSet().all.map(\.name) {
            #expect(all.contains("--" + name) || all.contains("--\(name)="), "\(name)")
        }
    }

    @Test(
        arguments: [
            (["--web.listen-address=foo"], "--web.listen-address: address foo: missing port in address"),
            (["--clock=manual"], "--clock=manual: time stands still in test fixtures only"),
        ]
    )
    func `flags that cannot be used are named`(arguments: [String], words: String) throws {
        let flags = try FlagSet(parsing: arguments)
        #expect {
            _ = try StackOptions(flags: flags, config: StackConfig())
        } throws: { "\($0)".contains(words) }
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
            ("storage:\n  tsdb: 3\n", "s.yml:2:9: storage.tsdb: cannot unmarshal !!int `3` into config.plain"),
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
