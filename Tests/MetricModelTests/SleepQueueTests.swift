import MetricModel
import Synchronization
import Testing

/// Those who sleep behind one timer.
@Suite(.timeLimit(.minutes(5))) struct SleepQueueTests {
    /// What the timer was set to.
    private final class Timer: Sendable {
        let armed = Mutex<[Int64]>([])
        /// Who has woken.
        let woken = Mutex<[Int64]>([])
    }

    /// Waits until so many sleep.
    private func wait(for count: Int, _ queue: SleepQueue) async {
        while !Task.isCancelled, queue.count != count { await Task.yield() }
    }

    @Test func `they wake in the order of their times, and the timer is set for the first`() async throws {
        let timer = Timer()
        let queue = SleepQueue { deadline in timer.armed.withLock { $0.append(deadline) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let deadlines = (0..<50).map { Int64($0 * 37 % 50) * 10 + 10 }
            for (index, deadline) in deadlines.enumerated() {
                group.addTask {
                    try await queue.sleep(until: deadline)
                    timer.woken.withLock { $0.append(deadline) }
                }
                await wait(for: index + 1, queue)
            }
            #expect(timer.armed.withLock { $0 } == [10])
            queue.wake(at: 9)
            #expect(queue.count == 50)
            for (index, deadline) in deadlines.sorted().enumerated() {
                queue.wake(at: deadline)
                #expect(queue.count == 49 - index)
                while !Task.isCancelled, timer.woken.withLock({ $0.count }) != index + 1 { await Task.yield() }
            }
            try await group.waitForAll()
            #expect(timer.woken.withLock { $0 } == deadlines.sorted())
            #expect(timer.armed.withLock { $0 } == deadlines.sorted())
        }
    }

    @Test func `a timer that is set already is not set again when a shorter sleep is over`() async throws {
        let timer = Timer()
        let queue = SleepQueue { deadline in timer.armed.withLock { $0.append(deadline) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await queue.sleep(until: 1000) }
            await wait(for: 1, queue)
            for deadline: Int64 in 1...5 {
                group.addTask { try await queue.sleep(until: deadline) }
                await wait(for: 2, queue)
                queue.wake(at: deadline)
            }
            queue.wake(at: 1000)
            try await group.waitForAll()
        }
        #expect(timer.armed.withLock { $0 } == [1000, 1, 2, 3, 4, 5])
    }

    @Test func `whoever is cancelled is gone at once`() async {
        let queue = SleepQueue { _ in }
        var tasks: [Task<Bool, Never>] = []
        for index in 0..<20 {
            tasks.append(Task { (try? await queue.sleep(until: Int64(1000 + index * 7 % 20))) != nil })
            await wait(for: index + 1, queue)
        }
        for (index, task) in tasks.enumerated() where index % 3 != 0 {
            task.cancel()
            #expect(await task.value == false)
        }
        #expect(queue.count == 7)
        queue.wake(at: 2000)
        #expect(queue.count == 0)
        for (index, task) in tasks.enumerated() where index % 3 == 0 { #expect(await task.value) }
    }

    @Test func `a sleep on the system's clock that is cancelled leaves nothing behind`() async {
        let before = SystemClock.sleeperCount
        let tasks = (0..<4000).map { _ in Task { try? await SystemClock().sleep(milliseconds: 3_600_000) } }
        // Others may sleep meanwhile, but not so many.
        while !Task.isCancelled, SystemClock.sleeperCount < before + 4000 { await Task.yield() }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        #expect(SystemClock.sleeperCount < before + 2000)
        try? await SystemClock().sleep(milliseconds: 1)
    }
}
