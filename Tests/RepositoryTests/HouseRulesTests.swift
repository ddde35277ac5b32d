import Foundation
import Testing

/// The rules of the house that a machine can check. What they mean is told in `docs/architecture.md`.
@Suite(.timeLimit(.minutes(5))) struct HouseRulesTests {
    /// Which room may import which, besides the standard library, the C library and `Synchronization`.
    static let imports: [String: Set<String>] = [
        "GoText": [],
        "Clocks": [],
        "RE2": ["Clocks"],
        "MetricModel": ["RE2", "GoText", "Clocks"],
        "MetricStorageTesting": ["MetricModel"],
        "ConfigTree": ["MetricModel", "CYaml"],
        "Exposition": ["MetricModel", "CZlib"],
        "HTTPCalling": ["MetricModel", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL"],
        "PrometheusClient": ["MetricModel", "Exposition", "CoreMetrics"],
        "PrometheusClientPush": [
            "MetricModel", "HTTPCalling", "Exposition", "PrometheusClient", "AsyncHTTPClient", "NIOHTTP1",
        ],
        "TSDB": ["MetricModel", "CSQLite"],
        "StorageFaults": ["CSQLite"],
        "PromQL": ["MetricModel", "ConfigTree"],
        "RuleTemplates": ["MetricModel"],
        "Rules": ["MetricModel", "ConfigTree", "PromQL", "RuleTemplates"],
        "Scrape": [
            "MetricModel", "ConfigTree", "Exposition", "HTTPCalling", "AsyncHTTPClient", "NIOCore", "NIOHTTP1",
            "NIOHPACK", "NIOHTTP2", "NIOPosix",
            "NIOSSL", "Logging",
        ],
        "RemoteStorage": ["MetricModel", "ConfigTree", "Exposition", "HTTPCalling", "Scrape", "NIOCore", "Logging"],
        "Pushgateway": ["MetricModel", "Exposition"],
        "Web": [
            "CWebAssets", "CZlib", "MetricModel", "ConfigTree", "Exposition", "PrometheusClient", "PromQL", "Rules",
            "Scrape",
            "Pushgateway",
            "Hummingbird",
            "HummingbirdCore", "HummingbirdTLS", "HTTPTypes", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "Logging",
            "ServiceLifecycle",
        ],
        "Simulation": ["MetricModel", "ConfigTree", "Exposition", "PromQL"],
        "Lessons": ["CLessons", "MetricModel", "ConfigTree", "PromQL"],
        "Promenade": [
            "Simulation", "StorageFaults", "Lessons", "CStackFile", "HTTPCalling", "MetricModel", "ConfigTree",
            "Exposition",
            "PrometheusClient", "PrometheusClientPush", "TSDB", "PromQL",
            "Rules", "RuleTemplates", "Scrape", "RemoteStorage",
            "Pushgateway", "Web", "AsyncHTTPClient", "Hummingbird", "Logging", "NIOCore", "NIOPosix", "NIOSSL",
            "ServiceLifecycle", "UnixSignals",
        ],
        "PromenadeTesting": [
            "MetricModel", "ConfigTree", "PromQL", "Promenade", "Rules", "Logging", "Scrape", "Simulation", "Web",
        ],
        "PromenadeCLI": [
            "MetricModel", "ConfigTree", "HTTPCalling", "Exposition", "PrometheusClient", "PrometheusClientPush",
            "TSDB", "PromQL", "Rules", "Scrape", "Pushgateway", "Simulation", "Lessons", "Web", "Promenade",
            "ArgumentParser", "AsyncHTTPClient", "Logging", "NIOCore",
            "NIOHTTP1",
        ],
    ]

    static let everywhere: Set<String> = ["Synchronization", "Glibc", "Musl", "Darwin", "Dispatch"]

    @Test func `rooms import only what stands below them`() throws {
        var found: [String] = []
        let files = Repository.files(below: "Sources").filter { $0.path.hasSuffix(".swift") }
        #expect(files.count > Self.imports.count)
        for file in files {
            let room = file.path.split(separator: "/")[1]
            guard let allowed = Self.imports[String(room)] else {
                found.append("\(file.path): the room \(room) is not in the table")
                continue
            }
            for line in file.lines {
                guard let module = Self.importedModule(line) else { continue }
                if !allowed.contains(module), !Self.everywhere.contains(module) {
                    found.append("\(file.path): \(room) may not import \(module)")
                }
            }
        }
        #expect(found == [])
    }

    static func importedModule(_ line: Substring) -> String? {
        var words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
        if let access = words.first, ["public", "package", "internal", "private", "fileprivate"].contains(access) {
            words.removeFirst()
        }
        guard words.count >= 2, words[0] == "import" else { return nil }
        let kinds: Set<Substring> = ["struct", "class", "enum", "func", "var", "let", "protocol", "typealias"]
        let path = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
        return String(path.prefix { $0 != "." })
    }

    @Test func `time is asked for and waited for only through the clock`() {
        let forbidden = [
            "Date()", "Date.now", "Task.sleep", "ContinuousClock()", "SuspendingClock()", "DispatchTime.now",
            "clock_gettime",
            "gettimeofday", "usleep(", "nanosleep(", ".scheduleTask(", "NIODeadline.now", " .now()", "(.now()",
            ".scheduleRepeatedTask(", ".scheduleCallback(",
            ".scheduleRepeatedAsyncTask(", "DispatchWallTime", "asyncAfter(", "Timer.", "CFAbsoluteTime",
            "timeIntervalSinceNow",
            "time(nil)", "mach_absolute_time", ".systemUptime",
        ]
        var found: [String] = []
        for file in Repository.files(below: "Sources")
        // The time that a stranger's body may take goes by the loop, whose timers can be taken back; so do connections and their
        // turns. `LoopExecutor` is how the system's clock waits on a loop's thread.
        where file.path.hasSuffix(".swift") && !file.path.hasSuffix("Clocks/SystemClock.swift")
            && !file.path.hasSuffix("Connection/ConnectionGuard.swift")
            && !file.path.hasSuffix("Connection/WaitingRoom.swift")
            && !file.path.hasSuffix("Transport/PlainConnections.swift")
            && !file.path.hasSuffix("Transport/LoopExecutor.swift")
        {
            for (number, line) in file.lines.enumerated() {
                for call in forbidden where line.contains(call) { found.append("\(file.path):\(number + 1): \(call)") }
            }
        }
        #expect(found == [])
    }

    @Test func `no test sleeps`() {
        var found: [String] = []
        for file in Repository.files(below: "Tests")
        where file.path.hasSuffix(".swift") && !file.path.contains("RepositoryTests") {
            for (number, line) in file.lines.enumerated() where line.contains("Task.sleep") || line.contains("usleep(")
            {
                found.append("\(file.path):\(number + 1)")
            }
        }
        #expect(found == [])
    }

    @Test func `nothing names a path of one machine`() {
        let roots = ["work", "farm", "root", "tmp/bash_jobs", "home"].map { "/\($0)/" }
        var found: [String] = []
        for file in Repository.files(below: "") where !file.path.contains("RepositoryTests") {
            for (number, line) in file.lines.enumerated() {
                for root in roots {
                    guard let range = line.range(of: root) else { continue }
                    // Inside a longer path or an address it is another thing.
                    let before = range.lowerBound == line.startIndex ? " " : line[line.index(before: range.lowerBound)]
                    if !before.isLetter, !before.isNumber, before != "/", before != ".", before != "}", before != "_" {
                        found.append("\(file.path):\(number + 1): \(root)")
                    }
                }
            }
        }
        #expect(found == [])
    }

    @Test func `nothing traps or silences the checks of concurrency without saying why`() {
        var found: [String] = []
        for file in Repository.files(below: "Sources") where file.path.hasSuffix(".swift") {
            let lines = file.lines
            for (number, line) in lines.enumerated() {
                let code = line.prefix { $0 != "\"" }
                for trap in ["fatalError(", "try!", "preconditionFailure("] where code.contains(trap) {
                    found.append("\(file.path):\(number + 1): \(trap)")
                }
                for silencer in ["@unchecked Sendable", "nonisolated(unsafe)"] where code.contains(silencer) {
                    let explained = lines[max(0, number - 4)..<number].contains { $0.contains("//") }
                    if !explained {
                        found.append("\(file.path):\(number + 1): \(silencer) without a comment that says why")
                    }
                }
            }
        }
        #expect(found == [])
    }

    @Test func `hints name the program as it was called`() {
        let commands = [
            "run", "check", "test", "tsdb", "sql", "query", "expect", "scrape", "open", "batch", "simulate", "record",
            "help", "completion", "version",
        ]
        var found: [String] = []
        for file in Repository.files(below: "Sources")
        // What is recorded is read by whoever gets it.
        where file.path.hasSuffix(".swift") && !file.path.hasSuffix("Recording/Recording.swift") {
            for (number, line) in file.lines.enumerated() {
                let code = line.drop { $0 == " " }
                // Names of reports are for machines.
                if code.hasPrefix("//") || code.contains("PromQLTestReport(name:") { continue }
                for command in commands where code.contains("promenade \(command)") {
                    found.append("\(file.path):\(number + 1): ProgramName.called, not promenade \(command)")
                }
            }
        }
        #expect(found == [])
    }

    @Test func `every file of the pages is part of the program`() {
        let folder = "Sources/CWebAssets/files/"
        let files = Repository.files(below: folder).map { String($0.path.dropFirst(folder.count)) }
            .filter { !["README.md", "package.json"].contains($0) }
        let table = Repository.files(below: "Sources/CWebAssets").first { $0.path.hasSuffix("assets.c") }?.lines ?? []
        let rows = table.filter { $0.hasPrefix("    ASSET(") }.map { String($0.split(separator: "\"")[1]) }
        let bytes = table.filter { $0.hasPrefix("#embed") }.map { String($0.split(separator: "\"")[1].dropFirst(6)) }
        #expect(files.count > 40)
        // What goes with the lessons to be read stands in docs/.
        let texts = bytes.filter { $0.hasPrefix("docs/") }
        #expect(rows.sorted() == (files + texts).sorted())
        #expect(bytes.sorted() == (files + texts).sorted())
    }

    @Test func `the pages know every function of the language`() {
        func lines(_ path: String) -> [Substring] {
            Repository.files(below: "Sources").first { $0.path == "Sources/" + path }?.lines ?? []
        }
        let functions = lines("PromQL/Syntax/Functions/FunctionName.swift").filter { $0.hasPrefix("    case ") }.map {
            // `case name` or `case name = "written_so"`.
            let words = $0.split(separator: " ")
            return words.count > 3 ? String(words[3].filter { $0 != "\"" }) : String(words[1])
        }
        let documented = lines("CWebAssets/files/prometheus/functions.js").compactMap { line -> String? in
            let name = line.drop { $0 == "~" }.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return line.contains("|") && line.dropFirst(name.count).drop { $0 != "(" && $0 != " " }.first == "("
                ? String(name) : nil
        }
        #expect(functions.count > 70)
        #expect(documented.sorted() == functions.sorted())
    }

    @Test func `no test waits without a limit`() {
        var found: [String] = []
        for file in Repository.files(below: "Tests")
        where file.path.hasSuffix(".swift") && !file.path.contains("RepositoryTests") {
            for (number, line) in file.lines.enumerated() {
                let words = line.split(separator: " ")
                // All tests start at once and share the machine: a minute was too little for some that take a millisecond.
                if words.first?.hasPrefix("@Suite") == true, !line.contains(".timeLimit(.minutes(5))") {
                    found.append("\(file.path):\(number + 1): a suite without a time limit of five minutes")
                }
                // A test that is out of time is cancelled; only a loop that looks ends then.
                let around = file.lines[max(0, number - 3)...number]
                let loops = around.contains { $0.contains("while ") }
                let ends = around.contains { $0.contains("isCancelled") || $0.contains("checkCancellation") }
                if line.contains("Task.yield()"), loops, !ends {
                    found.append("\(file.path):\(number + 1): a loop that does not end when the test is cancelled")
                }
            }
        }
        #expect(found == [])
    }

    @Test func `no two types have the same name`() {
        var places: [Substring: [String]] = [:]
        for file in Repository.files(below: "Sources") where file.path.hasSuffix(".swift") {
            for line in file.lines {
                guard let name = Self.declaredType(line) else { continue }
                places[name, default: []].append(file.path)
            }
        }
        #expect(places.count > 300)
        let repeated = places.filter { $0.value.count > 1 }
        #expect(repeated.map { "\($0.key): \($0.value.joined(separator: ", "))" } == [])
    }

    /// The type that a line declares at the top level for more than its own file.
    static func declaredType(_ line: Substring) -> Substring? {
        guard let first = line.first, first.isLetter || first == "@" else { return nil }
        var words = line.split(separator: " ").filter { !$0.hasPrefix("@") }[...]
        let modifiers: Set<Substring> = ["public", "package", "internal", "final", "indirect", "nonisolated"]
        while let word = words.first, modifiers.contains(word) { words.removeFirst() }
        let kinds: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        guard words.count > 1, let kind = words.first, kinds.contains(kind) else { return nil }
        return words.dropFirst().first?.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    }

    @Test func `no file grows without end`() {
        let files = Repository.files(below: "Sources") + Repository.files(below: "Tests")
        let long = files.filter { ($0.path.hasSuffix(".swift") || $0.path.hasSuffix(".js")) && $0.lines.count > 500 }
        #expect(long.map { "\($0.path): \($0.lines.count) lines" } == [])
    }
}

/// The checkout that this test was built from.
enum Repository {
    struct File {
        var path: String
        var lines: [Substring]
    }

    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The text files below a folder, without what is built, downloaded or kept as data.
    static func files(below folder: String) -> [File] {
        let start = folder.isEmpty ? root : root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: start, includingPropertiesForKeys: [.isRegularFileKey])
        else {
            return []
        }
        var files: [File] = []
        let prefix = root.path + "/"
        for case let url as URL in walker {
            let name = url.lastPathComponent
            if name.hasPrefix(".build") || name == ".git" || name == "data" || name == "dist" || name == "node_modules"
            {
                walker.skipDescendants()
                continue
            }
            guard let values = try? url.resourceValues(forKeys: [.isRegularFileKey]), values.isRegularFile == true,
                let text = try? String(contentsOf: url, encoding: .utf8)
            else { continue }
            files.append(
                File(
                    path: String(url.path.dropFirst(prefix.count)),
                    lines: text.split(separator: "\n", omittingEmptySubsequences: false)
                )
            )
        }
        return files.sorted { $0.path < $1.path }
    }
}
