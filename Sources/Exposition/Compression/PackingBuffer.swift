/// Room for what is written, which may become larger (its only owner is whoever has it, hence unchecked).
struct PackingBuffer: ~Copyable, @unchecked Sendable {
    private(set) var start = UnsafeMutableRawPointer.allocate(byteCount: 1 << 12, alignment: 8)
    private(set) var size = 1 << 12

    deinit { start.deallocate() }

    /// Makes it larger.
    mutating func grow(to size: Int, keeping count: Int) {
        let new = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        new.copyMemory(from: start, byteCount: count)
        start.deallocate()
        (start, self.size) = (new, size)
    }
}
