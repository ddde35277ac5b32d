import ConfigTree
import MetricModel
import Scrape
import Testing

@Suite("Patterns of paths", .timeLimit(.minutes(5)))
struct PathPatternTests {
    @Test(
        "malformed patterns are seen",
        arguments: [
            ("a", true), ("*", true), ("[ab]", true), ("[a-c]x", true), ("[^a]", true), ("\\*", true), ("", true),
            ("a]", true), ("{a,b}", true),
            ("[a", false), ("[", false), ("[]", false), ("[]a]", false), ("[-a]", false), ("[a-]", false),
            ("[a\\", false), ("a\\", false),
            ("[^]", false), ("*[", false), ("[a-\\", false), ("[x-a]", true), ("[!a]", true),
        ]
    )
    func wellFormed(text: String, isFine: Bool) {
        #expect((PathPattern(text) != nil) == isFine)
    }

    @Test(
        "paths are seen from the configuration's folder, and cleaned",
        arguments: [
            ("conf", "./rules/a.yml", "conf/rules/a.yml"), ("conf", "../conf//b.y*l", "conf/b.y*l"),
            (".", "./a.yml", "a.yml"), ("", "sub/./a.yml", "sub/a.yml"), ("/etc/p", "../x.yml", "/etc/x.yml"),
            ("conf", "/x//../y.yml", "/x//../y.yml"), ("conf", "", ""),
        ]
    )
    func joined(folder: String, path: String, expected: String) {
        #expect(ConfigContext(directory: folder).path(path) == expected)
    }

    @Test("what matches, as Go has it")
    func matches() {
        let folder = TemporaryFolder()
        for name in ["a.yml", "b.yml", ".c.yml", "ab.json", "x[1].yml", "é.yml"] { folder.write("", to: folder / name) }
        func names(_ pattern: String) -> [String] {
            ((try? PathPattern(folder / pattern)?.matches()) ?? []).map { String($0.dropFirst(folder.path.count + 1)) }
        }
        #expect(names("*.yml") == [".c.yml", "a.yml", "b.yml", "x[1].yml", "é.yml"])
        #expect(names("[ab].yml") == ["a.yml", "b.yml"])
        #expect(names("[^a].yml") == ["b.yml", "é.yml"])
        #expect(names("?.yml") == ["a.yml", "b.yml", "é.yml"])
        #expect(names("x\\[1\\].yml") == ["x[1].yml"])
        #expect(names("a*b*.json") == ["ab.json"])
        #expect(names("none*") == [])
        #expect(names("a.yml") == ["a.yml"])
        #expect(names("none.yml") == [])
        #expect(
            (try? PathPattern(folder.path + "//./../" + folder.path.split(separator: "/").last! + "/a*l")?.matches())
                == [
                    folder / "a.yml"
                ]
        )
        let inParents = try? PathPattern(folder.path.dropLast(3) + "*/a.yml")?.matches()
        #expect(inParents == [folder / "a.yml"])
    }

    @Test("one that leads past too much is given up, and so is one that takes too long")
    func bounded() async throws {
        let folder = TemporaryFolder()
        for number in 0..<100 { folder.write("", to: folder / "\(number).yml") }
        let pattern = try #require(PathPattern(folder / "*.yml"))
        #expect(try pattern.matches().count == 100)
        let tooMany = #expect(throws: PathPattern.Failure.self) { try pattern.matches(entryLimit: 50) }
        #expect(tooMany?.description.contains("past more than 50 files and folders") == true)
        await TaskLimit { true }.run {
            let late = #expect(throws: PathPattern.Failure.self) { try pattern.matches() }
            #expect(late?.description.contains("given up") == true)
        }
    }

    @Test(
        "a malformed one is refused where the configuration names it",
        arguments: [
            ("scrape_config_files: ['[a']", "error retrieving scrape config files for \"[a\": syntax error in pattern"),
            ("rule_files: ['[a']", "error retrieving rule files for [a: syntax error in pattern"),
            (
                "scrape_configs: [{job_name: a, file_sd_configs: [{files: ['[a.yml']}]}]",
                "error retrieving discovery files for [a.yml: syntax error in pattern"
            ),
        ]
    )
    func refused(text: String, message: String) throws {
        let problems = ConfigProblems(file: "p")
        let node = try YAMLReader.parse(Array(text.utf8), file: "p")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        _ = PrometheusConfig(reading: root, context: ConfigContext())
        #expect(problems.problems.map(\.message) == [message])
        #expect(problems.problems.first?.line == 1)
    }
}
