import Exposition
import MetricModel
import Pushgateway
import Testing

/// Bodies that differ in nothing but values take a shorter way; it has to lead to the same place.
@Suite(.timeLimit(.minutes(5))) struct RepeatedPushTests {
    static let values = [
        "0", "-0", "1", "-1", "007", "1.", ".5", "0.5", "0.50", "0.0001", "0.00001", "123456", "1234567", "1e3", "NaN",
        "+Inf", "-inf", "0x1p-2", "1_0",
        "999999.123456789", "1234567890.12345678", "3.14159265358979", "12.345678901234567",
    ]

    @Test(arguments: values)
    func valuesAreShownAsIfParsed(_ value: String) async throws {
        let (short, long) = (Fixture(), Fixture())
        for text in ["m{a=\"x y\"} 1\nn 2\nm{a=\"z\"} 3\n", "m{a=\"x y\"} \(value)\nn 4\nm{a=\"z\"} \(value)\n"] {
            let key = try Fixture.key("job/a")
            let shortOutcome = try? await short.store.push(text: Array(text.utf8), to: key, mode: .replaceGroup)
            let longOutcome = try? await long.push("job/a", text)
            #expect(shortOutcome?.verdict == longOutcome)
        }
        var (left, right) = await (short.lines(), long.lines())
        #expect(left == right)
        let restored = Fixture.store(PushgatewayOptions(), short.clock, short.records)
        try await restored.restore()
        (left, right) = await ([Fixture.groupsJSON(restored)], [long.groupsJSON])
        #expect(left == right)
    }

    @Test func whatElseChangesIsParsed() async throws {
        let (short, long) = (Fixture(), Fixture())
        let bodies = [
            "# HELP m a\nm 1\n", "# HELP m b\nm 2\n", "m 3\n", "m 4 5\n", "m 6\n", "m 7\nn 1\n", "m{a=\"1\"} 8\n",
            "m{a=\"2\"} 9\n", "m{a=\"2\"} 10",
            "m{a=\"2\"} x\n", "m{a=\"2\"} 11\n", "# TYPE m gauge\nm{a=\"2\"} 12\n", "\n", "m 1\n", "m 2\n",
        ]
        for (index, body) in bodies.enumerated() {
            let mode: PushRequest.Mode = index % 3 == 2 ? .replaceFamilies : .replaceGroup
            _ = try? await short.store.push(text: Array(body.utf8), to: try Fixture.key("job/a"), mode: mode)
            _ = try? await long.push("job/a", body, mode: mode)
            short.clock.advance(milliseconds: 1)
            long.clock.advance(milliseconds: 1)
            let (left, right) = await (short.lines(), long.lines())
            #expect(left == right, "after \(body)")
        }
    }
}
