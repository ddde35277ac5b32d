/// Paths of files as Go's `path/filepath` has them.
public enum FilePath {
    /// The shortest path that leads to the same place by its text alone: no empty parts, no `.`, no `..` behind a name (`Clean`).
    public static func cleaned(_ path: String) -> String {
        let isRooted = path.utf8.first == UInt8(ascii: "/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", parts.last.map({ $0 != ".." }) ?? isRooted {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        let rest = parts.joined(separator: "/")
        return isRooted ? "/" + rest : rest.isEmpty ? "." : rest
    }

    /// The folder that a file is in (`Dir`).
    public static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return cleaned(String(file[...slash]))
    }

    /// A path seen from a folder (`Join`).
    public static func joined(_ folder: String, _ path: String) -> String {
        cleaned(folder.isEmpty ? path : folder + "/" + path)
    }
}
