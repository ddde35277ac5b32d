#if canImport(Glibc)
    import Glibc
#endif

/// What the process occupies.
public enum ProcessMemory {
    /// Sets up the allocator: large blocks go back to the system when they are freed, and threads share four heaps.
    ///
    /// By itself the C library keeps what was freed as soon as blocks of that size come and go, in each of sixteen heaps: an
    /// exposition of a megabyte would stay several times.
    public static func configure() {
        #if canImport(Glibc)
            // Swift does not import <malloc.h>, so the function is looked up and its constants are written out.
            guard let symbol = dlsym(nil, "mallopt") else { return }
            let mallopt = unsafeBitCast(symbol, to: (@convention(c) (CInt, CInt) -> CInt).self)
            let (trimThreshold, mappingThreshold, arenaMaximum): (CInt, CInt, CInt) = (-1, -3, -8)
            _ = mallopt(mappingThreshold, 2 << 20)
            _ = mallopt(trimThreshold, 2 << 20)
            _ = mallopt(arenaMaximum, 4)
        #endif
    }

    /// Gives back what was freed between blocks that are in use, which the C library keeps: a fifth of the process where a head of two
    /// million samples has become a block. It looks at everything that is free, some milliseconds long.
    static func giveBack() {
        #if canImport(Glibc)
            guard let symbol = dlsym(nil, "malloc_trim") else { return }
            _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)(0)
        #endif
    }

    /// Gives memory back that only the start needed.
    ///
    /// Most of what the process occupies after its start are pages of its own file: the kernel maps sixteen and more where one
    /// is touched, and the code of the start is all over it. Those that are needed again come back one by one.
    public static func releaseCode() {
        #if canImport(Glibc)
            guard let maps = FileAccess.read("/proc/self/maps") else { return }
            // 55d0c7a00000-55d0c9c3f000 r-xp 0112c000 fe:01 1234   /usr/bin/promenade
            var program: Substring?
            for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
                let fields = line.split(separator: " ", maxSplits: 5)
                guard fields.count == 6 else { continue }
                let path = fields[5].drop { $0 == " " }
                // The first mapping is the program's.
                if program == nil { program = path }
                guard path == program else { break }
                let range = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                guard fields[1] == "r-xp", range.count == 2 else { continue }
                madvise(UnsafeMutableRawPointer(bitPattern: range[0]), Int(range[1] - range[0]), MADV_DONTNEED)
            }
        #endif
    }
}
