import Clocks

/// Finds the groups of the leftmost match that a backtracking engine would prefer, without backtracking (Pike's machine).
struct RegexCaptures {
    private struct Thread {
        var instruction: Int32
        var slots: [Int]
    }

    /// Counts instructions and copied slots, and looks at the task's limit now and then.
    struct Meter {
        private var work = 0
        /// How much work there may be from now on.
        private(set) var left: Int
        /// Whether to give up.
        private(set) var isOver = false

        init(limit: Int = .max) { left = limit }

        mutating func add(_ more: Int) {
            work += more
            left -= more
            if left < 0 { isOver = true }
            if work > 1 << 12, !isOver {
                work = 0
                isOver = TaskLimit.isOver
            }
        }
    }

    let program: RegexProgram
    let slotCount: Int
    let isAnchored: Bool

    /// Start and end of each group (the whole match first), -1 where a group took no part; `nil` without a match that begins
    /// at a position or behind it.
    /// - Parameter wanted: how many slots somebody will look at, from the first; `nil` for all. Each thread has that many.
    func find(_ text: UnsafeBufferPointer<UInt8>, from first: Int = 0, slots wanted: Int? = nil) -> [Int]? {
        var meter = Meter()
        return find(text, from: first, slots: wanted, &meter)
    }

    /// The same; `nil` also where the meter says that it is over.
    func find(
        _ text: UnsafeBufferPointer<UInt8>,
        from first: Int,
        slots wanted: Int?,
        _ meter: inout Meter
    ) -> [Int]? {
        let slotCount = min(slotCount, wanted ?? slotCount)
        var current: [Thread] = []
        var seen = InstructionSet(program.instructions.count)
        var found: [Int]?
        for position in first...text.count {
            meter.add(current.count + 1)
            // Nobody will look at the answer.
            if meter.isOver { return nil }
            if found == nil, position == first || !isAnchored {
                var slots = [Int](repeating: -1, count: slotCount)
                slots[0] = position
                add(Thread(instruction: program.start, slots: slots), position, text, &seen, &current, &meter)
            }
            var next: [Thread] = []
            seen.removeAll()
            threads: for thread in current {
                switch program.instructions[Int(thread.instruction)] {
                case .match:
                    if isAnchored, position != text.count { continue }
                    var slots = thread.slots
                    slots[1] = position
                    found = slots
                    // Threads behind this one are less preferred.
                    break threads
                case .bytes(let low, let high, let target):
                    guard position < text.count, low <= text[position], text[position] <= high else { continue }
                    add(Thread(instruction: target, slots: thread.slots), position + 1, text, &seen, &next, &meter)
                default: continue
                }
            }
            if next.isEmpty, found != nil || isAnchored { break }
            current = next
        }
        return found
    }

    private func add(
        _ thread: Thread,
        _ position: Int,
        _ text: UnsafeBufferPointer<UInt8>,
        _ seen: inout InstructionSet,
        _ threads: inout [Thread],
        _ meter: inout Meter
    ) {
        var pending = [thread]
        while var thread = pending.popLast() {
            guard seen.insert(thread.instruction) else { continue }
            meter.add(1)
            if meter.isOver { return }
            switch program.instructions[Int(thread.instruction)] {
            case .split(let first, let second):
                pending.append(Thread(instruction: second, slots: thread.slots))
                pending.append(Thread(instruction: first, slots: thread.slots))
            case .jump(let next):
                thread.instruction = next
                pending.append(thread)
            case .save(let slot, let next):
                if slot < thread.slots.count {
                    thread.slots[Int(slot)] = position
                    meter.add(thread.slots.count >> 4)
                }
                thread.instruction = next
                pending.append(thread)
            case .assert(let assertion, let next):
                if assertion.holds(at: position, in: text) {
                    thread.instruction = next
                    pending.append(thread)
                }
            case .bytes, .match: threads.append(thread)
            case .fail: break
            }
        }
    }
}
