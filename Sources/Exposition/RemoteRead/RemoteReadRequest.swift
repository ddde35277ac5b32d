public import MetricModel

/// What a remote reader asks for: the message `prometheus.ReadRequest`.
///
/// The body has to be unpacked (see ``Snappy``) before it is decoded.
public struct RemoteReadRequest: Sendable, Hashable {
    /// The forms of an answer.
    public enum ResponseType: UInt64, Sendable, Hashable {
        /// One message with all samples, packed with snappy.
        case samples = 0
        /// A stream of messages with chunks as Prometheus stores them.
        case streamedChunks = 1
    }

    /// A condition on a label, not yet compiled.
    public struct Matcher: Sendable, Hashable {
        /// The number of the comparison: 0 equal, 1 not equal, 2 matches, 3 does not match.
        public var type: UInt64
        /// The label.
        public var name: String
        /// The value or the pattern.
        public var value: String

        /// A condition.
        public init(type: UInt64, name: String, value: String) {
            self.type = type
            self.name = name
            self.value = value
        }
    }

    /// One selection.
    public struct Query: Sendable, Hashable {
        /// The earliest time wanted.
        public var start: Timestamp = 0
        /// The latest time wanted.
        public var end: Timestamp = 0
        /// All of them have to match.
        public var matchers: [Matcher] = []
        /// The span that the reader will really use; `nil` where it does not tell.
        public var hinted: ClosedRange<Timestamp>?

        /// A selection.
        public init(start: Timestamp = 0, end: Timestamp = 0, matchers: [Matcher] = []) {
            self.start = start
            self.end = end
            self.matchers = matchers
        }
    }

    /// The selections.
    public var queries: [Query] = []
    /// The forms of answer that the reader takes, the best first; none means ``ResponseType/samples``. Unknown ones as numbers.
    public var accepted: [UInt64] = []

    /// The most selections of a request. Readers send one, or a few.
    private static let queryLimit = 1000
    /// The most conditions of a selection.
    fileprivate static let matcherLimit = 1000
    /// The most forms of answer that a request may name.
    private static let formLimit = 100

    /// A request for nothing.
    public init() {}

    /// Decodes the bytes of a message.
    /// - Throws: an error in the words of Prometheus's decoder.
    public init(decoding message: [UInt8]) throws(ExpositionError) {
        self = try message.withUnsafeBufferPointer { bytes throws(ExpositionError) in
            var reader = WireReader(bytes)
            var request = RemoteReadRequest()
            while let tag = try reader.nextTag(of: "ReadRequest") {
                switch tag.field {
                case 1:
                    if request.queries.count == Self.queryLimit {
                        throw ExpositionError("more than \(Self.queryLimit) queries in a request")
                    }
                    var message = try reader.message(tag, "Queries")
                    request.queries.append(try Query(&message))
                case 2:
                    try reader.varints(tag, "AcceptedResponseTypes", into: &request.accepted, upTo: .max)
                    if request.accepted.count > Self.formLimit {
                        throw ExpositionError("more than \(Self.formLimit) response types in a request")
                    }
                default: try reader.skip(tag)
                }
            }
            return request
        }
    }

    /// The bytes of the message, before they are packed.
    public func encoded() -> [UInt8] {
        var output: [UInt8] = []
        for query in queries {
            WireWriter.message(1, to: &output) { output in
                WireWriter.signed(1, query.start, to: &output)
                WireWriter.signed(2, query.end, to: &output)
                for matcher in query.matchers {
                    WireWriter.message(3, to: &output) { output in
                        if matcher.type != 0 { WireWriter.unsigned(1, matcher.type, to: &output) }
                        WireWriter.text(2, matcher.name, to: &output)
                        WireWriter.text(3, matcher.value, to: &output)
                    }
                }
                if let hinted = query.hinted {
                    WireWriter.message(4, to: &output) { output in
                        WireWriter.signed(3, hinted.lowerBound, to: &output)
                        WireWriter.signed(4, hinted.upperBound, to: &output)
                    }
                }
            }
        }
        WireWriter.packedVarints(2, accepted, to: &output)
        return output
    }
}

extension RemoteReadRequest.Query {
    init(_ reader: inout WireReader) throws(ExpositionError) {
        self.init()
        while let tag = try reader.nextTag(of: "Query") {
            switch tag.field {
            case 1: start = try reader.signed(tag, "StartTimestampMs")
            case 2: end = try reader.signed(tag, "EndTimestampMs")
            case 3:
                if matchers.count == RemoteReadRequest.matcherLimit {
                    throw ExpositionError("more than \(RemoteReadRequest.matcherLimit) matchers in a query")
                }
                var message = try reader.message(tag, "Matchers")
                matchers.append(try RemoteReadRequest.Matcher(&message))
            case 4:
                var message = try reader.message(tag, "Hints")
                hinted = try Self.span(&message)
            default: try reader.skip(tag)
            }
        }
    }

    /// The span in a message `ReadHints`; the rest of it is only meant to make reading cheaper.
    private static func span(_ reader: inout WireReader) throws(ExpositionError) -> ClosedRange<Timestamp>? {
        var start: Timestamp = 0
        var end: Timestamp = 0
        while let tag = try reader.nextTag(of: "ReadHints") {
            switch tag.field {
            case 3: start = try reader.signed(tag, "StartMs")
            case 4: end = try reader.signed(tag, "EndMs")
            default: try reader.skip(tag)
            }
        }
        return start <= end ? start...end : nil
    }
}

extension RemoteReadRequest.Matcher {
    init(_ reader: inout WireReader) throws(ExpositionError) {
        self.init(type: 0, name: "", value: "")
        while let tag = try reader.nextTag(of: "LabelMatcher") {
            switch tag.field {
            case 1: type = try reader.unsigned(tag, "Type")
            case 2: name = reader.text(try reader.delimited(tag, "Name"))
            case 3: value = reader.text(try reader.delimited(tag, "Value"))
            default: try reader.skip(tag)
            }
        }
    }
}
