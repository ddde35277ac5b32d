import Dispatch
import MetricModel
import Promenade

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ends a test fixture together with whoever started it: when its standard input closes or its parent is gone.
enum FixtureWatch {
    static func start(_ stack: Stack, clock: any StackClock) {
        watchInput(stack)
        let parent = getppid()
        Task {
            while getppid() == parent {
                guard (try? await clock.sleep(milliseconds: 200)) != nil else { return }
            }
            stack.end()
        }
    }

    /// Only a pipe or a socket says something by closing; a terminal or /dev/null does not.
    private static func watchInput(_ stack: Stack) {
        let kind = FileFacts(descriptor: 0)?.kind
        guard kind == .pipe || kind == .socket else { return }
        DispatchQueue.global(qos: .utility).async {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            stack.end()
        }
    }
}
