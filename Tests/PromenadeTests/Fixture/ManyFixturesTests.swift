import MetricModel
import Promenade
import PromenadeTesting
import Synchronization
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A hundred stacks in one process leave nothing behind.
@Suite(.timeLimit(.minutes(5))) struct ManyFixturesTests {
    /// Whether the stacks that were there are gone.
    final class Witness: Sendable {
        private let seen = Mutex<[@Sendable () -> Bool]>([])

        func note(_ stack: Stack) {
            seen.withLock { $0.append { [weak stack] in stack == nil } }
        }

        var left: Int { seen.withLock { $0.count { !$0() } } }
    }

    static var openFiles: Int {
        var count = 0
        for descriptor in Int32(0)..<4096 where fcntl(descriptor, F_GETFD) >= 0 { count += 1 }
        return count
    }

    private func use(_ witness: Witness) async throws {
        try await withStack(config: "global: {scrape_interval: 15s}") { stack in
            witness.note(stack.stack)
            try await stack.add(ScriptedTarget("rows 1\n"), job: "app")
            await stack.advance(by: .seconds(15))
            try await stack.expect("rows == 1")
        }
    }

    /// Tasks of the stacks may still be on their way out.
    private func settle(_ witness: Witness) async {
        for _ in 0..<100_000 where witness.left > 0 { await Task.yield() }
    }

    @Test(arguments: [1, 20]) func `a hundred stacks, one after the other and side by side`(_ width: Int) async throws {
        let witness = Witness()
        try await use(witness)
        let before = Self.openFiles
        let clock = SystemClock()
        let begin = clock.steadyNanoseconds
        for _ in 0..<(100 / width) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<width { group.addTask { try await self.use(witness) } }
                try await group.waitForAll()
            }
        }
        print("100 stacks, \(width) at a time: \((clock.steadyNanoseconds - begin) / 100_000) µs each")
        await settle(witness)
        #expect(witness.left == 0)
        // Other tests open files meanwhile, but not so many; one a stack would be a hundred.
        #expect(Self.openFiles - before < 90)
    }
}
