import MetricModel
import Testing

/// A clock that is set ahead is believed once it has stood by it.
@Suite(.timeLimit(.minutes(5))) struct SettledTimeTests {
    private static let hour: Int64 = 3_600_000
    private static let far: Int64 = 20 * 24 * hour

    /// What the clock shows after so many milliseconds, and what is believed then; both as milliseconds from the start.
    private static let courses: [(name: String, steps: [(steady: Int64, now: Int64, believed: Int64)])] = [
        ("it goes", [(10_000, 10_000, 10_000), (20_000, 20_000, 20_000)]),
        ("a little ahead", [(10_000, 65_000, 65_000), (20_000, 75_000, 75_000)]),
        ("behind", [(10_000, -hour, -hour), (20_000, 10_000 - hour, 10_000 - hour)]),
        ("ahead for some seconds", [(10_000, far, 10_000), (20_000, far + 10_000, 20_000), (30_000, 30_000, 30_000)]),
        (
            "ahead for good",
            [(10_000, far, 10_000), (hour, far + hour - 10_000, hour), (hour + 10_000, far + hour, far + hour)]
        ),
        ("ahead, and then elsewhere", [(10_000, far, 10_000), (hour + 10_000, 2 * far, hour + 10_000)]),
        ("ahead again", [(0, far, 0), (10_000, 10_000, 10_000), (hour + 10_000, far + hour, hour + 10_000)]),
        ("ahead of all time", [(10_000, .max, 10_000), (20_000, .max, 20_000)]),
    ]

    @Test(arguments: courses.indices) func `what is ahead is doubted for an hour`(_ index: Int) {
        let (name, steps) = Self.courses[index]
        let start: Timestamp = 1_700_000_000_000
        var time = SettledTime(start, steady: 5, patience: Self.hour * 1_000_000)
        for step in steps {
            let believed = time.time(start.plus(step.now), steady: 5 + step.steady * 1_000_000)
            #expect(believed == start + step.believed, "\(name) after \(step.steady)")
            #expect(time.isInDoubt == (step.now > step.believed), "\(name) after \(step.steady)")
        }
    }

    @Test func `without patience it is believed at once`() {
        var time = SettledTime(0, steady: 0, patience: 0)
        #expect(time.time(Self.far, steady: 0) == Self.far && !time.isInDoubt)
    }
}
