package import MetricModel

/// The path of a group below `/metrics/`: `job/NAME/LABEL/VALUE…`, in base64 where a value cannot stand in a path.
package enum GroupingPath {
    package static func path(job: String, labels: [Label]) throws(PushError) -> String {
        guard !job.isEmpty else { throw PushError(.invalidGrouping, "a push needs the name of its job") }
        var parts = [component("job", job)]
        for label in labels {
            guard Label.isLegacyName(label.name), !label.name.hasPrefix("__"), label.name != "job" else {
                throw PushError(.invalidGrouping, "\(GoText.quoted(label.name)) cannot be a label of the grouping key")
            }
            parts.append(component(label.name, label.value))
        }
        return parts.joined(separator: "/")
    }

    private static func component(_ name: String, _ value: String) -> String {
        // An empty value would vanish from the path, a slash would split it.
        if value.isEmpty { return "\(name)@base64/=" }
        if value.contains("/") { return "\(name)@base64/\(Base64.encodeURLSafe(value.utf8))" }
        return "\(name)/\(URLText.host(value))"
    }
}
