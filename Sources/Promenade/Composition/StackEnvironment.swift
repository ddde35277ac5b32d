import MetricModel
import PrometheusClient
import RemoteStorage
import Scrape
import TSDB
import Web

/// What the Prometheus server is told about the process around it.
enum StackEnvironment {
    static func make(_ stack: Stack) -> PrometheusEnvironment {
        let process = ProcessCollector(clock: stack.clock)
        let start = stack.startNanoseconds
        let database = stack.store as? TimeSeriesDatabase
        var environment = PrometheusEnvironment(
            phase: { stack.state.phase },
            configuration: { stack.state.now.config.prometheus.yaml },
            externalLabels: { stack.state.now.config.prometheus.global.externalLabels },
            runtime: {
                let state = stack.state.now
                var info = PrometheusEnvironment.RuntimeInfo()
                info.startNanoseconds = start
                info.workingFolder = ProcessEnvironment.workingFolder
                info.hostName = ProcessEnvironment.hostName
                info.isLastReloadGood = state.isLastReloadGood
                info.lastReload = state.lastReload
                info.processors = ProcessEnvironment.processors
                info.threads = ProcessEnvironment.threads
                return info
            },
            reload: { await stack.reload() },
            quit: { stack.end() },
            metrics: {
                await StackMetrics.families(stack) + stack.rules.families + stack.remoteFamilies
                    + process.collect()
            },
            createFolder: { FileAccess.createFolder($0) ? nil : StackError.system(lastErrorNumber()) },
            notifications: {
                let failure = stack.state.now.failedReload
                let reload = failure.map {
                    PrometheusEnvironment.Notification("Configuration reload has failed.", since: $0.nanoseconds)
                }
                return [stack.storageNotification, stack.clockNotification, reload].compactMap(\.self)
            }
        )
        environment.otlp = { stack.state.now.config.prometheus.otlp.translation }
        environment.elsewhere = stack.storeElsewhere
        environment.remoteWrites = { await stack.remoteStatus }
        environment.rules = stack.rules.source
        environment.fixture = stack.fixtureControl
        environment.demo = stack.demoControl
        environment.clock = stack.clockControl
        environment.learn = stack.classroom.control
        environment.stack = { stack.status }
        environment.beforeScrape = { await stack.leaveMoment(job: $0) }
        environment.events = stack.state.events
        environment.survey = stack.survey
        environment.storageProblem = { database?.refusal?.message }
        return environment
    }
}
