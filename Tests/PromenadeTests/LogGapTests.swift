import Logging
import MetricModel
import Promenade
import Testing

/// Lines that tell of log lines that nobody read.
@Suite(.timeLimit(.minutes(5))) struct LogGapTests {
    @Test func `what was left out is told in the form of all lines`() {
        func gap(_ format: StackLogHandler.Format) -> String {
            StackLogHandler(format: format, level: .info, clock: ManualClock(now: 0)).gap(3)
        }
        let (time, message) = ("1970-01-01T00:00:00.000Z", "log lines were left out, since nobody read them")
        #expect(gap(.logfmt) == "time=\(time) level=WARN msg=\"\(message)\" count=3\n")
        #expect(gap(.json) == #"{"time":"\#(time)","level":"WARN","msg":"\#(message)","count":"3"}"# + "\n")
    }
}
