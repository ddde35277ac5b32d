import MetricModel

/// The rows of blocks that are held in memory.
struct InlinePages: PageSource {
    /// Nothing to gain: the rows are in memory as they are.
    var cache: PageCache? { nil }

    func read(_ block: Block, _ rows: [Int64], _ body: (Int, [UInt8]) throws(StorageError) -> Void) throws(StorageError)
    {
        guard let inline = block.inline else { return }
        for (index, row) in rows.enumerated() {
            let number = Int(row & 0x7f_ffff)
            try body(index, row & 1 << 23 == 0 ? inline.pages[number] : inline.timelines[number])
        }
    }
}
