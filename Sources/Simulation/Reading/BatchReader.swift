import ConfigTree
import MetricModel

extension BatchSpec {
    init(reading section: ConfigSection, name: String) {
        self.init(name: name)
        readSchedule(section)
        takes = section.times("takes") ?? takes
        late = section.times("late") ?? late
        failing = section.share("fails") ?? 0
        hanging = section.share("hangs") ?? 0
        overlap = section.word("overlap", Overlap.self) ?? overlap
        delivery = section.word("deliver", Delivery.self) ?? delivery
        job = section.string("job") ?? name
        if job.isEmpty { section.fail("job cannot be empty", at: "job", hint: "job: \(name)") }
        grouping = section.labels("grouping")
        if grouping.contains(where: { $0.name == "job" }) {
            section.fail("the label job is the field job", at: "grouping", entry: "job", hint: "job: \(name)")
        }
        deletedAfter = section.time("delete_after") ?? deletedAfter
        if section.has("delete_after"), delivery != .deleteAfter {
            let hint = "deliver: delete_after, or leave it out"
            section.fail("delete_after goes with deliver: delete_after", at: "delete_after", hint: hint)
        }
        for field in ["job", "grouping", "retries"] where delivery == .endpoint && section.has(field) {
            let hint = "deliver: push, or leave it out"
            section.fail("an endpoint is scraped: nothing is pushed, so \(field) says nothing", at: field, hint: hint)
        }
        retries = section.whole("retries") ?? 0
        if !(0...1000).contains(retries) { section.fail("retries has to be between 0 and 1000", at: "retries") }
        (metrics, refusedMetrics) = MetricSpec.readAll(section, isOfBatch: true)
        section.finish(isListing: true)
    }

    private mutating func readSchedule(_ section: ConfigSection) {
        if section.has("every"), section.has("cron") {
            let hint = "leave one of them out"
            section.fail("a batch runs every so often or by cron, not both", at: "cron", hint: hint)
        }
        if let interval = section.time("every") {
            if interval <= 0 { section.fail("every has to be more than 0", at: "every", hint: "every: 10m") }
            schedule = .every(interval: max(1_000_000, interval), first: section.time("first") ?? interval)
        } else if let text = section.string("cron") {
            do throws(CronError) {
                let table = try CronTable(parsing: text)
                schedule = .cron(table)
                if table.next(after: 0) == nil {
                    section.fail("there is no such day", at: "cron", hint: "a day that its months have")
                }
            } catch {
                section.fail(error.message, at: "cron")
            }
        }
        if section.has("first"), !section.has("every"), !section.hasSlip(of: ["every"]) {
            section.fail("first goes with every", at: "first", hint: "every: 10m")
        }
    }
}
