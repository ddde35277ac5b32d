import MetricModel
package import NIOHTTP1

extension HTTPHeaders {
    /// Whether a text is a token, as names of fields have to be (RFC 9110, 5.1).
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Adds a field whose name is somebody's own: the library ends the process where a name is not ASCII.
    /// - Throws: `TransportError` in Go's words where it is no name.
    package mutating func addField(_ name: String, _ value: String) throws(TransportError) {
        guard Self.isName(name) else {
            throw TransportError("net/http: invalid header field name \(GoText.quoted(name))", code: .setup)
        }
        add(name: name, value: value)
    }
}
