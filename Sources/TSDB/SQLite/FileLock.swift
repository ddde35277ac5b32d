import MetricModel
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Keeps two processes from writing to one store: a lock on a file beside it, which ends with the process.
final class FileLock: Sendable {
    private let descriptor: Mutex<Int32>
    /// The file itself.
    private let held = Mutex<Int32>(-1)
    private let path: String
    private let isNew: Bool
    /// Which file it is.
    private let identity: FileIdentity?

    /// Takes the lock.
    /// - Throws: ``StorageError/Code/locked`` with the number of the process that has it.
    init(path: String) throws(StorageError) {
        self.path = path
        isNew = access(path, F_OK) != 0
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, StoreFiles.mode)
        guard opened >= 0 else {
            let number = errno
            let code: StorageError.Code =
                switch number {
                case ENOSPC, EDQUOT: .diskFull
                case EACCES, EROFS: .readOnly
                default: .inputOutput
                }
            throw StorageError(code, "cannot open the lock file \(path): \(String(cString: strerror(number)))")
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            var text = [UInt8](repeating: 0, count: 32)
            let count = pread(opened, &text, 31, 0)
            let owner = String(decoding: text.prefix(max(0, count)).prefix { $0 > 32 }, as: UTF8.self)
            close(opened)
            throw StorageError(
                .locked,
                "the storage is already in use by process \(owner.isEmpty ? "(unknown)" : owner) (lock file \(path)): "
                    + "stop it, or give another --storage.path"
            )
        }
        descriptor = Mutex(opened)
        identity = FileIdentity(path)
        sign()
    }

    /// Writes into the file who has the lock. On a full disk nobody is told.
    func sign() {
        let process = Array("\(getpid())\n".utf8)
        descriptor.withLock { opened in
            _ = ftruncate(opened, 0)
            _ = process.withUnsafeBytes { pwrite(opened, $0.baseAddress, $0.count, 0) }
        }
    }

    /// Whether its file is where others look for it.
    var isInPlace: Bool { identity != nil && FileIdentity(path) == identity }

    /// Locks the file itself, too, which may have another name elsewhere.
    ///
    /// On Linux only, where such locks are nothing to those that SQLite takes; elsewhere the two exclude each other.
    func hold(_ file: String) throws(StorageError) {
        #if os(Linux)
            let opened = open(file, O_RDONLY | O_CLOEXEC)
            if opened < 0 { return }
            guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
                close(opened)
                throw StorageError(
                    .locked,
                    "\(file) is already in use by another process, which knows it by another name (a link): "
                        + "stop that, or give another --storage.path"
                )
            }
            held.withLock { $0 = opened }
        #endif
    }

    /// Lets go of the lock. Nobody of this process may have the file open any more, as SQLite's own locks end with this.
    func release() {
        held.withLock { held in
            if held >= 0 {
                flock(held, LOCK_UN)
                close(held)
            }
            held = -1
        }
        descriptor.withLock { descriptor in
            if descriptor >= 0 {
                // A child process between its fork and its exec has the file open too; closing ours alone would leave it the lock.
                flock(descriptor, LOCK_UN)
                close(descriptor)
            }
            descriptor = -1
        }
    }

    /// Lets go of the lock and leaves no file behind that was not there before: what it was taken for is no store.
    func withdraw() {
        if isNew { unlink(path) }
        release()
    }

    deinit { release() }
}

/// Bytes on disk of a file, 0 where it is not there.
func fileSize(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
}
