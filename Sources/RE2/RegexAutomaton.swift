import Clocks
import Synchronization

/// Decides whether a whole text matches, in time linear in the text.
///
/// States of the deterministic automaton are worked out as texts need them and kept; past a limit they are thrown away and begun
/// anew, so that no pattern can fill the memory, and where those of all patterns together are too many, they are after each text.
/// Patterns with conditions on positions run on sets of instructions instead.
final class RegexAutomaton: Sendable {
    private struct States: Sendable {
        /// For each state, the instructions it stands for, sorted.
        var members: [[Int32]] = []
        var isMatch: [Bool] = []
        /// Next state by state and byte class; -1 for not known yet.
        var transitions: [Int32] = []
        var index: [[Int32]: Int32] = [:]
        var start: Int32 = 0
        /// How many instructions all the states stand for.
        var memberCount = 0
        /// The bytes they take beyond the least, which are counted among those of all automata.
        var pooled = 0
    }

    private static let stateLimit = 4096
    /// The most instructions that all the states stand for.
    private static let memberLimit = 1 << 20
    private static let dead: Int32 = 0
    /// Whoever has a pattern has these for its states, too.
    static let leastBytes = 16 << 10
    /// The most bytes beyond those that the states of all patterns in the process take while none of them is at a text.
    private static let poolLimit = 64 << 20
    private static let pool = Atomic(0)
    /// How many bytes they take.
    static var pooledBytes: Int { pool.load(ordering: .relaxed) }

    private let program: RegexProgram
    private let byteClass: [UInt8]
    private let classCount: Int
    /// A byte of each class.
    private let representatives: [UInt8]
    private let isAnchored: Bool
    /// The states known so far.
    private let states: Mutex<States>
    /// What counts as held as long as this lives.
    private let holder = Mutex<(any AnyObject & Sendable)?>(nil)

    init(_ program: RegexProgram, isAnchored: Bool) {
        self.program = program
        self.isAnchored = isAnchored
        var starts = [Bool](repeating: false, count: 257)
        starts[0] = true
        for case .bytes(let low, let high, _) in program.instructions {
            starts[Int(low)] = true
            starts[Int(high) + 1] = true
        }
        var classes = [UInt8](repeating: 0, count: 256)
        var representatives: [UInt8] = []
        for byte in 0..<256 {
            if starts[byte] { representatives.append(UInt8(byte)) }
            classes[byte] = UInt8(representatives.count - 1)
        }
        byteClass = classes
        classCount = representatives.count
        self.representatives = representatives
        states = Mutex(States())
    }

    deinit { states.withLock { _ = Self.pool.wrappingSubtract($0.pooled, ordering: .relaxed) } }

    /// Keeps an object for as long as this lives.
    func hold(_ object: any AnyObject & Sendable) { holder.withLock { $0 = object } }

    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if program.hasAssertions { return simulate(text) }
        return states.withLock { states in
            if states.members.isEmpty { reset(&states) }
            defer {
                if states.pooled > 0, Self.pool.load(ordering: .relaxed) > Self.poolLimit { forget(&states) }
            }
            var state = states.start
            if !isAnchored, states.isMatch[Int(state)] { return true }
            for byte in text {
                let slot = Int(state) * classCount + Int(byteClass[Int(byte)])
                var next = states.transitions[slot]
                if next < 0 {
                    // Large programs take long for each step. Nobody will look at the answer.
                    if TaskLimit.isOver { return false }
                    next = step(state, byteClass[Int(byte)], &states)
                }
                if next == Self.dead { return false }
                if !isAnchored, states.isMatch[Int(next)] { return true }
                state = next
            }
            return states.isMatch[Int(state)]
        }
    }

    private func forget(_ states: inout States) {
        Self.pool.wrappingSubtract(states.pooled, ordering: .relaxed)
        states = States()
    }

    private func reset(_ states: inout States) {
        forget(&states)
        _ = state([], &states)
        var set = InstructionSet(program.instructions.count)
        close(program.start, into: &set)
        states.start = state(set.members, &states)
    }

    private func state(_ members: [Int32], _ states: inout States) -> Int32 {
        let sorted = members.filter { isKernel($0) }.sorted()
        if let known = states.index[sorted] { return known }
        let new = Int32(states.members.count)
        states.members.append(sorted)
        states.memberCount += sorted.count
        states.isMatch.append(
            sorted.contains { if case .match = program.instructions[Int($0)] { true } else { false } }
        )
        states.transitions.append(contentsOf: repeatElement(new == Self.dead ? Self.dead : -1, count: classCount))
        states.index[sorted] = new
        let bytes = states.transitions.count * 4 + states.memberCount * 4 + states.members.count * 96
        if bytes > Self.leastBytes {
            let more = bytes - Self.leastBytes - states.pooled
            states.pooled += more
            Self.pool.wrappingAdd(more, ordering: .relaxed)
        }
        return new
    }

    private func isKernel(_ instruction: Int32) -> Bool {
        switch program.instructions[Int(instruction)] {
        case .bytes, .match: true
        default: false
        }
    }

    private func step(_ from: Int32, _ byteClass: UInt8, _ states: inout States) -> Int32 {
        let byte = representatives[Int(byteClass)]
        var set = InstructionSet(program.instructions.count)
        for member in states.members[Int(from)] {
            if case .bytes(let low, let high, let next) = program.instructions[Int(member)], low <= byte, byte <= high {
                close(next, into: &set)
            }
        }
        if !isAnchored { close(program.start, into: &set) }
        if states.members.count >= Self.stateLimit || states.memberCount >= Self.memberLimit {
            reset(&states)
            return state(set.members, &states)
        }
        let next = state(set.members, &states)
        states.transitions[Int(from) * classCount + Int(byteClass)] = next
        return next
    }

    /// Adds the instructions that can be reached without consuming a byte; conditions are judged by `holds`.
    private func close(
        _ start: Int32,
        into set: inout InstructionSet,
        holds: (RegexNode.Assertion) -> Bool = { _ in false }
    ) {
        var pending = [start]
        while let instruction = pending.popLast() {
            guard set.insert(instruction) else { continue }
            switch program.instructions[Int(instruction)] {
            case .split(let first, let second):
                pending.append(second)
                pending.append(first)
            case .save(_, let next), .jump(let next): pending.append(next)
            case .assert(let assertion, let next): if holds(assertion) { pending.append(next) }
            case .bytes, .match, .fail: break
            }
        }
    }

    private func simulate(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var current = InstructionSet(program.instructions.count)
        var next = current
        close(program.start, into: &current) { $0.holds(at: 0, in: text) }
        var work = 0
        for position in 0...text.count {
            work += current.members.count + 1
            if work > 1 << 12 {
                work = 0
                if TaskLimit.isOver { return false }
            }
            if !isAnchored, position > 0 { close(program.start, into: &current) { $0.holds(at: position, in: text) } }
            let isMatch = current.members.contains {
                if case .match = program.instructions[Int($0)] { true } else { false }
            }
            if isMatch, !isAnchored || position == text.count { return true }
            guard position < text.count, !current.members.isEmpty || !isAnchored else { return false }
            next.removeAll()
            let byte = text[position]
            for member in current.members {
                if case .bytes(let low, let high, let target) = program.instructions[Int(member)], low <= byte,
                    byte <= high
                {
                    close(target, into: &next) { $0.holds(at: position + 1, in: text) }
                }
            }
            swap(&current, &next)
        }
        return false
    }
}

/// A set of instructions that remembers the order of insertion; clearing costs only what is in it.
struct InstructionSet {
    private(set) var members: [Int32] = []
    private var isIn: [Bool]

    init(_ capacity: Int) { isIn = [Bool](repeating: false, count: capacity) }

    mutating func insert(_ instruction: Int32) -> Bool {
        guard !isIn[Int(instruction)] else { return false }
        isIn[Int(instruction)] = true
        members.append(instruction)
        return true
    }

    mutating func removeAll() {
        for member in members { isIn[Int(member)] = false }
        members.removeAll(keepingCapacity: true)
    }
}

extension RegexNode.Assertion {
    func holds(at position: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        func isWord(_ index: Int) -> Bool {
            guard index >= 0, index < text.count else { return false }
            return Unicode.Scalar(text[index]).isWordCharacter
        }
        switch self {
        case .textStart: return position == 0
        case .textEnd: return position == text.count
        case .lineStart: return position == 0 || text[position - 1] == 0x0A
        case .lineEnd: return position == text.count || text[position] == 0x0A
        case .wordBoundary: return isWord(position - 1) != isWord(position)
        case .notWordBoundary: return isWord(position - 1) == isWord(position)
        }
    }
}
