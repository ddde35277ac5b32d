/// Paths as people find them.
public enum StackPlaces {
    /// A path from the root on, without `.` and `..`; links are left as they are.
    public static func absolute(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : ProcessEnvironment.workingFolder + "/" + path
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
