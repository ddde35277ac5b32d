import MetricModel
package import NIOHTTP1

extension HTTPHeaders {
    /// Adds a field whose name is somebody's own: the library ends the process where a name is not ASCII.
    /// - Throws: `TransportError` in Go's words where it is no name.
    package mutating func addField(_ name: String, _ value: String) throws(TransportError) {
        guard FieldName.isValid(name) else {
            throw TransportError("net/http: invalid header field name \(GoText.quoted(name))", code: .setup)
        }
        add(name: name, value: value)
    }
}
