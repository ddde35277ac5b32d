import Foundation
import Logging
import MetricModel
import Promenade
import PromenadeTesting
import Scrape
import Testing
import Web

/// A configuration that is read again when one of its files changes.
@Suite(.timeLimit(.minutes(5))) struct ReloadTests {
    /// A stack whose configuration is a file in a folder, and who is asked whether it is as wished.
    private func withWatchedStack(
        _ body: (_ folder: URL, _ until: (String, (Stack) -> Bool) async throws -> Void) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reload-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try "scrape_config_files: ['more/*.yml']\n".write(
            to: folder.appending(path: "stack.yml"),
            atomically: true,
            encoding: .utf8
        )
        try FileManager.default.createDirectory(
            at: folder.appending(path: "more"),
            withIntermediateDirectories: true
        )
        let file = folder.appending(path: "stack.yml").path
        let flags = try FlagSet(parsing: ["--test", "--config.auto-reload-interval=100ms"])
        let options = try StackOptions(
            flags: flags,
            config: try StackConfig(file: file, context: Stack.context(file, flags)),
            configFile: file
        )
        let clock = SystemClock()
        let stack = try await Stack(
            options: options,
            clock: clock,
            logger: StackLogHandler.logger(format: .logfmt, level: .critical, clock: clock)
        )
        let running = Task { try await stack.run() }
        func until(_ what: String, _ condition: (Stack) -> Bool) async throws {
            for _ in 0..<400 {
                if condition(stack) { return }
                try await clock.sleep(milliseconds: 25)
            }
            Issue.record("never: \(what)")
        }
        do {
            try await body(folder, until)
        } catch {
            Issue.record(error)
        }
        stack.end()
        try await running.value
    }

    @Test func `what is logged of a failure says nothing twice`() {
        let rules = "error loading rules, previous rule set restored: r.yml:27:9: field intervall not found"
        #expect(Stack.failure(rules, place: rules) == ["err": "\(rules)"])
        #expect(Stack.failure("a: b.yml:1:2: c", place: "b.yml:1:2: c") == ["err": "a: b.yml:1:2: c"])
        let parsing = "couldn't load configuration (--config.file=\"b.yml\"): line 1: c"
        #expect(Stack.failure(parsing, place: "b.yml:1:2: c") == ["err": "\(parsing)", "where": "b.yml:1:2: c"])
    }

    @Test func `every file that the configuration names is watched, and a repaired one is read again`() async throws {
        try await withWatchedStack { folder, until in
            let part = folder.appending(path: "more/a.yml")
            try await until("ready") { $0.isReady }
            try "scrape_configs: [{job_name: a}]\n".write(to: part, atomically: true, encoding: .utf8)
            try await until("a new file is read") { $0.scraper.poolNames.contains("a") }
            try "scrape_configs: [{job_nam: b}]\n".write(to: part, atomically: true, encoding: .utf8)
            try await until("a broken one is told") { $0.reloadFailure?.contains("job_nam") == true }
            try await until("and changes nothing") { $0.scraper.poolNames.contains("a") }
            try "scrape_configs: [{job_name: b}]\n".write(to: part, atomically: true, encoding: .utf8)
            try await until("the repaired one is read") { $0.scraper.poolNames.contains("b") }
            try await until("and nothing has failed any more") { $0.reloadFailure == nil }
            // A main file with a mistake that names another file: that one is watched, too.
            let main = folder.appending(path: "stack.yml")
            let other = folder.appending(path: "other.yml")
            try "nothing: here\n".write(to: other, atomically: true, encoding: .utf8)
            try "scrape_config_files: [other.yml]\n".write(to: main, atomically: true, encoding: .utf8)
            try await until("the new file is broken") { $0.reloadFailure?.contains("nothing") == true }
            try "scrape_configs: [{job_name: c}]\n".write(to: other, atomically: true, encoding: .utf8)
            try await until("and repaired") { $0.scraper.poolNames.contains("c") && $0.reloadFailure == nil }
        }
    }

    /// After how many milliseconds files count as left alone, whose sizes at each look are given; the last one stays.
    private func settled(from old: Int64?, _ sizes: [Int64?]) async throws -> Int64 {
        func stamps(_ size: Int64?) -> [String: [Int64]?] {
            ["main": [1, 0, 50, 1], "rules": size.map { [2, 0, $0, 7] }]
        }
        let clock = ExpectationTests.LeapingClock()
        var looks = 0
        try await ConfigFiles.settle(since: stamps(old), clock: clock) {
            defer { looks += 1 }
            return stamps(sizes[min(looks, sizes.count - 1)])
        }
        return clock.steadyNanoseconds / 1_000_000
    }

    @Test func `a file that lost all it had is given time to get something again`() async throws {
        #expect(try await settled(from: 90, [80]) == 100)
        #expect(try await settled(from: 90, [80, 85, 95]) == 300)
        // Emptied, and written again after 700 ms.
        #expect(try await settled(from: 90, [0, 0, 0, 0, 0, 0, 0, 95]) == 800)
        #expect(try await settled(from: 90, [0]) == 2000)
        // One that had nothing before, that is new, or that is gone.
        #expect(try await settled(from: 0, [0]) == 100)
        #expect(try await settled(from: nil, [0]) == 100)
        #expect(try await settled(from: 90, [nil]) == 100)
    }

    /// Wishes that are all there at once, and who tells when they have been taken.
    private struct Wishes: AsyncSequence, Sendable {
        let count: Int
        let taken = OneAnswer<Void>()

        struct Iterator: AsyncIteratorProtocol {
            var left: Int
            let taken: OneAnswer<Void>

            mutating func next() async -> Void? {
                left -= 1
                if left >= 0 { return () }
                taken.give(())
                return nil
            }
        }

        func makeAsyncIterator() -> Iterator { Iterator(left: count, taken: taken) }
    }

    @Test(arguments: [1, 2, 20_000]) func `wishes that come during a reload are one reload more`(count: Int) async {
        let wishes = Wishes(count: count)
        var reloads = 0
        await Stack.once(for: wishes) {
            reloads += 1
            if reloads == 1 { await wishes.taken.wait(or: ()) }
        }
        #expect((1...min(count, 2)).contains(reloads))
    }

    @Test func `a file that is named to a command has an end`() {
        #expect(FileAccess.readNamed("/dev/zero") == nil)
        #expect(FileAccess.failure(reading: "/dev/zero") == "read /dev/zero: larger than 64 MiB")
    }
}
