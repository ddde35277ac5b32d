import MetricModel

/// The files that a store has opened, to notice when they are removed, replaced or cut short.
struct OpenedFiles: Sendable {
    private var database: OpenedFile
    /// What keeps another process from writing, too: without its name it does not.
    private var lock: OpenedFile
    private var log: OpenedFile
    /// What says where in the log a page is. It is mapped into memory: the system ends a process that reads behind the end of the file.
    private var index: OpenedFile
    /// What is cut short stays so, however long it is made again.
    private var cut: StorageError?
    /// How many bytes a page has in the log.
    private let frameLength: Int64

    /// The files that are there now.
    init(_ path: String, pageSize: Int64) {
        database = OpenedFile(path)
        lock = OpenedFile(path + ".lock")
        log = OpenedFile(path + "-wal")
        index = OpenedFile(path + "-shm")
        frameLength = pageSize + 24
        noteLengths()
    }

    /// Nothing is told of lengths from now on: what comes may make files shorter.
    mutating func forgetLengths() {
        database.length = 0
        log.length = 0
    }

    /// The same for the log alone, which a commit may make shorter. Gives back what was forgotten.
    mutating func forgetLog() -> Int64 {
        defer { log.length = 0 }
        return log.length
    }

    /// All files are at least as long as now.
    mutating func noteLengths() {
        database.note()
        log.note()
        index.note()
    }

    /// The log has so many pages; none where that did not change.
    mutating func noteLog(pages: Int32, before: Int64) {
        // The log is there once something was written, at the latest.
        if !log.isThere { log.note() }
        log.length = pages > 0 ? 32 + Int64(pages) * frameLength : before
        index.note()
    }

    /// What happened to the files, if anything: then what is written now is lost.
    mutating func loss() -> StorageError? {
        if cut == nil { cut = database.cut ?? log.cut ?? index.cut }
        return cut ?? database.loss ?? lock.loss ?? log.loss
    }

    /// Why nothing can be read, if anything: what is mapped into memory is not there any more.
    mutating func unreadable() -> StorageError? {
        guard let found = database.cut ?? index.cut else { return nil }
        cut = cut ?? found
        return found
    }

    /// Whether a file was cut short. The log has to be left as it is then: what it holds is not all that its index tells of.
    var isCut: Bool { cut != nil }
}

/// A file that is open, as it was seen last.
private struct OpenedFile: Sendable {
    private let path: String
    private var identity: FileIdentity?
    /// So long it is at least.
    var length: Int64 = 0

    init(_ path: String) {
        self.path = path
        identity = FileIdentity(path)
    }

    var isThere: Bool { identity != nil }

    /// It is as long as it is now, if it is the one that was opened.
    mutating func note() {
        var now: Int64 = 0
        let found = FileIdentity(path, length: &now)
        if identity == nil { identity = found }
        if found == identity { length = now }
    }

    /// It was removed or replaced.
    var loss: StorageError? {
        guard let identity else { return nil }
        let now = FileIdentity(path)
        return now == identity ? nil : error(now == nil ? "removed" : "replaced", "put it back or start anew")
    }

    /// It was cut short.
    var cut: StorageError? {
        var now: Int64 = 0
        guard let identity, FileIdentity(path, length: &now) == identity, now < length else { return nil }
        return error("cut short (\(now) of \(length) bytes are left)", "start anew")
    }

    private func error(_ what: String, _ remedy: String) -> StorageError {
        StorageError(.readOnly, "\(path) was \(what) while the store was open, so nothing is taken any more: \(remedy)")
    }
}
