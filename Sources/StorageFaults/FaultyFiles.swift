import CSQLite
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A file system for SQLite that does what the ordinary one does and fails where it is told to.
package final class FaultyFiles: Sendable {
    /// What goes wrong.
    package enum Fault: String, Sendable, CaseIterable {
        /// No write finds room any more.
        case fullDisk
        /// One write fails.
        case failedWrite
        /// One sync fails.
        case failedSync
        /// One write gets to the disk by half, and nothing after it does, as when the power goes.
        case tornWrite
        /// One read fails.
        case failedRead
        /// One read gives half of what was asked for.
        case shortRead

        fileprivate enum Operation { case write, sync, truncate, read }

        fileprivate var operation: Operation {
            switch self {
            case .fullDisk, .failedWrite, .tornWrite: .write
            case .failedSync: .sync
            case .failedRead, .shortRead: .read
            }
        }
    }

    /// When somebody else does something.
    package enum Moment: Sendable {
        /// Before a write.
        case write
        /// Before a sync.
        case sync
        /// Before a read.
        case read
    }

    private struct State {
        var fault: Fault?
        /// How many operations of the fault's kind go well before it.
        var countdown = 0
        /// Whether it has happened.
        var isOver = false
        /// Whether nothing is written any more.
        var isGone = false
        /// Whether there is no room for the log's index.
        var hasNoRoomForIndex = false
        /// What somebody else does before a write, a sync or a read, after so many of them.
        var other: (moment: Moment, countdown: Int, body: @Sendable () -> Void)?
    }

    /// The name under which SQLite knows it.
    package let name: String
    private let state = Mutex(State())
    private static let names = Mutex(0)

    /// A file system of its own; SQLite knows it for as long as the process lives.
    package init() {
        let number = FaultyFiles.names.withLock { number in
            number += 1
            return number
        }
        name = "faulty-\(number)"
        // SQLite keeps the structure and its name for as long as the process lives.
        guard let system = sqlite3_vfs_find(nil) else { return }
        let files = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        files.initialize(to: system.pointee)
        let text = Array(name.utf8CString)
        let kept = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
        kept.initialize(from: text, count: text.count)
        files.pointee.zName = UnsafePointer(kept)
        files.pointee.pNext = nil
        files.pointee.szOsFile = Int32(MemoryLayout<OpenFile>.stride) + system.pointee.szOsFile
        files.pointee.pAppData = Unmanaged.passRetained(self).toOpaque()
        files.pointee.xOpen = { files, name, file, flags, outFlags in
            guard let file, let context = files?.pointee.pAppData, let system = sqlite3_vfs_find(nil) else {
                return SQLITE_ERROR
            }
            let opened = UnsafeMutableRawPointer(file).assumingMemoryBound(to: OpenFile.self)
            opened.pointee.base.pMethods = nil
            let code = system.pointee.xOpen(system, name, OpenFile.real(file), flags, outFlags)
            if code != SQLITE_OK { return code }
            opened.pointee.owner = Unmanaged.fromOpaque(context)
            opened.pointee.base.pMethods = UnsafePointer(FaultyFiles.methods)
            return code
        }
        sqlite3_vfs_register(files, 0)
    }

    /// Lets the fault happen after so many operations of its kind.
    package func fail(_ fault: Fault, after count: Int) {
        state.withLock { $0 = State(fault: fault, countdown: count) }
    }

    /// Lets there be no room for the index of a log, as where the disk is full when a store is opened.
    package func failIndex() { state.withLock { $0.hasNoRoomForIndex = true } }

    /// Lets somebody else do something after so many writes or syncs, before the next one.
    package func interfere(before moment: Moment, after count: Int, _ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.other = (moment, count, body) }
    }

    private func letOthersWork(_ moment: Moment) {
        let body = state.withLock { state -> (@Sendable () -> Void)? in
            guard let other = state.other, other.moment == moment else { return nil }
            state.other = other.countdown > 0 ? (moment, other.countdown - 1, other.body) : nil
            return other.countdown > 0 ? nil : other.body
        }
        body?()
    }

    /// Everything goes well again. Whether the fault had happened.
    @discardableResult
    package func heal() -> Bool {
        state.withLock { state in
            defer { state = State() }
            return state.isOver
        }
    }

    /// What becomes of an operation: a fault, or `nil` where it goes well.
    private func judge(_ operation: Fault.Operation) -> Fault? {
        state.withLock { state in
            if state.isGone, operation != .read { return .failedWrite }
            guard let fault = state.fault, fault.operation == operation else { return nil }
            if state.isOver { return fault == .fullDisk ? fault : nil }
            state.countdown -= 1
            if state.countdown >= 0 { return nil }
            state.isOver = true
            state.isGone = fault == .tornWrite
            return fault
        }
    }

    // MARK: - Files

    /// SQLite's part first; the ordinary file system's structure follows.
    private struct OpenFile {
        var base: sqlite3_file
        var owner: Unmanaged<FaultyFiles>

        static func real(_ file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<sqlite3_file> {
            (UnsafeMutableRawPointer(file) + MemoryLayout<OpenFile>.stride).assumingMemoryBound(to: sqlite3_file.self)
        }

        static func owner(of file: UnsafeMutablePointer<sqlite3_file>) -> FaultyFiles {
            UnsafeMutableRawPointer(file).assumingMemoryBound(to: OpenFile.self).pointee.owner.takeUnretainedValue()
        }

        static func judge(_ file: UnsafeMutablePointer<sqlite3_file>, _ operation: Fault.Operation) -> Fault? {
            owner(of: file).judge(operation)
        }
    }

    private typealias File = UnsafeMutablePointer<sqlite3_file>

    /// Calls the ordinary file system.
    private static func forward(
        _ file: File?,
        _ body: (sqlite3_io_methods, File) -> Int32
    ) -> Int32 {
        guard let file else { return SQLITE_ERROR }
        let real = OpenFile.real(file)
        guard let methods = real.pointee.pMethods else { return SQLITE_OK }
        return body(methods.pointee, real)
    }

    /// An error as a disk makes it: SQLite asks for the system's number as well, which would be that of whatever failed before.
    private static func broken(_ detail: Int32) -> Int32 {
        errno = EIO
        return SQLITE_IOERR | detail << 8
    }

    /// The table of functions; SQLite only reads it. Without those for mapping into memory, so that every read comes by.
    private nonisolated(unsafe) static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        var methods = sqlite3_io_methods()
        methods.iVersion = 2
        methods.xClose = { file in FaultyFiles.forward(file) { $0.xClose($1) } }
        methods.xRead = { file, buffer, count, offset in
            guard let file, let buffer else { return SQLITE_ERROR }
            OpenFile.owner(of: file).letOthersWork(.read)
            switch OpenFile.judge(file, .read) {
            case .failedRead: return FaultyFiles.broken(1)
            case .shortRead:
                let half = count / 2
                memset(buffer + Int(half), 0, Int(count - half))
                let code = FaultyFiles.forward(file) { $0.xRead($1, buffer, half, offset) }
                return code == SQLITE_OK ? FaultyFiles.broken(2) : code
            default: return FaultyFiles.forward(file) { $0.xRead($1, buffer, count, offset) }
            }
        }
        methods.xWrite = { file, buffer, count, offset in
            guard let file else { return SQLITE_ERROR }
            OpenFile.owner(of: file).letOthersWork(.write)
            switch OpenFile.judge(file, .write) {
            case .fullDisk: return SQLITE_FULL
            case .tornWrite:
                _ = FaultyFiles.forward(file) { $0.xWrite($1, buffer, count / 2, offset) }
                return FaultyFiles.broken(3)
            case .some: return FaultyFiles.broken(3)
            case nil: return FaultyFiles.forward(file) { $0.xWrite($1, buffer, count, offset) }
            }
        }
        methods.xTruncate = { file, size in
            guard let file else { return SQLITE_ERROR }
            if OpenFile.judge(file, .truncate) != nil { return FaultyFiles.broken(6) }
            return FaultyFiles.forward(file) { $0.xTruncate($1, size) }
        }
        methods.xSync = { file, flags in
            guard let file else { return SQLITE_ERROR }
            OpenFile.owner(of: file).letOthersWork(.sync)
            if OpenFile.judge(file, .sync) != nil { return FaultyFiles.broken(4) }
            return FaultyFiles.forward(file) { $0.xSync($1, flags) }
        }
        methods.xFileSize = { file, size in FaultyFiles.forward(file) { $0.xFileSize($1, size) } }
        methods.xLock = { file, level in FaultyFiles.forward(file) { $0.xLock($1, level) } }
        methods.xUnlock = { file, level in FaultyFiles.forward(file) { $0.xUnlock($1, level) } }
        methods.xCheckReservedLock = { file, out in FaultyFiles.forward(file) { $0.xCheckReservedLock($1, out) } }
        methods.xFileControl = { file, code, argument in
            FaultyFiles.forward(file) { $0.xFileControl($1, code, argument) }
        }
        methods.xSectorSize = { file in FaultyFiles.forward(file) { $0.xSectorSize($1) } }
        methods.xDeviceCharacteristics = { file in FaultyFiles.forward(file) { $0.xDeviceCharacteristics($1) } }
        methods.xShmMap = { file, page, size, extend, out in
            if let file, OpenFile.owner(of: file).state.withLock({ $0.hasNoRoomForIndex }) {
                errno = ENOSPC
                return SQLITE_IOERR | 19 << 8
            }
            return FaultyFiles.forward(file) { $0.xShmMap($1, page, size, extend, out) }
        }
        methods.xShmLock = { file, offset, count, flags in
            FaultyFiles.forward(file) { $0.xShmLock($1, offset, count, flags) }
        }
        methods.xShmBarrier = { file in
            _ = FaultyFiles.forward(file) {
                $0.xShmBarrier($1)
                return SQLITE_OK
            }
        }
        methods.xShmUnmap = { file, deletes in FaultyFiles.forward(file) { $0.xShmUnmap($1, deletes) } }
        let kept = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        kept.initialize(to: methods)
        return kept
    }()
}
