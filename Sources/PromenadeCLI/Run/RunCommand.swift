import ConfigTree
import Logging
import MetricModel
import NIOCore
import Promenade
import TSDB

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Starts the stack and keeps it running.
enum RunCommand {
    /// - Returns: the exit code: 0 after a clean end, 2 for flags or a configuration that cannot be used, 1 for whatever else
    ///   went wrong.
    static func run(_ arguments: [String]) async -> Int32 {
        if let text = information(arguments) {
            Console.print(text)
            Main.end(0)
        }
        if let complaint = ThreadRoom.complaint() {
            Complaint.write(complaint)
            return 1
        }
        // Two threads for connections serve more than a query engine on this machine can ask for.
        NIOSingletons.groupLoopCountSuggestion = 2
        ConnectionFiles.raiseLimit()
        let system = SystemClock()
        let started = system.steadyNanoseconds
        var options: StackOptions
        do {
            let flags = try FlagSet(parsing: arguments, presets: ProcessEnvironment.all[FlagSet.presetsVariable])
            let (config, file) = try configuration(flags)
            options = try StackOptions(flags: flags, config: config, configFile: file)
        } catch {
            Complaint.write("\(error)")
            return 2
        }
        ProcessMemory.configure()
        let flags = options.flags
        let clock: any StackClock = options.isTimeManual ? ManualClock() : system
        let logger = StackLogHandler.logger(
            format: StackLogHandler.Format(rawValue: flags["log.format"]) ?? .logfmt,
            level: level(flags["log.level"]),
            clock: clock
        )
        for remark in flags.withoutEffect { logger.warning("\(remark.flag) \(remark.text)") }
        for warning in options.config.warnings {
            logger.warning("\(warning.message)", metadata: ["field": "\(warning.path)"])
        }
        do {
            try await options.claimPorts(clock: system)
            let stack = try await Stack(options: options, clock: clock, logger: logger)
            if flags.isOn("test") { FixtureWatch.start(stack, clock: system) }
            let ready = options
            @Sendable func banner(_ addresses: StackAddresses) -> Banner {
                Banner(
                    addresses: addresses,
                    options: ready,
                    moves: stack.followedTargets,
                    milliseconds: (system.steadyNanoseconds - started) / 1_000_000
                )
            }
            try await stack.run(signals: true) { addresses in
                announce(banner(addresses), flags)
                // Once the first scrapes are over, nothing is needed of what only the start did.
                Task {
                    try await system.sleep(milliseconds: 2500)
                    ProcessMemory.releaseCode()
                }
            } onEnding: { addresses in
                if !flags.isOn("test") { Console.tell(banner(addresses).ending) }
            }
            if !flags.isOn("test") { Console.tell("Ended.\n") }
            return 0
        } catch let error as StorageError {
            Console.warn(error.message)
            return 1
        } catch {
            Console.warn("\(error)")
            return 1
        }
    }

    /// What is only asked for in words.
    private static func information(_ arguments: [String]) -> String? {
        for argument in arguments {
            switch argument {
            case "--help", "-h", "--help-long", "--help-man": return FlagSet.help
            case "--version": return PromenadeCommand.versionLine
            case "--write-documentation": return FlagSet.markdown
            case "--completion-script-bash": return CompletionScript.bash.text
            case "--completion-script-zsh": return CompletionScript.zsh.text
            default: continue
            }
        }
        return nil
    }

    private static func configuration(_ flags: FlagSet) throws(ConfigError) -> (StackConfig, String) {
        let file = flags["config.file"]
        if !flags.isGiven("config.file"), access(file, F_OK) != 0, errno == ENOENT {
            // Without a file there is still a stack: the one that the shipped file describes.
            return (
                try StackConfig(
                    text: BuiltInConfig.shipped,
                    file: "(built in)",
                    context: Stack.context("", flags)
                ),
                ""
            )
        }
        return (try StackConfig(file: file, context: Stack.context(file, flags)), file)
    }

    private static func level(_ name: String) -> Logger.Level {
        switch name {
        case "debug": .debug
        case "warn": .warning
        case "error": .error
        default: .info
        }
    }

    private static func announce(_ banner: Banner, _ flags: FlagSet) {
        if flags.isOn("test") {
            Console.tell(banner.json + "\n")
        } else {
            Console.tell(banner.text(isColored: Console.isTerminal(1)))
        }
        let file = flags["ready-file"]
        if !file.isEmpty, !FileAccess.replace(file, with: banner.json + "\n") {
            Console.warn("cannot write \(file): \(String(cString: strerror(errno)).lowercased())")
        }
    }
}
