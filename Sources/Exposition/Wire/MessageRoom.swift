/// The memory that a message takes once it is read. A few bytes of it may ask for much: an empty piece becomes an object, and a
/// text that stands in it once may be named by thousands.
package struct MessageRoom {
    /// The most bytes of one message.
    static let byteLimit = 384 << 20

    /// The most labels of a series, an exemplar or a metric, and the most attributes of OpenTelemetry's resources, scopes and points.
    package static let labelLimit = 1000

    /// How many bytes are taken, about.
    private(set) var taken = 0

    /// How many bytes are left.
    var left: Int { Self.byteLimit - taken }

    /// Takes room for one more piece.
    @inline(__always)
    mutating func take(_ bytes: Int) throws(ExpositionError) {
        taken &+= bytes
        if taken > Self.byteLimit { throw Self.exceeded }
    }

    /// Refuses one label more than there may be.
    /// - Parameter count: How many there are already.
    @inline(__always)
    static func checkLabels(_ count: Int, _ field: StaticString) throws(ExpositionError) {
        if count >= labelLimit { throw WireReader.tooMany(field, labelLimit) }
    }

    /// What whoever sends too much is told.
    static let exceeded = ExpositionError("the message would take more than \(byteLimit >> 20) MiB of memory")
}
