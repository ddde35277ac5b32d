import ConfigTree
import Logging
import MetricModel
import PromQL
import Rules
import Scrape
import Web

/// Rules of a stack: what evaluates them, who is told of alerts.
final class StackRules: Sendable {
    /// What evaluates.
    let manager: RuleManager
    /// What would be told where no Alertmanager is configured.
    let inbox: AlertInbox
    private let notifier: AlertNotifier
    private let metrics: RuleMetrics
    private let parser: PromQLParser
    private let isInboxWanted: Bool?

    /// - Parameters:
    ///   - reader: what expressions read; `nil` for the store.
    ///   - events: are told of each evaluation; `nil` where nobody listens.
    ///   - observer: is told of each evaluation in place of Alertmanagers and the inbox; `nil` for these.
    init(
        options: StackOptions,
        clock: any StackClock,
        store: any MetricStore,
        reader: (any SampleReader)? = nil,
        logger: Logger,
        events: StackEvents? = nil,
        observer: (@Sendable (RuleEvaluationReport) -> Void)? = nil
    ) {
        let flags = options.flags
        // An engine of their own: rules never wait for people's queries.
        var environment = RuleEnvironment(
            engine: PromQLEngine(
                options: options.engine,
                clock: clock,
                activeQueries: ActiveQueries(limit: 20),
                threads: EvaluationThreads(.rules)
            ),
            reader: reader ?? store,
            sink: StoreSink(store),
            clock: clock
        )
        environment.resendDelay = flags.duration("rules.alert.resend-delay").nanoseconds
        if flags.list("enable-feature").contains("concurrent-rule-eval") {
            environment.concurrency = max(1, flags.integer("rules.max-concurrent-evals"))
        }
        var managing = RuleManagerOptions()
        managing.outageTolerance = flags.duration("rules.alert.for-outage-tolerance").nanoseconds
        managing.gracePeriod = flags.duration("rules.alert.for-grace-period").nanoseconds
        managing.isDriven = clock is ManualClock
        var limits = AlertNotifier.Limits()
        limits.capacity = max(1, flags.integer("alertmanager.notification-queue-capacity"))
        limits.batch = max(1, flags.integer("alertmanager.notification-batch-size"))
        limits.drains = flags.isOn("alertmanager.drain-notification-queue-on-shutdown")
        let notifier = AlertNotifier(
            limits: limits,
            clock: clock,
            environment: ProcessEnvironment.all,
            logger: logger
        )
        let inbox = AlertInbox()
        let metrics = RuleMetrics(clock: clock)
        self.notifier = notifier
        self.inbox = inbox
        self.metrics = metrics
        parser = PromQLParser(options: options.engine.parser)
        let isInboxWanted = options.config.isInboxEnabled
        self.isInboxWanted = isInboxWanted
        environment.tell = { notices in
            // Where people look at the pages of a simulation, the inbox is one of them.
            var isTaken = events != nil
            if observer == nil {
                notifier.notify(notices)
                isTaken = isInboxWanted ?? !notifier.hasReceivers
            }
            if !isTaken { return }
            // A simulation has no Alertmanagers: what they would be told is told there.
            let told =
                observer == nil
                ? notifier.leaving(notices) : notifier.arriving(notices, besides: isInboxWanted ?? false)
            inbox.receive(told, at: clock.wallNanoseconds)
        }
        manager = RuleManager(environment, options: managing) { report in
            metrics.observe(report)
            for failure in report.failures {
                logger.warning(
                    "Evaluating rule failed",
                    metadata: ["group": "\(report.group)", "rule": "\(failure.rule)", "err": "\(failure.reason)"]
                )
            }
            events?.tell(report)
            observer?(report)
        }
    }

    /// Reads the rule files of a configuration.
    /// - Throws: ``StackError`` with everything that is wrong with a file.
    func groups(of config: StackConfig) throws(StackError) -> [RuleGroupDefinition] {
        try Self.read(config, parser: parser)
    }

    /// Reads the rule files of a configuration.
    /// - Throws: ``StackError`` with everything that is wrong with a file.
    static func read(
        _ config: StackConfig,
        parser: PromQLParser = PromQLParser()
    ) throws(StackError) -> [RuleGroupDefinition] {
        var groups: [RuleGroupDefinition] = []
        let global = config.prometheus.global
        func add(_ read: RuleFile, _ file: String) {
            let (interval, offset) = (global.evaluationInterval.milliseconds, global.ruleQueryOffset.milliseconds)
            groups += read.groups.map { $0.definition(file: file, interval: interval, queryOffset: offset) }
        }
        let scheme = global.nameValidation
        if let node = config.rules {
            do throws(RuleFile.Failure) {
                add(try RuleFile(reading: node, file: config.file, scheme: scheme, parser: parser), config.file)
            } catch {
                throw StackError("rules: \(error)")
            }
        }
        // A file that several patterns match is one.
        var seen: Set<String> = []
        for pattern in config.prometheus.ruleFiles {
            let files: [String]
            do throws(PathPattern.Failure) {
                files = try RuleFiles.matching(pattern)
            } catch {
                throw StackError("error retrieving rule files: \(error)")
            }
            for file in files where seen.insert(file).inserted {
                do throws(RuleFile.Failure) {
                    add(try RuleFiles.read(file, scheme: scheme, parser: parser), file)
                } catch {
                    throw StackError(
                        "parse rules from file \(GoText.quoted(file)) (pattern: \(GoText.quoted(pattern))): \(error)"
                    )
                }
            }
        }
        return groups
    }

    /// Goes by a configuration from now on.
    func apply(_ groups: [RuleGroupDefinition], _ config: PrometheusConfig, settings: PrometheusSettings) async {
        let url = "\(settings.externalScheme)://\(settings.externalHost)\(settings.externalPath)"
        let surroundings = RuleSurroundings(
            externalLabels: Labels(config.global.externalLabels),
            externalURL: url,
            pathPrefix: settings.externalPath
        )
        await notifier.apply(config.alerting, externalLabels: config.global.externalLabels, externalURL: url)
        await manager.apply(groups, surroundings: surroundings)
    }

    /// Evaluates and tells until the task is cancelled.
    func run() async {
        // Ends after the rules: what they find last is told, too.
        let telling = Task { await notifier.run() }
        await manager.run()
        telling.cancel()
        await telling.value
    }

    /// Notices as somebody gets them: an Alertmanager, or the inbox.
    func arriving(_ notices: [AlertNotice]) -> [AlertNotice] {
        notifier.arriving(notices, besides: isInboxWanted ?? false)
    }

    /// Whether nobody gets a notice of an alert with these labels.
    func isDropped(_ labels: Labels) -> Bool {
        arriving([AlertNotice(labels: labels, annotations: [], startsAt: 0, endsAt: 0, expression: "", group: "")])
            .isEmpty
    }

    /// The figures.
    var families: [MetricFamily] { metrics.families(manager.snapshots) + notifier.families }

    /// What the API and the pages see.
    var source: RuleSource {
        RuleSource(
            groups: { self.manager.snapshots },
            alertmanagers: { self.notifier.addresses },
            deliveries: { self.notifier.deliveries },
            inbox: { self.inbox.entries },
            inboxState: {
                RuleSource.InboxState(
                    isOn: self.isInboxWanted ?? !self.notifier.hasReceivers,
                    isSet: self.isInboxWanted != nil,
                    forgotten: self.inbox.forgotten
                )
            }
        )
    }
}
