import ConfigTree
package import Logging
import MetricModel
import Rules
import Scrape
import UnixSignals
import Web

/// Reading the configuration again: when asked, at a signal, when its files change.
extension Stack {
    /// Reads the configuration again at SIGHUP.
    func reloadOnHangup() async {
        await Self.once(for: await UnixSignalsSequence(trapping: .sighup)) { _ = await self.reload() }
    }

    /// Works for each wish, and once more for all that come while it works.
    package static func once<Wishes: AsyncSequence & Sendable>(for wishes: Wishes, _ work: () async -> Void) async {
        let (latest, last) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let listening = Task {
            defer { last.finish() }
            for try await _ in wishes { last.yield() }
        }
        await withTaskCancellationHandler {
            for await _ in latest { await work() }
        } onCancel: {
            listening.cancel()
        }
    }

    /// Reads the configuration again when its files change.
    func reloadOnChange() async {
        let pause = options.flags.duration("config.auto-reload-interval").milliseconds
        var known = ConfigSources.Known()
        while !Task.isCancelled {
            do {
                try await clock.sleep(milliseconds: max(ConfigFiles.pause, pause))
                let old = state.now.fileStamps
                guard try await look(&known) != old else { continue }
                try await ConfigFiles.settle(since: old, clock: clock) { try await look(&known) }
            } catch {
                return
            }
            logger.info("Configuration file change detected, reloading the configuration.")
            _ = await reload()
        }
    }

    /// So many milliseconds the files of a configuration may take to be found and read.
    private static let filesLimit: Int64 = 30_000

    /// Looks at the files of the configuration where nobody else waits, one look at a time, however long a disk takes to answer.
    private func look(_ known: inout ConfigSources.Known) async throws -> [String: [Int64]?] {
        let before = known
        let seen = await EvaluationThreads.files.wait(milliseconds: Self.filesLimit, isPatient: true, isOver: isEnding)
        {
            [options] in
            var known = before
            return (stamps: ConfigFiles.stamps(of: options.configFile, &known), known: known)
        }
        guard let seen else { throw CancellationError() }
        known = seen.known
        return seen.stamps
    }

    /// Tells whether the stack is about to end.
    private var isEnding: @Sendable () -> Bool { { [state] in state.phase == .stopping } }

    /// What is read of the files of a configuration.
    private struct Read: Sendable {
        /// Taken before the files are read: what changes meanwhile is read again.
        var stamps: [String: [Int64]?]
        var config: Result<StackConfig, ConfigError>
        var groups: Result<[RuleGroupDefinition], StackError> = .success([])
    }

    /// Reads the files where nobody else waits.
    private func readFiles() async -> Read? {
        let context = Self.context(options.configFile, options.flags)
        return await EvaluationThreads.files.wait(milliseconds: Self.filesLimit, isOver: isEnding) { [self] in
            let stamps = fileStamps()
            do throws(ConfigError) {
                let config = try StackConfig(file: options.configFile, context: context)
                var read = Read(stamps: stamps, config: .success(config))
                do throws(StackError) {
                    read.groups = .success(try rules.groups(of: config))
                } catch {
                    read.groups = .failure(error)
                }
                return read
            } catch {
                return Read(stamps: stamps, config: .failure(error))
            }
        }
    }

    /// By which changes of the files that the configuration is made of are noticed.
    func fileStamps() -> [String: [Int64]?] {
        var known = ConfigSources.Known()
        return ConfigFiles.stamps(of: options.configFile, &known)
    }

    /// Reads the configuration again and scrapes by it; what was wrong, if anything was. One after the other: of two at once, one
    /// might bring the jobs and the other the rules.
    func reload() async -> String? {
        await reloads.enter()
        defer { reloads.leave() }
        guard !options.configFile.isEmpty else { return "there is no configuration file" }
        logger.info("Loading configuration file", metadata: ["filename": "\(options.configFile)"])
        let couldNot = "couldn't load configuration (--config.file=\(GoText.quoted(options.configFile))): "
        guard let read = await readFiles() else {
            let isGone = Task.isCancelled || state.phase == .stopping
            let reason = "its files cannot be read within \(Self.filesLimit / 1000) s"
            let text = couldNot + (isGone ? "whoever asked for it has gone" : reason)
            return failed(text, place: text)
        }
        defer { state.read(read.stamps) }
        let config: StackConfig
        do throws(ConfigError) {
            config = try read.config.get()
        } catch {
            return failed(couldNot + error.prometheusText, place: "\(error)")
        }
        for warning in config.warnings { logger.warning("\(warning.message)", metadata: ["field": "\(warning.path)"]) }
        for name in config.sectionsDiffering(from: options.config) {
            logger.warning("A changed section takes effect at the next start", metadata: ["section": "\(name)"])
        }
        let groups: [RuleGroupDefinition]
        do throws(StackError) {
            groups = try read.groups.get()
        } catch {
            let text = "error loading rules, previous rule set restored: \(error)"
            return failed(text, place: text)
        }
        let addresses = state.now.addresses
        let followed = addresses.map { followingPorts(config.prometheus, $0) } ?? config.prometheus
        await scraper.apply(jobs: fixture?.applied(to: followed.jobs) ?? followed.jobs)
        await rules.apply(
            groups,
            config.prometheus,
            settings: options.prometheus(listening: addresses?.prometheus ?? options.webAddress)
        )
        await applyRemotes(config.prometheus)
        state.reloaded(config, at: clock.wallNanoseconds / 1_000_000_000)
        state.events.tell(.reload(file: options.configFile, error: ""))
        logger.info("Completed loading of configuration file", metadata: ["filename": "\(options.configFile)"])
        return nil
    }

    /// Notes that the configuration could not be read again.
    private func failed(_ text: String, place: String) -> String {
        state.reloadFailed(.init(nanoseconds: clock.wallNanoseconds, message: text, place: place))
        state.events.tell(.reload(file: options.configFile, error: place))
        logger.error("Error reloading config", metadata: Self.failure(text, place: place))
        return text
    }

    /// What is logged of a failure: the place by itself, where the words have not got it.
    package static func failure(_ text: String, place: String) -> Logger.Metadata {
        text.contains(place) ? ["err": "\(text)"] : ["err": "\(text)", "where": "\(place)"]
    }
}
