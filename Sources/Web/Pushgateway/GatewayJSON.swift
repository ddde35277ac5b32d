import Pushgateway

/// JSON objects of the gateway's status.
enum GatewayJSON {
    /// Appends an object of texts, sorted by name.
    static func append(_ pairs: [String: String], to json: inout [UInt8]) {
        GoJSON.append(pairs.map { ($0.key, $0.value) }, to: &json)
    }
}
