import ConfigTree
import Logging
import MetricModel

/// Finds targets in files, which it looks at again when they change.
struct FileDiscoverer: Sendable {
    let config: DiscoveryConfig.FileDiscovery
    let counters: DiscoveryCounters
    let logger: Logger

    private struct Known: Sendable {
        var stamp: FileStamp?
        var groups: [TargetGroup]
        /// What is wrong with the file now; empty where nothing is.
        var problem = ""
    }

    /// What was read, by path.
    private var files: [String: Known] = [:]
    /// The files in the order in which they were found.
    private var order: [String] = []
    /// What went wrong the last time; empty where nothing did.
    private var problem = ""

    /// How often the files' times are looked at.
    static let pollMilliseconds: Int64 = 1000

    init(
        _ config: DiscoveryConfig.FileDiscovery,
        counters: DiscoveryCounters,
        logger: Logger
    ) {
        self.config = config
        self.counters = counters
        self.logger = logger
    }

    /// The groups of all files.
    /// - Parameter readsAll: whether files are read even where they did not change.
    /// - Returns: `nil` where nothing changed. A file that cannot be read keeps the groups it had.
    mutating func refresh(readsAll: Bool) -> (groups: [TargetGroup], error: String)? {
        var paths: [String] = []
        var named: Set<String> = []
        do throws(PathPattern.Failure) {
            for pattern in config.files {
                for path in try FileSystem.matches(of: pattern) where named.insert(path).inserted { paths.append(path) }
            }
        } catch {
            counters.update { $0.fileReadErrors += 1 }
            if problem != error.description {
                logger.error("Error looking for files", metadata: ["err": "\(error)"])
            }
            problem = error.description
            return (order.flatMap { files[$0]?.groups ?? [] }, problem)
        }
        order = paths
        problem = ""
        var isChanged = readsAll
        for path in files.keys where !named.contains(path) {
            files[path] = nil
            counters.update { $0.fileTimes[path] = nil }
            isChanged = true
        }
        for path in paths {
            // Half of it is of no use to anybody; nobody waits for it.
            if TaskLimit.isOver || Task.isCancelled { return nil }
            let stamp = FileSystem.stamp(path)
            if !readsAll, let known = files[path], known.stamp == stamp {
                if !known.problem.isEmpty { problem = known.problem }
                continue
            }
            isChanged = true
            do throws(DiscoveryError) {
                files[path] = Known(stamp: stamp, groups: try read(path))
                if let stamp { counters.update { $0.fileTimes[path] = Double(stamp.modified / 1_000_000_000) } }
            } catch {
                counters.update { $0.fileReadErrors += 1 }
                logger.error("Error reading file", metadata: ["path": "\(path)", "err": "\(error)"])
                problem = error.description
                files[path] = Known(stamp: stamp, groups: files[path]?.groups ?? [], problem: problem)
            }
        }
        return isChanged ? (paths.flatMap { files[$0]?.groups ?? [] }, problem) : nil
    }

    private func read(_ path: String) throws(DiscoveryError) -> [TargetGroup] {
        switch FileSystem.read(path) {
        case .failure(let error): throw DiscoveryError(error.description)
        case .success(let bytes):
            do throws(ConfigError) {
                return try TargetGroupFile.groups(
                    bytes,
                    source: path,
                    format: TargetGroupFile.format(of: path),
                    metaLabel: "__meta_filepath"
                )
            } catch {
                throw DiscoveryError(error.description)
            }
        }
    }
}
