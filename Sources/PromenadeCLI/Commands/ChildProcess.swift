import Promenade

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Starts programs: the one place that calls `posix_spawn`, whose types differ between Darwin and Linux.
struct ChildProcess: Sendable {
    /// The process, which is the leader of a process group of its own: a signal to `-identifier` takes its children along.
    let identifier: pid_t

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: The program, sought in `PATH` where it has no slash, and its arguments.
    ///   - environment: Variables besides those of this process.
    ///   - isQuiet: Whether it gets nothing to read and whatever it prints is dropped; otherwise what it prints goes to
    ///     the standard error.
    /// - Throws: ``ReadingFailed`` where there is no such program, or where it cannot be started.
    init(_ arguments: [String], environment: [String: String] = [:], isQuiet: Bool = false) throws {
        var variables = ProcessEnvironment.all
        variables.merge(environment) { _, new in new }
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if isQuiet {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 2, 1)
        }
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let program = arguments.first ?? ""
        var started: pid_t = 0
        let code = Self.withCStrings(arguments) { argv in
            Self.withCStrings(variables.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawnp(&started, program, &actions, &attributes, argv, envp)
            }
        }
        guard code == 0 else {
            throw ReadingFailed(path: program, reason: String(cString: strerror(code)).lowercased())
        }
        identifier = started
    }

    private static func withCStrings<Result>(
        _ texts: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        var pointers = texts.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}
