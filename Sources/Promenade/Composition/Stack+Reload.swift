import ConfigTree
import Logging
import MetricModel
import Rules
import Scrape
import UnixSignals
import Web

/// Reading the configuration again: when asked, at a signal, when its files change.
extension Stack {
    /// Reads the configuration again at each SIGHUP.
    func reloadOnHangup() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) { _ = await reload() }
    }

    /// Reads the configuration again when its files change.
    func reloadOnChange() async {
        let pause = options.flags.duration("config.auto-reload-interval").milliseconds
        var known = ConfigSources.Known()
        while !Task.isCancelled {
            do {
                try await clock.sleep(milliseconds: max(ConfigFiles.pause, pause))
                let old = state.now.fileStamps
                guard ConfigFiles.stamps(of: options.configFile, &known) != old else { continue }
                try await ConfigFiles.settle(since: old, clock: clock) {
                    ConfigFiles.stamps(of: options.configFile, &known)
                }
            } catch {
                return
            }
            logger.info("Configuration file change detected, reloading the configuration.")
            _ = await reload()
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
        // Taken before the files are read: what changes meanwhile is read again.
        let context = Self.context(options.configFile, options.flags)
        let stamps = fileStamps()
        defer { state.read(stamps) }
        let config: StackConfig
        do throws(ConfigError) {
            config = try StackConfig(file: options.configFile, context: context)
        } catch {
            let text =
                "couldn't load configuration (--config.file=\(GoText.quoted(options.configFile))): \(error.prometheusText)"
            state.reloadFailed(.init(nanoseconds: clock.wallNanoseconds, message: text, place: "\(error)"))
            state.events.tell(.reload(file: options.configFile, error: "\(error)"))
            logger.error("Error reloading config", metadata: ["err": "\(text)", "where": "\(error)"])
            return text
        }
        for warning in config.warnings { logger.warning("\(warning.message)", metadata: ["field": "\(warning.path)"]) }
        for name in config.sectionsDiffering(from: options.config) {
            logger.warning("A changed section takes effect at the next start", metadata: ["section": "\(name)"])
        }
        let groups: [RuleGroupDefinition]
        do throws(StackError) {
            groups = try rules.groups(of: config)
        } catch {
            let text = "error loading rules, previous rule set restored: \(error)"
            state.reloadFailed(.init(nanoseconds: clock.wallNanoseconds, message: text, place: "\(error)"))
            state.events.tell(.reload(file: options.configFile, error: text))
            logger.error("Error reloading config", metadata: ["err": "\(text)"])
            return text
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
}
