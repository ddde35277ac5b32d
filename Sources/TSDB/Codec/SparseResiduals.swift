extension IntegerCodec {
    /// Residuals many of which are zero: a bit for each says whether it is, and only the others have a width. What changes now and
    /// then only, such as a counter of rare events, takes little so; and what moves in steps of a power of two does without their
    /// zero bits.
    ///
    /// Form: the base, the width (with bit 7 where a byte with the shift follows), a bit for each residual, then the others packed.
    struct Sparse {
        private var base: Int64
        private var width: Int
        private var shift: Int
        private var others: Int

        /// How such residuals are stored best; `nil` where all are zero.
        init?(_ residuals: UnsafeBufferPointer<Int64>) {
            var low = Int64.max
            var high = Int64.min
            var others = 0
            var union: UInt64 = 0
            for residual in residuals where residual != 0 {
                low = min(low, residual)
                high = max(high, residual)
                union |= UInt64(bitPattern: residual)
                others += 1
            }
            guard others > 0 else { return nil }
            self.others = others
            // Where all end in zero bits, so do the base and the differences from it.
            shift = union.trailingZeroBitCount
            base = low
            width = 64 - (UInt64(bitPattern: high &- low) >> UInt64(shift)).leadingZeroBitCount
            // A base that takes more than it saves.
            let plain = low > 0 ? 64 - (UInt64(bitPattern: high) >> UInt64(shift)).leadingZeroBitCount : 64
            if low > 0, (plain - width) * others < 8 * (Sparse.length(base >> Int64(shift)) - 1) {
                base = 0
                width = plain
            }
        }

        private static func length(_ value: Int64) -> Int {
            max(1, (64 - ZigZag.encode(value).leadingZeroBitCount + 6) / 7)
        }

        /// How many bytes it takes, the header aside.
        func bytes(of count: Int) -> Int {
            Sparse.length(base >> Int64(shift)) + (shift > 0 ? 2 : 1) + (count + 7) / 8 + (others * width + 7) / 8
        }

        /// Whether so many residuals are zero, or so many bits, that nothing else has to be tried.
        func isClearlyBest(of count: Int) -> Bool { bytes(of: count) * 24 < count * (width + shift) * 2 }

        func write(_ residuals: UnsafeBufferPointer<Int64>, into writer: inout ByteWriter) {
            writer.zigzag(base >> Int64(shift))
            writer.byte(UInt8(width) | (shift > 0 ? 0x80 : 0))
            if shift > 0 { writer.byte(UInt8(shift)) }
            var flags: UInt8 = 0
            for index in 0..<residuals.count {
                if residuals[index] != 0 { flags |= 1 << UInt8(index & 7) }
                if index & 7 == 7 || index == residuals.count - 1 {
                    writer.byte(flags)
                    flags = 0
                }
            }
            var bits = BitWriter(capacity: others * width / 8 + 16)
            for residual in residuals where residual != 0 {
                bits.write(UInt64(bitPattern: residual &- base) >> UInt64(shift), width: UInt64(width))
            }
            writer.bytes.append(contentsOf: bits.finish())
        }

        /// Decodes the first `count` of `total` residuals; whether the bytes made sense.
        static func decode(
            _ reader: inout ByteReader,
            total: Int,
            count: Int,
            into column: UnsafeMutablePointer<Int64>
        ) -> Bool {
            let scaledBase = reader.zigzag()
            let code = reader.byte()
            let width = UInt64(code & 0x7f)
            let shift = code & 0x80 == 0 ? 0 : UInt64(reader.byte())
            let base = scaledBase &<< Int64(shift & 63)
            let flags = reader.slice((total + 7) / 8)
            guard !reader.isTruncated, width <= 64, shift < 64, let flag = flags.baseAddress else { return false }
            var others = 0
            for byte in flags { others += byte.nonzeroBitCount }
            guard reader.remaining >= (others * Int(width) + 7) / 8 else { return false }
            let bytes = reader.base + reader.position
            let mask = widthMask(Int(width))
            var bit = 0
            for index in 0..<count {
                // Without a branch: whether one is zero cannot be foreseen.
                let isOther = UInt64(flag[index &>> 3] &>> UInt8(index & 7)) & 1
                var value = load(bytes, bit: bit)
                if width > 56 { value = value & 0xffff_ffff | load(bytes, bit: bit &+ 32) &<< 32 }
                let residual = base &+ Int64(bitPattern: (value & mask) &<< shift)
                column[index] = residual & Int64(bitPattern: 0 &- isOther)
                bit &+= Int(width & (0 &- isOther))
            }
            return true
        }
    }
}
