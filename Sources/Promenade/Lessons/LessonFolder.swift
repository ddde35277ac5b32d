import ConfigTree
package import Lessons
import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Reads the lessons of a folder.
package enum LessonFolder {
    /// The greatest file that is read.
    static let fileLimit = 1 << 20

    /// The course of a folder: each folder in it is a lesson.
    /// - Throws: `StackError` where it cannot be read, or has no lesson.
    package static func read(_ folder: String) throws(StackError) -> Course {
        guard let names = names(folder) else {
            throw StackError("cannot read the folder \(folder): \(StackError.system(lastErrorNumber()))")
        }
        var files: [Course.File] = []
        var empty: [String] = []
        var unread: [ConfigError] = []
        for lesson in names {
            guard let found = Self.names("\(folder)/\(lesson)") else {
                // A file beside the lessons is no lesson; a folder that cannot be looked into may be one.
                if lastErrorNumber() != ENOTDIR { unread.append(Self.unreadable("\(folder)/\(lesson)")) }
                continue
            }
            let own = found.filter { $0 == "scenario.yml" || $0.hasSuffix(".md") }
            if own.isEmpty { empty.append(lesson) }
            for name in own {
                guard let bytes = FileAccess.read("\(folder)/\(lesson)/\(name)"), bytes.count <= fileLimit else {
                    unread.append(Self.unreadable("\(folder)/\(lesson)/\(name)"))
                    continue
                }
                files.append(Course.File(lesson: lesson, name: name, bytes: bytes))
            }
        }
        if files.isEmpty, unread.isEmpty {
            throw StackError("there is no lesson in \(folder): each is a folder with scenario.yml and lesson.en.md")
        }
        return Course(files, folder: folder, empty: empty, unread: unread)
    }

    private static func unreadable(_ path: String) -> ConfigError {
        let hint = "a text of at most \(fileLimit) bytes"
        return ConfigError(file: path, problems: [ConfigProblem(.meaning, "it cannot be read", hint: hint)])
    }

    /// What a folder holds, sorted, without what is hidden; `nil` where it is no folder.
    private static func names(_ folder: String) -> [String]? {
        guard let handle = opendir(folder) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
