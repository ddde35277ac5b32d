import MetricModel
package import NIOHTTP1

extension HTTPHeaders {
    /// Adds a field whose name and value are somebody's own: the library ends the process where a name is not ASCII, and what comes after a
    /// line break in a value would be a field, or a request, of its own.
    /// - Throws: `TransportError` in Go's words where it is no name or no value.
    package mutating func addField(_ name: String, _ value: String) throws(TransportError) {
        guard FieldName.isValid(name) else {
            throw TransportError("net/http: invalid header field name \(GoText.quoted(name))", code: .setup)
        }
        guard FieldName.isValue(value) else {
            throw TransportError("net/http: invalid header field value for \(GoText.quoted(name))", code: .setup)
        }
        add(name: name, value: value)
    }
}
