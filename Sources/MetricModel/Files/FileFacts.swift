#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What the system tells of a file. In this room because C's `stat` has no one home where NIO is imported as well.
public struct FileFacts: Sendable, Hashable {
    /// What a path can lead to.
    public enum Kind: Sendable {
        /// A file with bytes in it.
        case file
        /// A folder.
        case folder
        /// A pipe.
        case pipe
        /// A socket.
        case socket
        /// A device or whatever else there may be.
        case other
    }

    /// What it is.
    public let kind: Kind
    /// Its length in bytes.
    public let size: Int
    /// When it was changed last, in seconds and nanoseconds since 1970.
    public let modified: (seconds: Int64, nanoseconds: Int64)
    /// Its number in its file system.
    public let number: UInt64

    /// What is at a path; `nil` where nothing can be seen there (`errno` says why).
    public init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        self.init(info)
    }

    /// What a descriptor is of; `nil` where it is of nothing.
    public init?(descriptor: Int32) {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return nil }
        self.init(info)
    }

    private init(_ info: stat) {
        switch info.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        case S_IFIFO: kind = .pipe
        case S_IFSOCK: kind = .socket
        default: kind = .other
        }
        size = Int(info.st_size)
        number = UInt64(info.st_ino)
        #if canImport(Darwin)
            let time = info.st_mtimespec
        #else
            let time = info.st_mtim
        #endif
        modified = (Int64(time.tv_sec), Int64(time.tv_nsec))
    }

    /// Where the length stands in ``stamp``.
    public static let sizeInStamp = 2

    /// By which a change of the file is noticed.
    public var stamp: [Int64] {
        [modified.seconds, modified.nanoseconds, Int64(size), Int64(truncatingIfNeeded: number)]
    }

    /// Whether nothing shows that the file was changed.
    public static func == (left: FileFacts, right: FileFacts) -> Bool { left.stamp == right.stamp }

    /// Hashes what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(stamp) }
}
