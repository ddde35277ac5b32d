import ConfigTree
import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Follows what a configuration names, as `promtool check config` does: files with targets, credentials, certificates and rules,
/// and what labels make of targets. Tells everything that is wrong, not only the first thing.
public enum ConfigInspection {
    /// Something that is wrong or odd beyond the configuration's own text.
    public struct Finding: Sendable, Hashable {
        /// Whether the configuration cannot be used as it is.
        public var isFailure: Bool
        /// What, in promtool's words.
        public var message: String
        /// The places in files, one a line, with what was probably meant; empty where the message says it.
        public var places: [String]
    }

    /// Looks at all jobs.
    public static func check(_ config: PrometheusConfig) -> [Finding] {
        var findings: [Finding] = []
        func fail(_ message: String, places: [String] = []) {
            findings.append(Finding(isFailure: true, message: message, places: places))
        }
        for path in config.ruleFiles {
            do throws(PathPattern.Failure) {
                if try FileSystem.matches(of: path).isEmpty, !path.contains("*") {
                    fail("\(GoText.quoted(path)) does not point to an existing file")
                }
            } catch {
                fail("error retrieving rule files: \(error)")
            }
        }
        for job in config.jobs {
            let before = findings.count
            for (what, path) in files(of: job.client) where !exists(path) {
                fail("error checking \(what) file \(GoText.quoted(path)): stat \(path): no such file or directory")
            }
            if findings.count == before {
                do throws(TransportError) {
                    _ = try HTTPTransport(job.client, clock: SystemClock())
                } catch {
                    fail("error creating new scrape pool for job \(GoText.quoted(job.jobName)): \(error.message)")
                }
            }
            for discovery in job.discovery {
                switch discovery {
                case .fixed(let groups): for problem in problems(of: groups, in: job) { fail(problem) }
                case .file(let files):
                    findings += check(files, in: "scrape job \(GoText.quoted(job.jobName))") {
                        problems(of: $0, in: job)
                    }
                case .http, .dns: break
                }
            }
        }
        for job in config.alerting.alertmanagers.map(\.job) {
            for discovery in job.discovery {
                switch discovery {
                case .fixed(let groups): for problem in receiverProblems(of: groups, in: job) { fail(problem) }
                case .file(let files):
                    findings += check(files, in: "alertmanager config") { receiverProblems(of: $0, in: job) }
                case .http, .dns: break
                }
            }
        }
        return findings
    }

    private static func check(
        _ files: DiscoveryConfig.FileDiscovery,
        in place: String,
        _ problems: ([TargetGroup]) -> [String]
    ) -> [Finding] {
        var findings: [Finding] = []
        for pattern in files.files {
            let paths: [String]
            do throws(PathPattern.Failure) {
                paths = try FileSystem.matches(of: pattern)
            } catch {
                let message = "error retrieving discovery files for file_sd in \(place): \(error)"
                findings.append(Finding(isFailure: true, message: message, places: []))
                continue
            }
            if paths.isEmpty {
                let message = "file \(GoText.quoted(pattern)) for file_sd in \(place) does not exist"
                findings.append(Finding(isFailure: false, message: message, places: []))
            }
            for path in paths {
                let what = "checking SD file \(GoText.quoted(path)): "
                switch FileSystem.read(path) {
                case .failure(let error):
                    findings.append(Finding(isFailure: true, message: what + error.description, places: []))
                case .success(let bytes):
                    do throws(ConfigError) {
                        let groups = try TargetGroupFile.groups(
                            bytes,
                            source: path,
                            format: TargetGroupFile.format(of: path),
                            metaLabel: "__meta_filepath"
                        )
                        findings += problems(groups).map {
                            Finding(isFailure: true, message: $0, places: [])
                        }
                    } catch {
                        let places = error.description.split(separator: "\n").map(String.init)
                        findings.append(Finding(isFailure: true, message: what + error.reason, places: places))
                    }
                }
            }
        }
        return findings
    }

    /// Targets that cannot be, and why.
    private static func problems(of groups: [TargetGroup], in job: ScrapeConfig) -> [String] {
        invalid(groups, in: job).map { "instance \($0.index) in group \($0.source): \($0.reason)" }
    }

    /// Alertmanagers that cannot be, and why.
    private static func receiverProblems(of groups: [TargetGroup], in job: ScrapeConfig) -> [String] {
        invalid(groups, in: job).map(\.reason)
    }

    private static func invalid(
        _ groups: [TargetGroup],
        in job: ScrapeConfig
    ) -> [(index: Int, source: String, reason: String)] {
        groups.flatMap { group in
            group.targets.enumerated().compactMap { index, target in
                guard case .invalid(let reason) = TargetBuilder.build(job, target: target, group: group.labels) else {
                    return nil
                }
                return (index, group.source, reason)
            }
        }
    }

    /// The files that a job's requests need, with promtool's words for them.
    private static func files(of client: HTTPClientConfig) -> [(what: String, path: String)] {
        func tls(_ tls: HTTPClientConfig.TLS) -> [(String, String)] {
            [("client cert", tls.certFile), ("client key", tls.keyFile), ("CA cert", tls.caFile)]
        }
        var all: [(String, String)] = [
            ("authorization credentials or bearer token", client.authorization?.credentialsFile ?? ""),
            ("basic auth username", client.basicAuth?.usernameFile ?? ""),
            ("basic auth password", client.basicAuth?.passwordFile ?? ""),
            ("oauth2 client secret", client.oauth2?.clientSecretFile ?? ""),
        ]
        all += tls(client.tls) + (client.oauth2.map { tls($0.tls) } ?? [])
        for (name, header) in client.headers.sorted(by: { $0.key < $1.key }) {
            all += header.files.map { ("header \(GoText.quoted(name))", $0) }
        }
        return all.filter { !$0.1.isEmpty }.map { (what: $0.0, path: $0.1) }
    }

    private static func exists(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0
    }
}
