/// The way through a lesson: what happens one after the other, and where it waits for the reader.
public struct LessonMoves: Sendable {
    /// Something that happens.
    public struct Move: Sendable, Hashable {
        /// The step.
        public var step: Int
        /// The block in it.
        public var block: Int
        /// What happens.
        public var kind: Kind
    }

    /// What happens.
    public enum Kind: Sendable, Hashable {
        /// The block is shown.
        case show
        /// The world goes to a moment.
        case run(to: Int64)
        /// A button is pressed, by its place in the block.
        case press(Int)
        /// A question is put; the reader answers before it goes on.
        case ask
        /// The step is over: its questions have their answers.
        case close
    }

    /// All moves, in order.
    public let moves: [Move]
    /// How many moves are done where the reader is waited for, rising; the last is the end.
    public let stops: [Int]

    /// The way through a lesson.
    public init(_ lesson: Lesson) {
        var moves: [Move] = []
        var stops: Set<Int> = []
        for (step, content) in lesson.steps.enumerated() {
            for (block, piece) in content.blocks.enumerated() {
                func add(_ kind: Kind) { moves.append(Move(step: step, block: block, kind: kind)) }
                switch piece.content {
                case .text, .panel, .claim, .picture, .changes, .explore: add(.show)
                case .run(let moment): add(.run(to: moment))
                case .predict:
                    add(.ask)
                    stops.insert(moves.count)
                case .act(let acts):
                    for index in acts.indices {
                        stops.insert(moves.count)
                        add(.press(index))
                    }
                }
            }
            moves.append(Move(step: step, block: content.blocks.count, kind: .close))
            stops.insert(moves.count)
        }
        // Nothing has happened before the first move.
        stops.remove(0)
        self.moves = moves
        self.stops = stops.sorted()
    }

    /// Where the reader is waited for next.
    public func stop(after position: Int) -> Int { stops.first { $0 > position } ?? moves.count }
}
