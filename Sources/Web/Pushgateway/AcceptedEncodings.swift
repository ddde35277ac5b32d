/// The choice between gzip and no compression as promhttp makes it.
enum AcceptedEncodings {
    /// Whether gzip has a higher weight than no compression, which has none unless it is named.
    static func prefersGzip(_ request: WebRequest) -> Bool {
        var gzip = -1.0
        var identity = -1.0
        var any = -1.0
        for header in request.headers.values("Accept-Encoding") {
            for entry in header.split(separator: ",") {
                let parts = entry.split(separator: ";")
                guard let name = parts.first.map({ String($0).trimmed }) else { continue }
                var weight = 1.0
                for parameter in parts.dropFirst() {
                    let pair = String(parameter).trimmed
                    if pair.hasPrefix("q="), let value = Double(pair.dropFirst(2)) { weight = value }
                }
                switch name {
                case "gzip": gzip = max(gzip, weight)
                case "identity": identity = max(identity, weight)
                case "*": any = max(any, weight)
                default: continue
                }
            }
        }
        let effective = gzip >= 0 ? gzip : any
        let plain = identity >= 0 ? identity : any
        return effective > 0 && effective > plain
    }
}
