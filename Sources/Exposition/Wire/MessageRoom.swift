import MetricModel

/// The memory that a message takes once it is read. A few bytes of it may ask for much: an empty piece becomes an object, and a
/// text that stands in it once may be named by thousands.
package struct MessageRoom {
    /// The most bytes of one message that somebody sends.
    static let byteLimit = 384 << 20

    /// The most bytes of an answer to a query, which may have as many samples as a query holds.
    static let answerLimit = 1 << 30

    /// So many bytes are taken before it is looked whether the task is to give up, and whether all together have as many more.
    private static let rhythm = 1 << 20

    /// The most labels of a series, an exemplar or a metric, and the most attributes of OpenTelemetry's resources, scopes and points.
    package static let labelLimit = 1000

    /// How many bytes are taken, about.
    private(set) var taken = 0
    private let limit: Int
    /// Beyond so many it is looked at what is the matter.
    private var next: Int
    private let shared = SharedRoom.asked
    /// Whether there was no room among all; then nothing more is read.
    private var isRefused = false

    /// The room for a message that somebody sends.
    init() {
        self.init(limit: Self.byteLimit)
        if shared != nil { next = Self.rhythm }
    }

    /// The room for an answer: it is given up, too, where the task's limit is over.
    static var answer: MessageRoom {
        var room = MessageRoom(limit: answerLimit)
        room.next = rhythm
        return room
    }

    private init(limit: Int) {
        self.limit = limit
        next = limit
    }

    /// How many bytes are left.
    var left: Int { isRefused ? -1 : limit - taken }

    /// Takes room for one more piece.
    @inline(__always)
    mutating func take(_ bytes: Int) throws(ExpositionError) {
        taken &+= bytes
        if taken > next { try look() }
    }

    /// Takes room for so many bytes in all.
    @inline(__always)
    mutating func take(inAll bytes: Int) throws(ExpositionError) {
        taken = bytes
        if taken > next { try look() }
    }

    @inline(never)
    private mutating func look() throws(ExpositionError) {
        if isRefused { throw .noRoom }
        if taken > limit { throw Self.exceeded(limit) }
        if TaskLimit.isOver { throw Self.givenUp }
        if let shared, !shared(taken) {
            isRefused = true
            throw .noRoom
        }
        next = min(limit, taken + Self.rhythm)
    }

    /// Refuses one label more than there may be.
    /// - Parameter count: How many there are already.
    @inline(__always)
    static func checkLabels(_ count: Int, _ field: StaticString) throws(ExpositionError) {
        if count >= labelLimit { throw WireReader.tooMany(field, labelLimit) }
    }

    /// What whoever sends too much is told.
    static func exceeded(_ limit: Int = byteLimit) -> ExpositionError {
        ExpositionError("the message would take more than \(limit >> 20) MiB of memory")
    }

    /// What whoever sends more metrics than are taken at a time is told.
    static func tooMany(_ limit: Int) -> ExpositionError {
        ExpositionError("more than \(limit) metrics in one push: send them as several, to groups of their own")
    }

    /// The task's limit was over: whoever has set it says what it is.
    static let givenUp = ExpositionError("reading was given up")
}
