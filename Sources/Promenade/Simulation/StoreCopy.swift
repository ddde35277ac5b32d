import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The files of a store as they are at a moment.
enum StoreCopy {
    private static let names = ["stack.db", "stack.db-wal", "stack.db-shm"]

    /// Copies a database as it is at this moment, as if its process was killed. Without the index of the WAL, which the next process
    /// makes anew.
    static func copy(from folder: String, to other: String) throws(StackError) {
        var isWell = FileAccess.createFolder(other)
        for name in names.dropLast() {
            guard let bytes = FileAccess.readNamed(folder + "/" + name, limit: .max) else { continue }
            isWell = isWell && FileAccess.write(bytes, to: other + "/" + name)
        }
        if !isWell {
            throw StackError("cannot copy the store to \(other): \(StackError.system(lastErrorNumber()))")
        }
    }

    /// Removes a database, and its folder where nothing else is in it.
    static func remove(_ folder: String) {
        for name in names { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    private static let scratches = Atomic<Int>(0)

    /// A folder that nobody else has, in memory where there is such a place.
    static func scratch() -> String {
        let number = scratches.wrappingAdd(1, ordering: .relaxed).newValue
        let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ProcessEnvironment.all["TMPDIR"] ?? "/tmp"
        return "\(place)/promenade-trial-\(getpid())-\(number)"
    }
}
