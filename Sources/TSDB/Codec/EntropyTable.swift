/// Tables of a tabled asymmetric numeral system (tANS): codes symbols at close to their entropy with one look-up each.
///
/// See J. Duda, "Asymmetric numeral systems" (2013). Two states take turns, so that a decoder has two independent chains.
package struct EntropyTable {
    /// The most symbols of an alphabet.
    package static let symbolLimit = 96

    /// log2 of the number of states.
    package let log: Int
    /// How many states each symbol has; they add up to `1 << log`.
    package let frequencies: [UInt16]

    /// A table for counted symbols, `nil` where there are fewer than two different ones.
    package init?(counts: [UInt32], log: Int) {
        let total = counts.reduce(0) { $0 + UInt64($1) }
        guard counts.count <= EntropyTable.symbolLimit, total > 0, counts.filter({ $0 > 0 }).count > 1 else {
            return nil
        }
        let size = 1 << log
        var frequencies = [UInt16](repeating: 0, count: counts.count)
        var used = 0
        var largest = 0
        for (symbol, count) in counts.enumerated() where count > 0 {
            let share = max(1, Int((Double(count) * Double(size) / Double(total)).rounded()))
            frequencies[symbol] = UInt16(share)
            used += share
            if frequencies[symbol] > frequencies[largest] { largest = symbol }
        }
        // What rounding left over or took too much goes to or from the most frequent ones.
        while used != size {
            if used < size {
                frequencies[largest] += UInt16(size - used)
                used = size
            } else {
                let spare = min(used - size, max(1, Int(frequencies[largest]) / 4))
                guard Int(frequencies[largest]) > spare else { return nil }
                frequencies[largest] -= UInt16(spare)
                used -= spare
                for (symbol, frequency) in frequencies.enumerated() where frequency > frequencies[largest] {
                    largest = symbol
                }
            }
        }
        self.log = log
        self.frequencies = frequencies
    }

    /// A table with known frequencies, `nil` where they do not add up.
    package init?(frequencies: [UInt16], log: Int) {
        guard frequencies.count <= EntropyTable.symbolLimit, log <= 12,
            frequencies.reduce(0, { $0 + Int($1) }) == 1 << log
        else { return nil }
        self.log = log
        self.frequencies = frequencies
    }

    /// Estimated bits for the counted symbols.
    package func bits(counts: [UInt32]) -> Double {
        var bits = 0.0
        for (symbol, count) in counts.enumerated() where count > 0 {
            bits += Double(count) * (Double(log) - log2OfSmall(frequencies[symbol]))
        }
        return bits
    }

    private func log2OfSmall(_ value: UInt16) -> Double {
        // Between two powers of two a straight line is close enough for a comparison of sizes.
        let exponent = 15 - value.leadingZeroBitCount
        return Double(exponent) + Double(value) / Double(1 << exponent) - 1
    }

    /// The symbol of each state.
    private func spread() -> [UInt8] {
        let size = 1 << log
        let step = (size >> 1) + (size >> 3) + 3
        var symbols = [UInt8](repeating: 0, count: size)
        var position = 0
        for (symbol, frequency) in frequencies.enumerated() {
            for _ in 0..<frequency {
                symbols[position] = UInt8(symbol)
                position = (position + step) & (size - 1)
            }
        }
        return symbols
    }

    /// Fills `table` (as many entries as states): base of the next state in bits 0…15, bits to read in 16…23, symbol in 24…31.
    package func fillDecoder(_ table: UnsafeMutablePointer<UInt32>) {
        let size = 1 << log
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: frequencies.count) { next in
            for (symbol, frequency) in frequencies.enumerated() { next[symbol] = UInt32(frequency) }
            let step = (size >> 1) + (size >> 3) + 3
            var position = 0
            // The symbols are spread first, into the byte that stays.
            for (symbol, frequency) in frequencies.enumerated() {
                for _ in 0..<frequency {
                    table[position] = UInt32(symbol) &<< 24
                    position = (position + step) & (size - 1)
                }
            }
            for state in 0..<size {
                let symbol = Int(table[state] >> 24)
                let reached = next[symbol]
                next[symbol] = reached &+ 1
                let bits = UInt32(log) &- (31 &- UInt32(reached.leadingZeroBitCount))
                let base = (reached &<< bits) &- UInt32(size)
                table[state] = UInt32(symbol) &<< 24 | bits &<< 16 | base
            }
        }
    }

    /// Codes symbols from the last to the first; calls `emit` with position, bits and their number, and gives the two first
    /// states (for even and odd positions).
    package func encode(
        count: Int,
        symbol: (Int) -> Int,
        emit: (_ position: Int, _ bits: UInt32, _ width: UInt32) -> Void
    ) -> (UInt32, UInt32) {
        let size = 1 << log
        let symbols = spread()
        var cumulative = [Int](repeating: 0, count: frequencies.count + 1)
        for (symbol, frequency) in frequencies.enumerated() {
            cumulative[symbol + 1] = cumulative[symbol] + Int(frequency)
        }
        var stateTable = [UInt16](repeating: 0, count: size)
        var filled = cumulative
        for state in 0..<size {
            let symbol = Int(symbols[state])
            stateTable[filled[symbol]] = UInt16(size + state)
            filled[symbol] += 1
        }
        var even = UInt32(size)
        var odd = UInt32(size)
        for position in stride(from: count - 1, through: 0, by: -1) {
            let symbol = symbol(position)
            let frequency = UInt32(frequencies[symbol])
            var state = position & 1 == 0 ? even : odd
            var width: UInt32 = 0
            // Brings the state into [frequency, 2 * frequency).
            let stateBits = 31 - UInt32(state.leadingZeroBitCount)
            let frequencyBits = 31 - UInt32(frequency.leadingZeroBitCount)
            width = stateBits - frequencyBits
            if state >> width < frequency { width -= 1 }
            emit(position, state & ((1 << width) - 1), width)
            state = UInt32(stateTable[cumulative[symbol] + Int((state >> width) - frequency)])
            if position & 1 == 0 { even = state } else { odd = state }
        }
        return (even - UInt32(size), odd - UInt32(size))
    }
}
