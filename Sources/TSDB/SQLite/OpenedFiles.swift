import MetricModel

/// The files that a store has opened, to notice when they are removed, replaced or cut short.
struct OpenedFiles: Sendable {
    private var database: OpenedFile
    /// What keeps another process from writing, too: without its name it does not.
    private var lock: OpenedFile
    private var log: OpenedFile
    /// What says where in the log a page is. It is mapped into memory.
    private var index: OpenedFile
    /// What is cut short stays so, however long it is made again.
    private var cut: StorageError?
    /// How many bytes a page has in the log.
    private let frameLength: Int64
    /// How many pages the log had after the last commit.
    private var pages: Int64 = 0

    /// The files that are there now.
    init(_ path: String, pageSize: Int64) {
        database = OpenedFile(path)
        lock = OpenedFile(path + ".lock")
        log = OpenedFile(path + "-wal")
        index = OpenedFile(path + "-shm")
        frameLength = pageSize + 24
        noteLengths()
    }

    /// Nothing is told of lengths from now on: what comes makes files shorter.
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
        index.noteGrowth()
    }

    /// A commit failed, or changed nothing: the log is at least as long as it was.
    mutating func keepLog(_ before: Int64) {
        if !log.isThere { log.note() }
        log.length = before
        index.noteGrowth()
    }

    /// A commit made the log have so many pages.
    /// - Parameter hasPage: whether a page, or the log's head, begins where it has to; `nil` where nobody knows.
    /// - Returns: that somebody cut it short meanwhile, so that there are zeros where pages were.
    mutating func noteLog(pages now: Int32, hasPage: (Int64) -> Bool?) -> StorageError? {
        // The log is there once something was written, at the latest.
        if !log.isThere { log.note() }
        let now = Int64(now)
        log.length = place(now)
        index.noteGrowth()
        // All are there up to the last, whether the log goes on or was begun anew.
        let looked = now > pages && pages > 0 ? [0, place(pages - 1), place(pages)] : [0, place(0)]
        pages = now
        if looked.contains(where: { hasPage($0) == false }) { cut = cut ?? log.holed }
        return cut
    }

    /// The database may become so short, and no shorter.
    mutating func expectDatabase(length: Int64) { database.length = min(database.length, length) }

    /// The database has so many bytes.
    mutating func noteDatabase(length: Int64) { database.length = length }

    /// Where a page of the log begins.
    private func place(_ number: Int64) -> Int64 { 32 + number * frameLength }

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

    /// It is at least as long as it is now.
    mutating func noteGrowth() {
        let before = length
        note()
        length = max(length, before)
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

    /// It was cut short and written to behind its end.
    var holed: StorageError { error("cut short while it was written to", "start anew") }

    private func error(_ what: String, _ remedy: String) -> StorageError {
        StorageError(.readOnly, "\(path) was \(what) while the store was open, so nothing is taken any more: \(remedy)")
    }
}
