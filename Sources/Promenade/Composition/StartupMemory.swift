#if canImport(Glibc)
    import Glibc
#endif

/// Gives memory back that only the start needed.
///
/// Most of what the process occupies after its start are pages of its own file: the kernel maps sixteen where one is
/// touched, and the code of the start is all over it. Those that are needed again come back one by one.
enum StartupMemory {
    static func release() {
        #if canImport(Glibc)
            guard let maps = FileAccess.read("/proc/self/maps") else { return }
            var program: Substring?
            for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
                // 55d0c7a00000-55d0c9c3f000 r-xp 0112c000 fe:01 1234   /usr/bin/promenade
                let fields = line.split(separator: " ", maxSplits: 5)
                guard fields.count == 6 else { continue }
                let path = fields[5].drop { $0 == " " }
                // The first mapping is the program's.
                if program == nil { program = path }
                let range = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                guard path == program, fields[1] == "r-xp", range.count == 2 else { continue }
                madvise(UnsafeMutableRawPointer(bitPattern: range[0]), Int(range[1] - range[0]), MADV_DONTNEED)
            }
        #endif
    }
}
