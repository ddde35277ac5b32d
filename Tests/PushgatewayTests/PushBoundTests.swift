import Exposition
import MetricModel
import Pushgateway
import Testing

/// What somebody pushes must not take more memory or time than there is.
@Suite(.timeLimit(.minutes(5))) struct PushBoundTests {
    /// Whoever pushes makes paths, labels and errors as long as he likes.
    @Test func ofLongTextsTheHistoryHasTheBeginnings() async throws {
        let gateway = Fixture()
        let long = String(repeating: "y", count: 800_000)
        let record = PushRecord(
            time: 0,
            client: "",
            method: "PUT",
            group: try Fixture.key("job/\(long)/x/\(long)"),
            path: "/metrics/job/" + long,
            size: 0,
            status: 400,
            duration: 0,
            error: long,
            hints: [long, "short"]
        )
        gateway.store.remember(record)
        let json = String(decoding: gateway.store.historyJSON(), as: UTF8.self)
        #expect(json.utf8.count < 10_000)
        #expect(json.contains(#""path":"/metrics/job/yyy"#) && json.contains(#"y…","#))
        #expect(json.contains(#""short""#) && json.contains(#""x":"yyy"#))
    }

    @Test func deletedGroupsWithLongNamesAreNotAllRemembered() async throws {
        let gateway = Fixture()
        let long = String(repeating: "y", count: 500_000)
        for number in 0..<40 {
            try await gateway.push("job/\(number)\(long)", "m 1\n")
            await gateway.store.delete(try Fixture.key("job/\(number)\(long)"))
        }
        // Whoever asks for what came after the first change is told all that is there.
        let changes = String(decoding: await gateway.store.changesJSON(since: 1), as: UTF8.self)
        #expect(changes.utf8.count < 1000)
    }

    /// Each line has all labels of its group.
    @Test func theLabelsOfTheGroupCountForEachLine() async throws {
        let gateway = Fixture()
        let key = try Fixture.key("job/a/x/" + String(repeating: "y", count: 900_000))
        let body = { (count: Int) in Array((0..<count).map { "m{b=\"\($0)\"} 1\n" }.joined().utf8) }
        #expect(try await gateway.store.push(text: body(5), to: key, mode: .replaceGroup).verdict == .accepted)
        let refusal = ExpositionError("the metrics with the labels of their group would have more than 256 MiB")
        await #expect(throws: refusal) {
            try await gateway.store.push(text: body(1500), to: key, mode: .replaceGroup)
        }
    }

    @Test func `more metrics than are compared at a time`() async throws {
        let gateway = Fixture()
        let refusal = ExpositionError(
            "more than 500000 metrics in one push: send them as several, to groups of their own"
        )
        let line = Array("m 1\n".utf8)
        let text = line.repeated(500_001)
        await #expect(throws: refusal) {
            try await gateway.store.push(text: text, to: try Fixture.key("job/a"), mode: .replaceGroup)
        }
        let family: [UInt8] = [0x0a, 1, UInt8(ascii: "m")] + ([0x22, 0] as [UInt8]).repeated(4)
        let message = [UInt8(family.count)] + family
        #expect(try FamilyProtobuf.decode(message + message, metricLimit: 8).count == 2)
        #expect(
            throws: ExpositionError("more than 7 metrics in one push: send them as several, to groups of their own")
        ) {
            try FamilyProtobuf.decode(message + message, metricLimit: 7)
        }
    }

    @Test(arguments: [3, 200]) func manyLabelsAreInOrderToo(count: Int) async throws {
        let gateway = Fixture()
        let labels = (0..<count).reversed().map { "l\($0)=\"v\"" }.joined(separator: ",")
        try await gateway.push("job/a/l1/group", "m{\(labels)} 1\n")
        let line = try #require(await gateway.lines("m").first)
        #expect(line.contains("l1=\"group\"") && !line.contains("l1=\"v\"") && line.contains("job=\"a\""))
        let names = line.split(separator: ",").map { $0.split(separator: "=")[0].filter { $0 != "{" } }
        #expect(names.dropFirst() == names.dropFirst().sorted()[...])
    }

    /// Each series that is put in its place by itself moves those behind it: hours for some hundred thousand.
    @Test(.timeLimit(.minutes(1))) func manySeriesOfAFamilyAreInOrder() async throws {
        let gateway = Fixture()
        let body = { (numbers: [Int]) in numbers.map { "m{i=\"\($0)\"} 1\n" }.joined() }
        try await gateway.push("job/b", body((0..<400_000).reversed()))
        try await gateway.push("job/a", body(Array(stride(from: 1, to: 100, by: 2))))
        try await gateway.push("job/c", body([5, 3]))
        let lines = await gateway.lines("m")
        #expect(lines.count == 400_052)
        #expect(
            lines.filter { $0.hasPrefix("m{i=\"5\"") || $0.hasPrefix("m{i=\"3\"") }
                == ["3", "5"].flatMap { number in
                    ["a", "b", "c"].map { "m{i=\"\(number)\",instance=\"\",job=\"\($0)\"} 1" }
                }
        )
        await gateway.store.delete(try Fixture.key("job/b"))
        #expect(await gateway.lines("m").count == 52)
    }

    /// Each repetition is an error that names all labels.
    @Test func ofManyErrorsTheFirstAreTold() async throws {
        let gateway = Fixture()
        let lines = { (count: Int) in String(repeating: "m{b=\"1\"} 1\n", count: count) }
        guard case .refused(let few) = try await gateway.push("job/a", lines(101)) else { return #expect(Bool(false)) }
        #expect(few.contains("100 error(s) occurred:") && !few.contains(" more"))
        let refused = try await gateway.push("job/a", lines(5001))
        guard case .refused(let many) = refused else { return #expect(Bool(false)) }
        #expect(many.contains("5000 error(s) occurred:") && many.hasSuffix("\n* and 4900 more"))
        #expect(many.utf8.count < 20_000)
        let long = try await gateway.push("job/a/x/" + String(repeating: "y", count: 100_000), lines(50))
        guard case .refused(let text) = long else { return #expect(Bool(false)) }
        #expect(text.hasSuffix("\n* and 48 more"))
    }

    /// Looked for at each place of a long line, a long word would take hours.
    @Test(.timeLimit(.minutes(1))) func thePlaceOfALongWordIsFound() throws {
        let long = String(repeating: "y", count: 1_000_000)
        let body = Array("a 1\nm{a=\"ü\(long)\"} \(long)x\n".utf8)
        var problem = ""
        do throws(ExpositionError) { _ = try FamilyTextParser().parse(body) } catch { problem = error.message }
        let (place, _) = BodyDiagnosis.explain(body, error: problem)
        #expect(place?.line == 2 && place?.column == 1_000_010)
        let short = BodyDiagnosis.explain(
            Array("ü 1\nm{a=\"ü\"} zz\n\n".utf8),
            error: "x in line 2: expected, got \"zz\""
        )
        #expect(short.place?.line == 2 && short.place?.column == 10 && short.place?.text == "m{a=\"ü\"} zz")
        let last = BodyDiagnosis.explain(Array("a 1\nb".utf8), error: "x in line 9: end")
        #expect(last.place?.line == 2 && last.place?.column == 2)
    }
}

extension [UInt8] {
    /// The bytes so many times.
    fileprivate func repeated(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(self.count * count)
        for _ in 0..<count { result += self }
        return result
    }
}
