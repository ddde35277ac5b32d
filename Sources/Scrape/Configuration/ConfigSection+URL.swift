import ConfigTree
import HTTPCalling
import MetricModel

extension ConfigSection {
    /// A URL as Go's `net/url` takes it, even if nothing can be fetched there; `nil` where the field is absent or wrong.
    func url(_ name: String) -> String? {
        guard let text = string(name) else { return nil }
        guard let reason = URLParts.malformation(of: text) else { return text }
        // A password in it is not told.
        fail("parse \(GoText.quoted(HTTPClientConfig.Proxy.redacted(text))): \(reason)", at: name)
        return nil
    }
}
