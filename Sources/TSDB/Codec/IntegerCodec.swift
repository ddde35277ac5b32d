/// Lossless compression of columns of 64-bit integers: predict, then pack what is left.
///
/// A column is predicted (not at all, by the number before, by the last step, or by a straight line), and the residuals are
/// stored, whichever is smallest, with a fixed width above a base; with a bit each that says whether it is zero, and only the
/// others with a fixed width, less the zero bits that all of them end in; or with their upper bits entropy coded and their
/// lower bits as they are. Residuals far outside are stored apart. All arithmetic wraps, so every column comes back.
package enum IntegerCodec {
    /// How the next number is guessed.
    enum Prediction: UInt8 {
        case none = 0
        case previous = 1
        case step = 2
        case line = 3
    }

    // Header byte: prediction in bits 0…1, entropy coding in bit 2, outliers in bit 3, zeros apart in bit 4.
    private static let entropyFlag: UInt8 = 4
    private static let outlierFlag: UInt8 = 8
    static let sparseFlag: UInt8 = 16

    /// Appends the coded column to `writer`. The number of integers is not stored.
    package static func encode(
        _ column: UnsafeBufferPointer<Int64>,
        triesLine: Bool = false,
        into writer: inout ByteWriter
    ) {
        let count = column.count
        guard count > 0 else { return }
        let slope = triesLine && count > 2 ? lineSlope(column) : 0
        let prediction = choosePrediction(column, triesLine: triesLine && count > 2, slope: slope)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { residuals in
            fill(residuals, from: column, prediction, slope)
            // The first numbers stand apart where they are guessed from nothing.
            let skipped = min(count, headCount(prediction))
            var head = ByteWriter()
            for index in 0..<skipped { head.zigzag(residuals[index]) }
            if prediction == .line { head.zigzag(slope) }
            let rest = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(residuals)[skipped...])
            encodeResiduals(rest, prediction: prediction, head: head.bytes, into: &writer)
        }
    }

    private static func headCount(_ prediction: Prediction) -> Int {
        switch prediction {
        case .none: 0
        case .previous, .line: 1
        case .step: 2
        }
    }

    private static func lineSlope(_ column: UnsafeBufferPointer<Int64>) -> Int64 {
        let count = column.count
        var steps: [Int64] = []
        let stride = max(1, (count - 1) / 64)
        var index = 1
        while index < count {
            steps.append(column[index] &- column[index - 1])
            index += stride
        }
        steps.sort()
        let median = steps[steps.count / 2]
        let (span, overflow) = column[count - 1].subtractingReportingOverflow(column[0])
        if overflow { return median }
        let mean = Double(span) / Double(count - 1)
        // The mean where the steps only tremble around it, else the usual step.
        return abs(mean - Double(median)) < 16 ? Int64(mean.rounded()) : median
    }

    private static func fill(
        _ residuals: UnsafeMutableBufferPointer<Int64>,
        from column: UnsafeBufferPointer<Int64>,
        _ prediction: Prediction,
        _ slope: Int64
    ) {
        let count = column.count
        switch prediction {
        case .none:
            for index in 0..<count { residuals[index] = column[index] }
        case .previous:
            residuals[0] = column[0]
            for index in 1..<max(1, count) { residuals[index] = column[index] &- column[index - 1] }
        case .step:
            residuals[0] = column[0]
            var last: Int64 = 0
            for index in 1..<max(1, count) {
                let step = column[index] &- column[index - 1]
                residuals[index] = step &- last
                last = step
            }
        case .line:
            residuals[0] = column[0]
            var guess = column[0]
            for index in 1..<max(1, count) {
                guess = guess &+ slope
                residuals[index] = column[index] &- guess
            }
        }
    }

    private static func choosePrediction(
        _ column: UnsafeBufferPointer<Int64>,
        triesLine: Bool,
        slope: Int64
    ) -> Prediction {
        let count = column.count
        if count < 3 { return count < 2 ? .none : .previous }
        if count <= 512, !triesLine { return choosePrediction(ofShort: column) }
        // The mean length of the residuals, less a typical one, in bits, over a few stretches of the column.
        func cost(_ prediction: Prediction) -> Int {
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: 512) { picked in
                var filled = 0
                let stretch = count <= 512 ? count : 64
                let gap = count <= 512 ? count : count / 8
                var start = 0
                while start + 2 < count, filled < 512 {
                    var index = max(start, 2)
                    while index < min(start + stretch, count), filled < 512 {
                        switch prediction {
                        case .none: picked[filled] = column[index]
                        case .previous: picked[filled] = column[index] &- column[index - 1]
                        case .step:
                            picked[filled] =
                                column[index] &- column[index - 1] &- column[index - 1]
                                &+ column[index - 2]
                        case .line: picked[filled] = column[index] &- column[0] &- Int64(index) &* slope
                        }
                        filled += 1
                        index += 1
                    }
                    start += gap
                }
                let middle = picked[filled / 2]
                var bits = 0
                for index in 0..<filled {
                    bits += 64 - ZigZag.encode(picked[index] &- middle).leadingZeroBitCount
                }
                return bits
            }
        }
        var best = Prediction.previous
        var bestCost = cost(.previous)
        for candidate in triesLine ? [Prediction.none, .step, .line] : [.none, .step] {
            let candidateCost = cost(candidate)
            if candidateCost < bestCost {
                best = candidate
                bestCost = candidateCost
            }
        }
        return best
    }

    /// The same for a short column, in one go.
    private static func choosePrediction(ofShort column: UnsafeBufferPointer<Int64>) -> Prediction {
        let count = column.count
        let middle = 2 + (count - 2) / 2
        let usual = column[middle]
        let usualStep = usual &- column[middle - 1]
        let usualTurn = usualStep &- (column[middle - 1] &- column[middle - 2])
        var bits = (none: 0, previous: 0, step: 0)
        var last = column[1]
        var lastStep = last &- column[0]
        for index in 2..<count {
            let value = column[index]
            let step = value &- last
            bits.none += 64 - ZigZag.encode(value &- usual).leadingZeroBitCount
            bits.previous += 64 - ZigZag.encode(step &- usualStep).leadingZeroBitCount
            bits.step += 64 - ZigZag.encode(step &- lastStep &- usualTurn).leadingZeroBitCount
            last = value
            lastStep = step
        }
        if bits.none < bits.previous { return bits.step < bits.none ? .step : .none }
        return bits.step < bits.previous ? .step : .previous
    }

    /// The window that most residuals are in.
    private struct Window {
        var base: Int64
        /// Highest residual above the base.
        var top: UInt64
    }

    private static func chooseWindow(_ residuals: UnsafeBufferPointer<Int64>) -> (core: Window, all: Window) {
        let count = residuals.count
        var low = residuals[0]
        var high = residuals[0]
        for index in 1..<max(1, count) {
            low = min(low, residuals[index])
            high = max(high, residuals[index])
        }
        let all = Window(base: low, top: UInt64(bitPattern: high &- low))
        if all.top < 64 || count < 8 { return (all, all) }
        var sample: [Int64] = []
        let stride = max(1, count / 256)
        var index = 0
        while index < count {
            sample.append(residuals[index])
            index += stride
        }
        sample.sort()
        let per = Double(count) / Double(sample.count)
        var best = all
        var bestCost = Double(count) * Double(64 - all.top.leadingZeroBitCount)
        var cut = 0
        while cut < sample.count / 4 {
            for (lower, upper) in [(cut, cut), (0, cut), (cut, 0)] {
                let first = sample[lower]
                let top = UInt64(bitPattern: sample[sample.count - 1 - upper] &- first)
                let cost = Double(count) * Double(64 - top.leadingZeroBitCount) + per * Double(lower + upper) * 80 + 200
                if cost < bestCost {
                    best = Window(base: first, top: top)
                    bestCost = cost
                }
            }
            cut = cut == 0 ? 1 : cut * 2
        }
        return (best, all)
    }

    private static func encodeResiduals(
        _ residuals: UnsafeBufferPointer<Int64>,
        prediction: Prediction,
        head: [UInt8],
        into writer: inout ByteWriter
    ) {
        let count = residuals.count
        guard count > 0 else {
            writer.byte(prediction.rawValue)
            writer.bytes.append(contentsOf: head)
            return
        }
        if count < 96, let sparse = Sparse(residuals), sparse.isClearlyBest(of: count) {
            writer.byte(prediction.rawValue | sparseFlag)
            writer.bytes.append(contentsOf: head)
            sparse.write(residuals, into: &writer)
            return
        }
        let (core, all) = chooseWindow(residuals)
        let width = 64 - core.top.leadingZeroBitCount
        let outside = core.top == all.top ? 0 : outliers(residuals, core.base, widthMask(width))
        let packedBytes = (count * width + 7) / 8 + 4 + outside * 9
        let sparse = width > 0 ? Sparse(residuals) : nil
        let isSparse = sparse.map { $0.bytes(of: count) < packedBytes } ?? false
        if count >= 96, width > 0, let coded = entropyCoded(residuals, core: core, all: all) {
            let others = isSparse ? sparse?.bytes(of: count) ?? packedBytes : packedBytes
            if coded.bytes.count < others {
                writer.byte(prediction.rawValue | entropyFlag | (coded.hasOutliers ? outlierFlag : 0))
                writer.bytes.append(contentsOf: head)
                writer.bytes.append(contentsOf: coded.bytes)
                return
            }
        }
        if isSparse, let sparse {
            writer.byte(prediction.rawValue | sparseFlag)
            writer.bytes.append(contentsOf: head)
            sparse.write(residuals, into: &writer)
            return
        }
        let mask = widthMask(width)
        let hasOutliers = outside > 0
        writer.byte(prediction.rawValue | (hasOutliers ? outlierFlag : 0))
        writer.bytes.append(contentsOf: head)
        writer.zigzag(core.base)
        writer.byte(UInt8(width))
        if hasOutliers { writeOutliers(residuals, core.base, mask, into: &writer) }
        var bits = BitWriter(capacity: count * width / 8 + 16)
        for residual in residuals {
            let above = UInt64(bitPattern: residual &- core.base)
            bits.write(above > mask ? 0 : above, width: UInt64(width))
        }
        writer.bytes.append(contentsOf: bits.finish())
    }

    @inline(__always)
    static func widthMask(_ width: Int) -> UInt64 { width >= 64 ? .max : (1 << UInt64(width)) - 1 }

    private static func outliers(_ residuals: UnsafeBufferPointer<Int64>, _ base: Int64, _ top: UInt64) -> Int {
        var outside = 0
        for residual in residuals where UInt64(bitPattern: residual &- base) > top { outside += 1 }
        return outside
    }

    private static func writeOutliers(
        _ residuals: UnsafeBufferPointer<Int64>,
        _ base: Int64,
        _ top: UInt64,
        into writer: inout ByteWriter
    ) {
        writer.count(outliers(residuals, base, top))
        var last = 0
        for (index, residual) in residuals.enumerated() where UInt64(bitPattern: residual &- base) > top {
            writer.count(index - last)
            writer.zigzag(residual)
            last = index
        }
    }

    private static func entropyCoded(
        _ residuals: UnsafeBufferPointer<Int64>,
        core: Window,
        all: Window
    ) -> (bytes: [UInt8], hasOutliers: Bool)? {
        let count = residuals.count
        let coreBits = 64 - core.top.leadingZeroBitCount
        let lowBits = UInt64(max(0, coreBits - 5))
        // Up to 16 symbols on either side of the core for its tails, but not beyond what there is.
        let margin = Int64(bitPattern: UInt64(16) << min(lowBits, 40))
        let spaceBelow = UInt64(bitPattern: core.base &- all.base)
        let base = spaceBelow <= UInt64(margin) ? all.base : core.base &- margin
        let above = UInt64(bitPattern: core.base &- base)
        let allTop = UInt64(bitPattern: all.base &+ Int64(bitPattern: all.top) &- base)
        let (wished, overflow) = core.top.addingReportingOverflow(above &+ UInt64(margin))
        let top = min(overflow ? .max : wished, allTop)
        let symbolCount = Int(top >> lowBits) + 1
        guard symbolCount > 1, symbolCount <= EntropyTable.symbolLimit else { return nil }
        var counts = [UInt32](repeating: 0, count: symbolCount)
        var outside = 0
        for residual in residuals {
            let value = UInt64(bitPattern: residual &- base)
            if value > top { outside += 1 } else { counts[Int(value >> lowBits)] += 1 }
        }
        guard outside < count / 8 else { return nil }
        let filler = counts.firstIndex(of: counts.max() ?? 0) ?? 0
        counts[filler] += UInt32(outside)
        guard let table = EntropyTable(counts: counts, log: count >= 2048 ? 10 : count >= 512 ? 9 : 8) else {
            return nil
        }
        var writer = ByteWriter()
        writer.zigzag(base)
        writer.byte(UInt8(lowBits))
        if outside > 0 { writeOutliers(residuals, base, top, into: &writer) }
        writer.byte(UInt8(table.log))
        writer.count(symbolCount)
        for frequency in table.frequencies { writer.count(Int(frequency)) }
        let lowMask = (UInt64(1) << lowBits) - 1
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { emitted in
            let states = table.encode(count: count) { position in
                let value = UInt64(bitPattern: residuals[position] &- base)
                return value > top ? filler : Int(value >> lowBits)
            } emit: { position, bits, width in
                emitted[position] = UInt64(bits) | UInt64(width) << 32
            }
            writer.count(Int(states.0))
            writer.count(Int(states.1))
            var bits = BitWriter(capacity: count)
            for position in 0..<count {
                let value = UInt64(bitPattern: residuals[position] &- base)
                bits.write(value > top ? 0 : value & lowMask, width: lowBits)
                bits.write(emitted[position] & 0xffff_ffff, width: emitted[position] >> 32)
            }
            writer.bytes.append(contentsOf: bits.finish())
            return (writer.bytes, outside > 0)
        }
    }
}
