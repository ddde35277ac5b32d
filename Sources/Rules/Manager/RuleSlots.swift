import MetricModel

/// When groups are evaluated.
public enum RuleSlots {
    /// How far the slots of a group are from the multiples of its interval, in nanoseconds: as in Prometheus, a hash of its name and
    /// file spreads the groups.
    /// - Parameter interval: the group's interval in nanoseconds, more than 0.
    public static func offset(_ group: RuleGroupDefinition, interval: Int64) -> Int64 {
        // Labels as Prometheus holds them in memory: each text behind its length.
        var bytes: [UInt8] = []
        for text in ["file", group.file, "name", group.name] {
            let length = text.utf8.count
            if length < 255 {
                bytes.append(UInt8(length))
            } else {
                bytes += [255] + [0, 8, 16].map { UInt8(truncatingIfNeeded: length >> $0) }
            }
            bytes += text.utf8
        }
        return Int64(XXHash64.hash(bytes) % UInt64(interval))
    }

    /// The last slot that is not after a time, all in nanoseconds.
    static func slot(before time: Int64, interval: Int64, offset: Int64) -> Int64 {
        let shifted = time - offset
        return shifted - shifted % interval + offset
    }
}

/// The 64-bit xxHash with seed 0, by which Prometheus hashes label sets.
enum XXHash64 {
    private static let primes: (UInt64, UInt64, UInt64, UInt64, UInt64) = (
        11_400_714_785_074_694_791, 14_029_467_366_897_019_727, 1_609_587_929_392_839_161, 9_650_029_242_287_828_579,
        2_870_177_450_012_600_261
    )

    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

    private static func round(_ sum: UInt64, _ input: UInt64) -> UInt64 {
        rotated(sum &+ input &* primes.1, 31) &* primes.0
    }

    private static func merged(_ sum: UInt64, _ value: UInt64) -> UInt64 {
        (sum ^ round(0, value)) &* primes.0 &+ primes.3
    }

    static func hash(_ bytes: [UInt8]) -> UInt64 {
        func word(_ place: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
        }
        var place = 0
        var sum: UInt64
        if bytes.count >= 32 {
            var lanes = [primes.0 &+ primes.1, primes.1, 0, 0 &- primes.0]
            while place + 32 <= bytes.count {
                for lane in 0..<4 { lanes[lane] = round(lanes[lane], word(place + lane * 8, 8)) }
                place += 32
            }
            sum = rotated(lanes[0], 1) &+ rotated(lanes[1], 7) &+ rotated(lanes[2], 12) &+ rotated(lanes[3], 18)
            for lane in lanes { sum = merged(sum, lane) }
        } else {
            sum = primes.4
        }
        sum &+= UInt64(bytes.count)
        while place + 8 <= bytes.count {
            sum ^= round(0, word(place, 8))
            sum = rotated(sum, 27) &* primes.0 &+ primes.3
            place += 8
        }
        if place + 4 <= bytes.count {
            sum ^= word(place, 4) &* primes.0
            sum = rotated(sum, 23) &* primes.1 &+ primes.2
            place += 4
        }
        while place < bytes.count {
            sum ^= UInt64(bytes[place]) &* primes.4
            sum = rotated(sum, 11) &* primes.0
            place += 1
        }
        sum ^= sum >> 33
        sum &*= primes.1
        sum ^= sum >> 29
        sum &*= primes.2
        return sum ^ sum >> 32
    }
}
