import MetricModel
import Testing

@Suite("Numbers as Go writes them", .timeLimit(.minutes(5)))
struct GoNumberTests {
    @Test(
        "The shortest digits, as 'g' and as in JSON",
        arguments: [
            (0e+00, "0", "0"),
            (1e+00, "1", "1"),
            (-1e+00, "-1", "-1"),
            (9.5e+00, "9.5", "9.5"),
            (1e+01, "10", "10"),
            (1e+05, "100000", "100000"),
            (9.99999e+05, "999999", "999999"),
            (1e+06, "1e+06", "1000000"),
            (1.23456789e+08, "1.23456789e+08", "123456789"),
            (1e+15, "1e+15", "1000000000000000"),
            (1.000000000000001e+15, "1.000000000000001e+15", "1000000000000001"),
            (9.007199254740992e+15, "9.007199254740992e+15", "9007199254740992"),
            (9.007199254740994e+15, "9.007199254740994e+15", "9007199254740994"),
            (4.611686018427388e+18, "4.611686018427388e+18", "4611686018427388000"),
            (1e+20, "1e+20", "100000000000000000000"),
            (1e+21, "1e+21", "1e+21"),
            (1.2345678901234568e+20, "1.2345678901234568e+20", "123456789012345680000"),
            (1.5e+300, "1.5e+300", "1.5e+300"),
            (1.7976931348623157e+308, "1.7976931348623157e+308", "1.7976931348623157e+308"),
            (1e-01, "0.1", "0.1"),
            (2.5e-01, "0.25", "0.25"),
            (1e-04, "0.0001", "0.0001"),
            (1e-05, "1e-05", "0.00001"),
            (1e-06, "1e-06", "0.000001"),
            (9e-07, "9e-07", "9e-07"),
            (1e-07, "1e-07", "1e-07"),
            (6.87e-07, "6.87e-07", "6.87e-07"),
            (1.795346897513423e+09, "1.795346897513423e+09", "1795346897.513423"),
            (1.3300656000000001e-02, "0.013300656000000001", "0.013300656000000001"),
            (1.7000000001230001e+09, "1.7000000001230001e+09", "1700000000.1230001"),
            (2.478268416e+09, "2.478268416e+09", "2478268416"),
            (3.333333333333333e-01, "0.3333333333333333", "0.3333333333333333"),
            (6.666666666666666e-01, "0.6666666666666666", "0.6666666666666666"),
            (1.00125e+02, "100.125", "100.125"),
            (.leastNonzeroMagnitude, "5e-324", "5e-324"),
            (2.2250738585072014e-308, "2.2250738585072014e-308", "2.2250738585072014e-308"),
            (7.205759403792794e+16, "7.205759403792794e+16", "72057594037927940"),
            (6.305039478318695e+16, "6.305039478318695e+16", "63050394783186950"),
        ]
    )
    func table(value: Double, shortest: String, json: String) {
        #expect(GoNumber.text(value, .shortest) == shortest)
        #expect(GoNumber.text(value, .json) == json)
        #expect(Double(GoNumber.text(value, .fixed)) == value)
        if value != 0 {
            #expect(GoNumber.text(-value, .shortest) == (value < 0 ? String(shortest.dropFirst()) : "-" + shortest))
        }
    }

    @Test(
        "The shortest digits, as 'e'",
        arguments: [
            (0, "0e+00"), (-0.0, "-0e+00"), (1, "1e+00"), (-1.5, "-1.5e+00"), (100, "1e+02"),
            (12_345.678, "1.2345678e+04"),
            (0.001, "1e-03"), (0.1, "1e-01"), (1e-7, "1e-07"), (1e21, "1e+21"), (999_999, "9.99999e+05"),
            (9_007_199_254_740_992, "9.007199254740992e+15"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (.leastNonzeroMagnitude, "5e-324"), (1.0 / 3, "3.333333333333333e-01"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (.nan, "NaN"),
        ]
    )
    func scientific(value: Double, text: String) {
        #expect(GoNumber.text(value, .scientific) == text)
    }

    @Test("Special values and integers")
    func special() {
        #expect(GoNumber.text(.infinity, .shortest) == "+Inf")
        #expect(GoNumber.text(-.infinity, .json) == "-Inf")
        #expect(GoNumber.text(SpecialValue.stale, .json) == "NaN")
        #expect(GoNumber.text(-0.0, .shortest) == "-0")
        var output: [UInt8] = []
        GoNumber.append(Int64.min, to: &output)
        GoNumber.append(UInt64.max, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "-922337203685477580818446744073709551615")
    }

    @Test("What is written reads back as the same bits")
    func random() {
        var state: UInt64 = 5
        for _ in 0..<5000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let values = [Double(bitPattern: state), Double(Int64(bitPattern: state) >> 20) / 1e4]
            for value in values where value.isFinite {
                for style in [GoNumber.Style.shortest, .json, .fixed] {
                    #expect(Double(GoNumber.text(value, style))?.bitPattern == value.bitPattern)
                }
            }
        }
    }

    @Test("Decimals of few places and their neighbours are written as the standard library does")
    func fewPlaces() {
        var state: UInt64 = 7
        for _ in 0..<5000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            for divisor in [10.0, 100, 1000, 10_000] {
                let value = Double(state >> (20 + state % 30)) / divisor
                for value in [value, value.nextUp, value.nextDown] where value >= 0.001 && value < 1e15 {
                    let expected = value.rounded() == value ? "\(Int64(value))" : "\(value)"
                    #expect(GoNumber.text(value, .json) == expected)
                }
            }
        }
    }
}
