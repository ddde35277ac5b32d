import Exposition
import MetricModel
import Testing

@Suite("Numbers as Go reads them", .timeLimit(.minutes(5)))
struct GoFloatTests {
    @Test(
        "Forms",
        arguments: [
            ("1_000", 1000), ("0x1p3", 8), ("0x_1p3", 8), ("1e1_0", 1e10), ("0x1.8p-2", 0.375), ("inf", .infinity),
            ("-INF", -.infinity), ("+Infinity", .infinity), ("1.", 1), (".5", 0.5), ("1e-400", 0), ("0x1p-1100", 0),
            ("123456789012345678901234567890", 1.2345678901234568e+29), ("-0", 0),
            ("0.000000000000000000000000000000000000001", 1e-39), ("9007199254740993", 9_007_199_254_740_992),
            ("2.2250738585072011e-308", .leastNormalMagnitude.nextDown),
            ("4.9406564584124654e-324", .leastNonzeroMagnitude),
        ] as [(String, Double)]
    )
    func accepted(text: String, value: Double) throws {
        #expect(try GoFloat.parse(Array(text.utf8)) == value)
    }

    @Test(
        "What is none",
        arguments: [
            "", "1__0", "_1", "1_", "0x1", "+nan", "infinit", "1e", "1e+", ".", "1_.5", "0b1", " 1", "1 ", "--1", "1,5",
        ]
    )
    func refused(text: String) {
        #expect(throws: GoFloat.Failure.syntax) { try GoFloat.parse(Array(text.utf8)) }
    }

    @Test("NaN has the bits of Go's")
    func nan() throws {
        #expect(try GoFloat.parse(Array("nAn".utf8)).bitPattern == 0x7ff8_0000_0000_0001)
    }

    @Test("Too large")
    func range() {
        for text in ["1e400", "-1e400", "0x1p2000"] {
            #expect(throws: GoFloat.Failure.range) { try GoFloat.parse(Array(text.utf8)) }
        }
        #expect(throws: GoFloat.Failure.range) { try GoFloat.parseInteger(Array("9223372036854775808".utf8)) }
        #expect((try? GoFloat.parseInteger(Array("-9223372036854775808".utf8))) == .min)
    }

    @Test("Long decimals agree with the standard library to the last bit")
    func longDecimals() {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<4000 {
            let digits = String(UInt64.random(in: 1...9_999_999_999_999_999_999, using: &random))
            let text = "\(digits)e\(Int.random(in: -345...300, using: &random))"
            let expected = Double(text) ?? 0
            let line = Array("a \(text)\n".utf8)
            let value = line.withUnsafeBytes { bytes -> Double? in
                var parser = ScrapeParser(bytes, format: .text)
                return (try? parser.next()) == .series ? parser.value : nil
            }
            #expect(expected.isInfinite ? value == nil : value?.bitPattern == expected.bitPattern, "\(text)")
        }
    }
}
