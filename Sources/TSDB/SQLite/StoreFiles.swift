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
        let (size, log) = (fileSize(path), fileSize(path + "-wal"))
        if size >= smallestFile || size == 0 && log == 0 { return }
        throw StorageError(
            .corrupt,
            "\(path) is damaged: only \(size) byte(s) of it are left, and the smallest database has \(smallestFile)"
                + (size == 0 ? "; what \(path)-wal holds (\(log) bytes) belongs to the one that was there" : "")
                + ": restore a snapshot, or move the file\(size == 0 ? "s" : "") away to start anew"
        )
    }

    /// Whether something has that name, a link that leads nowhere among it.
    static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// The path without links: SQLite keeps its log beside the file itself, and there the lock has to be.
    static func resolved(_ path: String) -> String {
        guard let found = realpath(path, nil) else { return path }
        defer { free(found) }
        return String(cString: found)
    }

    /// The path of a file, which may not be there yet, from the root on.
    static func rooted(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return resolved(FilePath.folder(of: path)) + "/" + name
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
        var length: Int64 = 0
        self.init(path, length: &length)
    }

    /// The file that is there now, and how long it is.
    init?(_ path: String, length: inout Int64) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        length = Int64(status.st_size)
    }
}
