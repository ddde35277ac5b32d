import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A pattern for paths as Go's `path/filepath` has it: `*` and `?` for characters of one part of a path (a leading dot included),
/// `[a-z]` and `[^a-z]` for one of some, `\` before a character that stands for itself.
package struct PathPattern: Sendable, Hashable {
    /// The pattern.
    package let text: String

    /// Takes a pattern; `nil` where it is malformed.
    package init?(_ text: String) {
        self.text = text
        guard Self.isWellFormed(Array(text.unicodeScalars)) else { return nil }
    }

    /// The most files and folders that are looked at for a pattern.
    private static let entryLimit = 250_000

    /// Why the paths that match were not found.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The paths that match, sorted within each folder. What cannot be read has none.
    /// - Throws: ``Failure`` where it leads past too much, or the task is to give up.
    package func matches(entryLimit: Int = PathPattern.entryLimit) throws(Failure) -> [String] {
        var search = Search(pattern: text, limit: entryLimit)
        return try search.paths(text)
    }

    /// Go's words for a malformed one.
    package static let malformed = "syntax error in pattern"

    /// Looks through folders.
    private struct Search {
        let pattern: String
        let limit: Int
        /// How many entries were looked at.
        private var count = 0

        init(pattern: String, limit: Int) {
            self.pattern = pattern
            self.limit = limit
        }

        mutating func paths(_ pattern: String) throws(Failure) -> [String] {
            guard Self.hasWildcards(pattern) else {
                var info = stat()
                return lstat(pattern, &info) == 0 ? [pattern] : []
            }
            let slash = pattern.lastIndex(of: "/")
            let name = Array((slash.map { pattern[pattern.index(after: $0)...] } ?? pattern[...]).unicodeScalars)
            guard let slash else { return try entries(of: "", matching: name) }
            let folder = slash == pattern.startIndex ? "/" : String(pattern[..<slash])
            var found: [String] = []
            for folder in Self.hasWildcards(folder) ? try paths(folder) : [folder] {
                found += try entries(of: folder, matching: name)
            }
            return found
        }

        private static func hasWildcards(_ path: String) -> Bool { path.contains { "*?[\\".contains($0) } }

        /// Counts one more entry, or one more folder.
        private mutating func note() throws(Failure) {
            count += 1
            if count > limit {
                let many = "\(pattern) leads past more than \(limit) files and folders"
                throw Failure(description: "\(many); name the folder, or use fewer *")
            }
            if count & 63 == 0, TaskLimit.isOver || Task.isCancelled {
                let end = "it takes too long, or the end has come"
                throw Failure(description: "looking for \(pattern) was given up: \(end)")
            }
        }

        private mutating func entries(
            of folder: String,
            matching pattern: [Unicode.Scalar]
        ) throws(Failure) -> [String] {
            try note()
            guard let stream = opendir(folder.isEmpty ? "." : folder) else { return [] }
            defer { closedir(stream) }
            var names: [String] = []
            while let entry = readdir(stream) {
                try note()
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                        String(cString: $0)
                    }
                }
                if name != ".", name != "..", PathPattern.matches(pattern[...], Array(name.unicodeScalars)[...]) {
                    names.append(name)
                }
            }
            return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { FilePath.joined(folder, $0) }
        }
    }

    // MARK: One name

    /// Whether a pattern without slashes fits a name. Only the last `*` is ever tried again, so it takes at most the product of
    /// both lengths.
    private static func matches(_ pattern: ArraySlice<Unicode.Scalar>, _ name: ArraySlice<Unicode.Scalar>) -> Bool {
        var (pattern, name) = (pattern, name)
        var retry: (pattern: ArraySlice<Unicode.Scalar>, name: ArraySlice<Unicode.Scalar>)?
        while true {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
                continue
            }
            if pattern.isEmpty, name.isEmpty { return true }
            if let scalar = name.first, let rest = element(pattern, fits: scalar) {
                (pattern, name) = (rest, name.dropFirst())
                continue
            }
            guard let (again, from) = retry, !from.isEmpty else { return false }
            retry = (again, from.dropFirst())
            (pattern, name) = (again, from.dropFirst())
        }
    }

    /// What follows the pattern's first element, if that fits a character.
    private static func element(
        _ pattern: ArraySlice<Unicode.Scalar>,
        fits scalar: Unicode.Scalar
    ) -> ArraySlice<Unicode.Scalar>? {
        guard let first = pattern.first else { return nil }
        switch first {
        case "?": return pattern.dropFirst()
        case "[":
            guard let (fits, rest) = setOfCharacters(pattern.dropFirst(), scalar) else { return nil }
            return fits ? rest : nil
        case "\\":
            let rest = pattern.dropFirst()
            return rest.first == scalar ? rest.dropFirst() : nil
        default: return first == scalar ? pattern.dropFirst() : nil
        }
    }

    /// Reads what stands between brackets; `nil` where it is malformed.
    private static func setOfCharacters(
        _ pattern: ArraySlice<Unicode.Scalar>,
        _ scalar: Unicode.Scalar
    ) -> (fits: Bool, rest: ArraySlice<Unicode.Scalar>)? {
        var rest = pattern
        let isNegated = rest.first == "^"
        if isNegated { rest = rest.dropFirst() }
        var fits = false
        var count = 0
        func character() -> Unicode.Scalar? {
            guard let first = rest.popFirst(), first != "-", first != "]" else { return nil }
            let result = first == "\\" ? rest.popFirst() : first
            return rest.isEmpty ? nil : result
        }
        while true {
            if rest.first == "]", count > 0 { return (fits != isNegated, rest.dropFirst()) }
            guard let low = character() else { return nil }
            var high = low
            if rest.first == "-" {
                rest = rest.dropFirst()
                guard let end = character() else { return nil }
                high = end
            }
            if low <= scalar, scalar <= high { fits = true }
            count += 1
        }
    }

    private static func isWellFormed(_ pattern: [Unicode.Scalar]) -> Bool {
        var rest = pattern[...]
        while let first = rest.popFirst() {
            switch first {
            case "[":
                guard let (_, after) = setOfCharacters(rest, "a") else { return false }
                rest = after
            case "\\": if rest.popFirst() == nil { return false }
            default: break
            }
        }
        return true
    }
}
