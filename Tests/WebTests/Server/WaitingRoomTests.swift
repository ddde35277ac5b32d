import NIOCore
import NIOEmbedded
import Testing
import Web

/// Connections that can wait, on a loop whose time is moved.
@Suite(.timeLimit(.minutes(5))) struct WaitingRoomTests {
    /// What has become of those who waited, by number.
    private final class Course {
        var taken: [Int] = []
        var left: [Int] = []
    }

    @Test func `a few have their turn at a time, and for one too many the first gives up`() {
        let (loop, course) = (EmbeddedEventLoop(), Course())
        let room = WaitingRoom(loop, atOnce: 3, capacity: 8)
        for number in 0..<10 {
            room.add {
                course.taken.append(number)
                // One whose connection is gone takes nobody's turn.
                return number != 3
            } leave: {
                course.left.append(number)
            }
        }
        #expect(course.left == [0, 1] && course.taken == [])
        loop.advanceTime(by: .milliseconds(4))
        #expect(course.taken == [])
        loop.advanceTime(by: .milliseconds(1))
        #expect(course.taken == [2, 3, 4, 5])
        loop.advanceTime(by: .milliseconds(5))
        #expect(course.taken == [2, 3, 4, 5, 6, 7, 8])
        loop.advanceTime(by: .seconds(1))
        #expect(course.taken == Array(2..<10) && course.left == [0, 1])
    }

    @Test func `whoever has more to do waits behind all others`() {
        let (loop, course) = (EmbeddedEventLoop(), Course())
        let room = WaitingRoom(loop, atOnce: 2)
        func wait(_ number: Int, _ rounds: Int) {
            room.add {
                course.taken.append(number)
                if rounds > 1 { wait(number, rounds - 1) }
                return true
            }
        }
        wait(1, 3)
        loop.advanceTime(by: .milliseconds(5))
        #expect(course.taken == [1])
        for number in 2...4 { wait(number, 1) }
        for wanted in [[1, 1, 2], [1, 1, 2, 3, 4], [1, 1, 2, 3, 4, 1]] {
            loop.advanceTime(by: .milliseconds(5))
            #expect(course.taken == wanted)
        }
    }
}
