import MetricModel
import Pushgateway
import Testing

@Suite(.timeLimit(.minutes(5))) struct GroupingKeyTests {
    @Test(arguments: [
        ("job/a", "{job=\"a\"}"),
        ("job/a/", "{job=\"a\"}"),
        ("job/a/instance/b", "{job=\"a\",instance=\"b\"}"),
        ("job/a/z/1/b/2", "{job=\"a\",b=\"2\",z=\"1\"}"),
        ("job/a/job/b", "{job=\"a\"}"),
        ("job/a/l/1/l/2", "{job=\"a\",l=\"2\"}"),
        ("job@base64/YS9i", "{job=\"a/b\"}"),
        ("job@base64/YQ==/l@base64/=", "{job=\"a\",l=\"\"}"),
        ("job/a/l@base64/w7xi_z8", nil),
        ("job/a/l@base64/w7xi_z8/l/2/job@base64/_-8", "{job=\"a\",l=\"2\"}"),
        ("job/a/l@base64/w7xi", "{job=\"a\",l=\"üb\"}"),
    ])
    func parsing(_ path: String, _ expected: String?) throws {
        guard let expected else {
            #expect(throws: GroupingKeyError.self) { try Fixture.key(path) }
            return
        }
        let key = try Fixture.key(path)
        #expect(key.description == expected)
        #expect(try Fixture.key(String(key.path.dropFirst("metrics/".count))) == key)
    }

    @Test(arguments: [
        ("job/a/b", "odd number of components in label string \"/b\""),
        ("job/a/b/c/", "odd number of components in label string \"/b/c/\""),
        ("job/a/__b/c", "improper label name \"__b\""),
        ("job/a/0b/c", "improper label name \"0b\""),
        ("job/a/ü/c", "improper label name \"ü\""),
        ("job@base64/=", "job name is required"),
        ("job@base64/_-8/0/b", "improper label name \"0\""),
        ("job@base64/YWJj$", "invalid base64 encoding in job name \"abc\": illegal base64 data at input byte 4"),
        ("job/a/b@base64/Y", "invalid base64 encoding for label b=\"Y\": illegal base64 data at input byte 0"),
    ])
    func refusals(_ path: String, _ message: String) {
        #expect(throws: GroupingKeyError.malformed(message)) { try Fixture.key(path) }
    }

    @Test func namesWithAnyCharacters() throws {
        let key = try Fixture.key("job/a/U__dotted_2e_name__x/1", utf8Names: true)
        #expect(key["dotted.name_x"] == "1")
        #expect(try Fixture.key(String(key.path.dropFirst("metrics/".count)), utf8Names: true) == key)
        #expect(try Fixture.key("job/a/U__dotted_2e_name/1")["U__dotted_2e_name"] == "1")
    }

    /// The time grows with the labels, not with their square.
    @Test(.timeLimit(.minutes(1))) func aKeyMayHaveManyLabels() throws {
        let path = "job/a" + (0..<50_000).map { "/l\($0)/v" }.joined() + "/l7/w"
        let key = try Fixture.key(path)
        #expect(key.labels.count == 50_001)
        #expect(key.labels.contains { $0.name == "l7" && $0.value == "w" })
    }
}
