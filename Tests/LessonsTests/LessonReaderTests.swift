import ConfigTree
import Lessons
import Testing

@Suite(.timeLimit(.minutes(5))) struct LessonReaderTests {
    static let head = "---\ntitle: T\ngoal: G\n---\n## One\n"

    static func read(_ text: String) -> (lesson: Lesson?, problems: String) {
        do throws(ConfigError) {
            return (try Lesson(reading: Array(text.utf8), name: "n", language: "en", file: "l.md"), "")
        } catch {
            return (nil, error.description)
        }
    }

    @Test func `a lesson is read into steps and blocks`() throws {
        let text =
            Self.head + """
                Words with `code`, **weight** and {{ 1.5 := a / b }}.
                They go on.

                - one
                  and more
                - two

                | a | b |
                |---|---|
                | 1 | 2 |

                ```to
                5m16s
                ```
                ## Two
                ```predict
                question: What?
                choices: [{say: yes, when: up}, {say: no, when: absent(up)}]
                why: So.
                ```
                ```act
                - {label: Kill it, do: kill, service: api}
                - {label: Wait, advance: 15s}
                ```
                ```sh
                # a comment
                ```
                """
        let lesson = try #require(Self.read(text).lesson)
        #expect(lesson.title == "T" && lesson.goal == "G")
        #expect(lesson.steps.map(\.title) == ["One", "Two"])
        #expect(lesson.steps[0].blocks.map(\.line) == [6, 9, 13, 17])
        guard case .text(.paragraph(let line)) = lesson.steps[0].blocks[0].content else {
            Issue.record("no paragraph")
            return
        }
        #expect(
            line == [
                .words("Words with "), .code("code"), .words(", "), .strong("weight"), .words(" and "),
                .number(text: "1.5", expression: "a / b"), .words(". They go on."),
            ]
        )
        guard case .run(let moment) = lesson.steps[0].blocks[3].content else {
            Issue.record("no moment")
            return
        }
        #expect(moment == 316_000_000_000)
        #expect(LessonMoves(lesson).stops == [5, 6, 7, 10])
    }

    @Test(arguments: [
        ("no head", "l.md:1: the head is missing (---, title: …, goal: …, ---)"),
        (
            "---\ntitel: T\ngoal: G\n---\n## One\nText",
            "l.md:2:1: titel: field titel not found in type head (did you mean title?)"
        ),
        (head + "```perdict\n```\n", "l.md:6: there is no block \"perdict\" (did you mean predict?"),
        (head + "```to\nsoon\n```\n", "l.md:7:1: steps[0].to: \"soon\" is no moment (how long after the start: 5m16s)"),
        (head + "\n```claim\n- up\n- sum(\n```\n", "l.md:9: steps[0].claim: \"sum(\""),
        (head + "```claim\n- up[5m]\n```\n", "l.md:7: steps[0].claim: \"up[5m]\" is neither a number nor series"),
        (head + "```panel\n- {expr: up, rage: 5m}\n```\n", "l.md:7:14: steps[0].panel[0].rage: field rage not found"),
        (head + "```picture\nrange: 5m\nways: [{job: a, query: up}]\n```\n", "a way begins at one of batch, service"),
        (
            head + "```picture\nrange: 5m\nways: [{batch: a, job: a, query: 'rate(up[5m])'}]\n```\n",
            "steps[0].picture.ways[0].query: \"rate(up[5m])\" is no selector"
        ),
        (head + "A number {{ 5 up }} here.", "l.md:6: a number is written {{ 1.33 := EXPRESSION }}"),
        (head + "A number {{ x := up }} here.", "l.md:6: \"x\" does not begin with a number"),
        (head + "```act\n- {do: kill}\n```\n", "the field label is missing"),
        (head + "```act\n- {label: x, do: kill, at: 5m}\n```\n", "a button has no at"),
        (head + "```to\n5m\n", "l.md:6: the block has no end"),
        (
            head + "```predict\nquestion: q\nwhy: w\nchoices: [{say: a, when: up}]\n```\n",
            "there are two to six choices"
        ),
        ("---\ntitle: T\ngoal: G\n---\nText\n", "l.md:5: this stands before the first step"),
        ("---\ntitle: T {{ 1 := up }}\ngoal: G\n---\n## One\nText\n", "l.md:1: a number is checked in paragraphs"),
        (head + "Text\n## {{ 1 := up }}\nText\n", "l.md:7: a number is checked in paragraphs"),
        (head + "```panel\n- {expr: up, title: '{{ 1 := up }}'}\n```\n", "steps[0].panel: a number is checked"),
        (
            head + "```predict\nquestion: 'q {{ 1 := up }}'\nwhy: w\nchoices: [{say: a, when: up}]\n```\n",
            "steps[0].predict: a number is checked"
        ),
    ])
    func `every mistake is told with its place`(text: String, expected: String) {
        let problems = Self.read(text).problems
        #expect(problems.contains(expected), "\(problems)")
    }

    @Test func `a text from Windows is read`() throws {
        let text = "\u{FEFF}" + (Self.head + "Text\n\n```to\n5m\n```\n").replacing("\n", with: "\r\n")
        let lesson = try #require(Self.read(text).lesson)
        #expect(lesson.title == "T" && lesson.steps.map(\.blocks.count) == [2])
    }

    @Test func `a block that cannot be read is told once`() {
        #expect(Self.read(Self.head + "```tooo\n```\n").problems.split(separator: "\n").count == 1)
    }

    @Test func `texts of a script without spaces are joined without one`() throws {
        let lesson = try #require(Self.read(Self.head + "これは\n文です。\n").lesson)
        guard case .text(.paragraph(let line)) = lesson.steps[0].blocks[0].content else {
            Issue.record("no paragraph")
            return
        }
        #expect(line == [.words("これは文です。")])
    }

    @Test(arguments: [("1.33", 1.33, 2), ("5 %", 5, 0), ("1,000", 1000, 0), ("-3", -3, 0), ("7つ", 7, 0)])
    func `numbers are read with their decimals`(text: String, value: Double, decimals: Int) throws {
        let number = try #require(LessonText.number(text))
        #expect(number.value == value && number.decimals == decimals)
    }
}
