import MetricModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What can be seen of the files of a store without SQLite: whether they are there, whose they are, and who may read them.
enum StoreFiles {
    /// Only the owner reads what was measured.
    static let mode: mode_t = 0o600
    /// SQLite's smallest page.
    private static let smallestFile: Int64 = 512

    /// Fails for what is no database at all, which SQLite would take for an empty one.
    static func check(_ path: String) throws(StorageError) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            guard let facts = FileFacts(path: path + suffix) else { continue }
            switch facts.kind {
            case .file: continue
            case .folder, .pipe, .socket, .other: break
            }
            // Waiting for a pipe would have no end.
            throw StorageError(.corrupt, "\(path)\(suffix) is not a regular file: move it away")
        }
        let size = fileSize(path)
        guard size > 0, size < smallestFile else { return }
        throw StorageError(
            .corrupt,
            "\(path) is damaged: only \(size) byte(s) of it are left, and the smallest database has \(smallestFile): "
                + "restore a snapshot, or move the file away to start anew"
        )
    }

    /// Creates the database file if it is not there, and closes it and those beside it to others. What is not ours to change
    /// stays as it is.
    static func close(_ path: String) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode)
        if descriptor >= 0 { Self.closeDescriptor(descriptor) }
        for suffix in ["-wal", "-shm", ".lock"] { _ = chmod(path + suffix, mode) }
    }

    private static func closeDescriptor(_ descriptor: Int32) {
        _ = fchmod(descriptor, mode)
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #elseif canImport(Musl)
            _ = Musl.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }
}

/// Which file stands at a path.
struct FileIdentity: Sendable, Equatable {
    private var device: UInt64
    private var inode: UInt64

    /// The file that is there now; `nil` where there is none.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
    }
}

/// The files that a store has opened, to notice when they are removed or replaced.
struct OpenedFiles: Sendable {
    private let path: String
    private let database: FileIdentity?
    /// What keeps another process from writing, too: without its name it does not.
    private let lock: FileIdentity?
    private var log: FileIdentity?

    /// The files that are there now.
    init(_ path: String) {
        self.path = path
        database = FileIdentity(path)
        lock = FileIdentity(path + ".lock")
        noteLog()
    }

    /// The log is there once something was written, at the latest.
    mutating func noteLog() { if log == nil { log = FileIdentity(path + "-wal") } }

    /// What happened to the files, if anything: then what is written now is lost.
    var loss: StorageError? {
        let now = FileIdentity(path)
        if now != database { return OpenedFiles.error(path, isThere: now != nil) }
        if let lock {
            let lockNow = FileIdentity(path + ".lock")
            if lockNow != lock { return OpenedFiles.error(path + ".lock", isThere: lockNow != nil) }
        }
        guard let log else { return nil }
        let logNow = FileIdentity(path + "-wal")
        return logNow == log ? nil : OpenedFiles.error(path + "-wal", isThere: logNow != nil)
    }

    private static func error(_ path: String, isThere: Bool) -> StorageError {
        StorageError(
            .readOnly,
            "\(path) was \(isThere ? "replaced" : "removed") while the store was open, so nothing is taken any more: "
                + "put it back or start anew"
        )
    }
}
