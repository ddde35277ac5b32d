/// A buffer for the text that identifies a series, at an address that stays while it is not written.
final class SeriesKey {
    private var storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 1)
    private var count = 0

    deinit { storage.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    func removeAll() { count = 0 }

    func append(_ text: some Collection<UInt8>) {
        let size = text.count
        if count + size > storage.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: (count + size) * 2, alignment: 1)
            larger.copyMemory(from: bytes)
            storage.deallocate()
            storage = larger
        }
        for byte in text {
            storage[count] = byte
            count += 1
        }
    }

    func append(_ byte: UInt8) { append(CollectionOfOne(byte)) }
}
