import Testing
import Web

/// Who sends in small pieces, and is read in turn for it.
@Suite(.timeLimit(.minutes(5))) struct SmallPiecesTests {
    /// Pieces that come again and again, a request ending with each round or not, and after how many it is too many.
    private struct Course {
        let pieces: [Int]
        var isWhole = false
        let wanted: Int?
    }

    private static let courses = [
        Course(pieces: [1], wanted: 8), Course(pieces: [511], wanted: 8),
        Course(pieces: [Int](repeating: 1, count: 7) + [512], wanted: 9),
        Course(pieces: [1, 1, 1, 1024], wanted: 14),
        Course(pieces: [Int](repeating: 9, count: 7), isWhole: true, wanted: 12),
        Course(pieces: [100], isWhole: true, wanted: nil), Course(pieces: [512], wanted: nil),
        Course(pieces: [1, 1, 4096], wanted: nil),
    ]

    @Test(arguments: courses.indices)
    func `small pieces are counted against others`(_ number: Int) {
        let course = Self.courses[number]
        var pieces = SmallPieces()
        var count = 0
        while count < 1000, !pieces.areMany {
            pieces.take(course.pieces[count % course.pieces.count])
            count += 1
            if course.isWhole, count % course.pieces.count == 0, !pieces.areMany { pieces.endRequest() }
        }
        #expect((pieces.areMany ? count : nil) == course.wanted)
    }

    @Test func `whoever sends at once again is read at once again`() {
        var pieces = SmallPieces()
        for _ in 0..<1000 { pieces.take(1) }
        pieces.endRequest()
        #expect(pieces.areMany)
        pieces.take(100)
        pieces.endRequest()
        #expect(!pieces.areMany)
        for _ in 0..<1000 { pieces.take(1) }
        pieces.take(64 << 10)
        #expect(!pieces.areMany)
    }
}
