import MetricModel
import Testing

@Suite(.timeLimit(.minutes(5))) struct TextFormTests {
    @Test(
        arguments: [
            ("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v"),
            ("foob", "Zm9vYg==", "Zm9vYg"),
            ("fooba", "Zm9vYmE=", "Zm9vYmE"), ("foobar", "Zm9vYmFy", "Zm9vYmFy"), ("?>~", "Pz5+", "Pz5-"),
            ("???", "Pz8/", "Pz8_"),
        ]
    )
    func `base64 as in RFC 4648`(text: String, standard: String, urlSafe: String) {
        #expect(Base64.encode(text.utf8) == standard)
        #expect(Base64.encodeURLSafe(text.utf8) == urlSafe)
    }

    @Test(
        arguments: [
            ("2023-11-14T22:13:20Z", 1_700_000_000, 0), ("2023-11-14T22:13:20,5Z", 1_700_000_000, 500_000_000),
            ("2023-11-14T1:13:20Z", 1_699_924_400, 0), ("2023-11-14T22:13:20+14:60", 1_699_946_000, 0),
            ("2023-11-14T22:13:20-24:00", 1_700_086_400, 0), ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999),
            ("0000-01-01T00:00:00Z", -62_167_219_200, 0), ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
            ("2024-02-29T00:00:00.1234567891Z", 1_709_164_800, 123_456_789),
        ] as [(String, Int64, Int64)]
    )
    func `times as Go reads RFC 3339`(text: String, seconds: Int64, nanoseconds: Int64) throws {
        let time = try #require(RFC3339.parse(Array(text.utf8)))
        #expect(time == (seconds, nanoseconds))
    }

    @Test(
        arguments: [
            "", "2023-11-14", "2023-11-14 22:13:20Z", "2023-11-14t22:13:20z", "2023-11-14T22:13:20",
            "2023-11-14T22:1:20Z",
            "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:13:60Z",
            "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+25:00", "2023-11-14T22:13:20+00:61", "2023-11-14T22:13:20Zx",
        ]
    )
    func `what Go does not take for a time`(text: String) { #expect(RFC3339.parse(Array(text.utf8)) == nil) }

    @Test(
        arguments: [
            ("", "."), (".", "."), ("a", "a"), ("./a", "a"), ("a//b/./c/", "a/b/c"), ("a/../b", "b"), ("..", ".."),
            ("../../a", "../../a"), ("a/../..", ".."), ("/", "/"), ("/..", "/"), ("/../a", "/a"), ("//a/b/..", "/a"),
        ]
    )
    func `paths are cleaned as by Go`(path: String, cleaned: String) { #expect(FilePath.cleaned(path) == cleaned) }

    @Test(arguments: [("a.yml", "."), ("./x/a.yml", "x"), ("/a.yml", "/"), ("/x/../y/a.yml", "/y"), ("../a.yml", "..")])
    func `the folder of a file`(file: String, folder: String) { #expect(FilePath.folder(of: file) == folder) }

    @Test(
        arguments: [("0", 0), ("-0", 0), ("+0", 0), ("1.5KB", 1536), ("-1KiB", -1024), ("8EiB", .max)]
            as [(String, Int64)]
    )
    func `sizes as Prometheus reads them`(text: String, bytes: Int64) throws {
        #expect(try ByteSize(parsing: text).bytes == bytes)
    }

    @Test(arguments: ["", "-", "5", "9EiB", "1XB"]) func `what is no size`(text: String) {
        #expect(throws: ByteSizeError.self) { try ByteSize(parsing: text) }
    }

    @Test func `a text in JSON`() {
        #expect(JSONString.quoted("a\"\\/\n\r\t\u{1}\u{1f}é<😀") == #""a\"\\/\n\r\t\u0001\u001fé<😀""#)
    }
}
