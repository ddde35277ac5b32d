// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
]

/// What only the stack needs, or only who pushes: whoever takes the client library without traits clones and builds none of these.
extension Target.Dependency {
    static let argumentParser = stack("ArgumentParser", "swift-argument-parser")
    static let asyncHTTPClient = push("AsyncHTTPClient", "async-http-client")
    static let coreMetrics = product(name: "CoreMetrics", package: "swift-metrics")
    static let httpTypes = stack("HTTPTypes", "swift-http-types")
    static let hummingbird = stack("Hummingbird", "hummingbird")
    static let hummingbirdCore = stack("HummingbirdCore", "hummingbird")
    static let hummingbirdTLS = stack("HummingbirdTLS", "hummingbird")
    static let logging = stack("Logging", "swift-log")
    static let nioCore = push("NIOCore", "swift-nio")
    static let nioEmbedded = stack("NIOEmbedded", "swift-nio")
    static let nioHTTP1 = push("NIOHTTP1", "swift-nio")
    static let nioHPACK = stack("NIOHPACK", "swift-nio-http2")
    static let nioHTTP2 = stack("NIOHTTP2", "swift-nio-http2")
    static let nioPosix = push("NIOPosix", "swift-nio")
    static let nioSSL = push("NIOSSL", "swift-nio-ssl")
    static let serviceLifecycle = stack("ServiceLifecycle", "swift-service-lifecycle")
    static let unixSignals = stack("UnixSignals", "swift-service-lifecycle")

    static func stack(_ name: String, _ package: String) -> Target.Dependency {
        product(name: name, package: package, condition: .when(traits: ["Stack"]))
    }

    static func push(_ name: String, _ package: String) -> Target.Dependency {
        product(name: name, package: package, condition: .when(traits: ["Push"]))
    }
}

/// A room of the house: a target with the project's compiler settings. What it may import is checked by `RepositoryTests`.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    exclude: [String] = [],
    resources: [Resource]? = nil
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        exclude: exclude,
        resources: resources,
        swiftSettings: settings
    )
}

// Only libyaml is used of Yams: on Linux it is the system's, since Yams's Swift half would bring all of Foundation, half of the executable.
#if os(Linux)
    let yamlPackages: [Package.Dependency] = []
    let yamlTargets: [Target] = [.systemLibrary(name: "CYaml", providers: [.apt(["libyaml-dev"])])]
    let yaml = Target.Dependency.target(name: "CYaml")
#else
    let yamlPackages = [Package.Dependency.package(url: "https://github.com/jpsim/Yams", .upToNextMinor(from: "6.2.2"))]
    let yamlTargets: [Target] = []
    let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
#endif

/// The Swift runtime goes into the executable on Linux: it starts five times as fast (8 ms instead of 40) and needs
/// no Swift where it runs. Only the link differs, so the tests share the objects of the same build. Where `packaging/dist` has put
/// archives of SQLite, zlib and the C++ runtime into `.build/archives`, these go in as well.
let staticRuntime: [LinkerSetting] = [
    .unsafeFlags(
        ["-L", ".build/archives", "-static-stdlib"]
            // Nothing is looked up by name in an executable, and identical code is kept once.
            + ["-use-ld=lld", "-Xlinker", "--icf=safe", "-Xlinker", "--version-script=packaging/exports.map"]
            + ["-Xlinker", "--start-group"]
            + [
                "swiftCore", "swift_Concurrency", "swiftSynchronization", "FoundationEssentials",
                "_FoundationCollections", "_FoundationCShims", "dispatch", "swiftDispatch", "BlocksRuntime", "stdc++",
            ].map { "-l" + $0 } + ["-Xlinker", "--end-group"],
        .when(platforms: [.linux], configuration: .release)
    )
]

/// The commands are not hot, and nobody depends on them, so that flags which others' packages may not have are allowed: what is hot
/// is in the rooms below. The last makes each function a section of its own, which the linker can put beside its like.
let smallCommand: [SwiftSetting] = [
    .unsafeFlags(
        ["-Osize", "-Xfrontend", "-function-sections"],
        .when(platforms: [.linux], configuration: .release)
    )
]

let package = Package(
    name: "promenade",
    platforms: [.macOS("26.0")],
    products: [
        .executable(name: "promenade", targets: ["PromenadeCLI"]),
        // Apart, so that who is scraped builds no HTTP client: of other packages the first needs swift-metrics only.
        .library(name: "PrometheusClient", targets: ["PrometheusClient", "Exposition", "MetricModel"]),
        .library(name: "PrometheusClientPush", targets: ["PrometheusClientPush"]),
        .library(name: "PromenadeTesting", targets: ["PromenadeTesting"]),
        .library(name: "MetricStorageTesting", targets: ["MetricStorageTesting", "MetricModel"]),
    ],
    traits: [
        .default(enabledTraits: ["Stack"]),
        .trait(name: "Stack", description: "The servers, the command and PromenadeTesting.", enabledTraits: ["Push"]),
        .trait(name: "Push", description: "PrometheusClientPush, which needs an HTTP client."),
    ],
    // Only corrections come by themselves; what is newer is taken by changing these lines.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
        .package(url: "https://github.com/apple/swift-http-types", .upToNextMinor(from: "1.8.0"), traits: []),
        .package(url: "https://github.com/apple/swift-log", .upToNextMinor(from: "1.16.2")),
        .package(url: "https://github.com/apple/swift-metrics", .upToNextMinor(from: "2.13.0")),
        .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
        // As async-http-client takes it: its connections are looked after.
        .package(url: "https://github.com/apple/swift-nio-http2", .upToNextMinor(from: "1.46.0")),
        .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
        .package(url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1"), traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", .upToNextMinor(from: "1.37.0")),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", .upToNextMinor(from: "2.13.0")),
    ] + yamlPackages,
    targets: yamlTargets + [
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CWebAssets", exclude: ["files"]),
        room("GoText"),
        room("Clocks"),
        room("RE2", ["Clocks"]),
        room("MetricModel", ["RE2", "GoText", "Clocks"]),
        room("MetricStorageTesting", ["MetricModel"]),
        room("ConfigTree", ["MetricModel", yaml]),
        room("Exposition", ["MetricModel", "CZlib"]),
        room("HTTPCalling", ["MetricModel", .asyncHTTPClient, .nioCore, .nioHTTP1, .nioPosix, .nioSSL]),
        room("PrometheusClient", ["MetricModel", "Exposition", .coreMetrics]),
        room(
            "PrometheusClientPush",
            ["MetricModel", "HTTPCalling", "Exposition", "PrometheusClient", .asyncHTTPClient, .nioHTTP1]
        ),
        room("TSDB", ["MetricModel", "CSQLite"]),
        room("StorageFaults", ["CSQLite"]),
        room("PromQL", ["MetricModel", "ConfigTree"]),
        room("RuleTemplates", ["MetricModel"]),
        room("Rules", ["MetricModel", "ConfigTree", "PromQL", "RuleTemplates"]),
        room(
            "Scrape",
            [
                "MetricModel", "ConfigTree", "Exposition", "HTTPCalling", .asyncHTTPClient, .nioCore, .nioHTTP1,
                .nioHPACK, .nioHTTP2, .nioPosix, .nioSSL, .logging,
            ]
        ),
        room(
            "RemoteStorage",
            ["MetricModel", "ConfigTree", "Exposition", "HTTPCalling", "Scrape", .logging, .nioCore]
        ),
        room("Pushgateway", ["MetricModel", "Exposition"]),
        room(
            "Web",
            [
                "CWebAssets", "MetricModel", "ConfigTree", "Exposition", "PrometheusClient", "PromQL", "Rules",
                "Scrape", "Pushgateway", "CZlib", .httpTypes, .hummingbird, .hummingbirdCore, .hummingbirdTLS, .nioCore,
                .nioHTTP1, .nioPosix, .nioSSL, .logging, .serviceLifecycle,
            ]
        ),
        room("Simulation", ["MetricModel", "ConfigTree", "Exposition", "PromQL"]),
        .target(name: "CLessons"),
        .target(name: "CStackFile"),
        room("Lessons", ["CLessons", "MetricModel", "ConfigTree", "PromQL"]),
        room(
            "Promenade",
            [
                "MetricModel", "ConfigTree", "HTTPCalling", "Exposition", "PrometheusClient", "PrometheusClientPush",
                "TSDB", "PromQL", "RemoteStorage", "Rules", "RuleTemplates", "Scrape", "Pushgateway", "Simulation",
                "StorageFaults", "Lessons", "Web", "CStackFile", .asyncHTTPClient, .logging,
                .nioCore, .nioPosix, .serviceLifecycle, .unixSignals,
            ]
        ),
        room(
            "PromenadeTesting",
            ["MetricModel", "ConfigTree", "PromQL", "Promenade", "Rules", "Scrape", "Simulation", "Web", .logging]
        ),
        .executableTarget(
            name: "PromenadeCLI",
            dependencies: [
                "MetricModel", "ConfigTree", "HTTPCalling", "Exposition", "PrometheusClient", "PrometheusClientPush",
                "TSDB", "PromQL", "Rules", "Scrape", "Pushgateway", "Simulation", "Lessons", "Web", "Promenade",
                .argumentParser,
                .asyncHTTPClient,
                .logging, .nioCore, .nioHTTP1,
            ],
            swiftSettings: settings + smallCommand,
            linkerSettings: staticRuntime
        ),
        tests("RepositoryTests"),
        // What `make fuzz` tries with inputs of its own making, with those that it starts from.
        tests(
            "FuzzTests",
            [
                "MetricModel", "RE2", "ConfigTree", "Exposition", "HTTPCalling", "TSDB", "PromQL", "RuleTemplates",
                "Rules", "Scrape", "Pushgateway", "Web", "Simulation",
            ],
            exclude: ["Corpora"]
        ),
        // Answers of real servers, replayed.
        tests(
            "ConformanceTests",
            [
                "MetricModel", "ConfigTree", "Rules", "PromenadeTesting", "Promenade", "Scrape", "CZlib", .nioCore,
                .nioHTTP1, .nioPosix,
            ]
        ),
        tests("MetricModelTests", ["MetricModel"]),
        tests("ConfigTreeTests", ["MetricModel", "ConfigTree"]),
        tests("ExpositionTests", ["MetricModel", "Exposition"]),
        tests("PrometheusClientTests", ["MetricModel", "Exposition", "PrometheusClient", .coreMetrics]),
        // A process for the tests to kill.
        .executableTarget(
            name: "TSDBKillWriter",
            dependencies: ["MetricModel", "TSDB"],
            path: "Tests/Support/TSDBKillWriter",
            swiftSettings: settings
        ),
        tests(
            "TSDBTests",
            ["MetricModel", "MetricStorageTesting", "TSDB", "TSDBKillWriter", "CSQLite", "StorageFaults"]
        ),
        tests("PromQLTests", ["MetricModel", "ConfigTree", "PromQL"], exclude: ["Scripts"]),
        tests(
            "RulesTests",
            ["MetricModel", "ConfigTree", "PromQL", "RuleTemplates", "Rules", "TSDB"],
            exclude: ["Vectors"]
        ),
        tests(
            "ScrapeTests",
            [
                "MetricModel", "ConfigTree", "Exposition", "HTTPCalling", "Scrape", .logging, .nioCore, .nioEmbedded,
                .nioHPACK, .nioHTTP1, .nioHTTP2, .nioPosix, .nioSSL,
            ]
        ),
        tests(
            "RemoteStorageTests",
            [
                "MetricModel", "ConfigTree", "Exposition", "RemoteStorage", "Scrape", "StorageFaults", "TSDB", .logging,
                .nioCore, .nioHTTP1, .nioPosix,
            ]
        ),
        tests("PushgatewayTests", ["MetricModel", "Exposition", "Pushgateway"]),
        tests(
            "SimulationTests",
            [
                "MetricModel", "ConfigTree", "HTTPCalling", "Rules", "Simulation", "Promenade", "Scrape", "Web",
                .logging,
                .nioPosix,
            ]
        ),
        tests("LessonsTests", ["MetricModel", "ConfigTree", "Lessons", "PromQL", "Promenade", "Web"]),
        tests(
            "WebTests",
            [
                "MetricModel", "ConfigTree", "Exposition", "MetricStorageTesting", "PromQL", "Scrape", "RemoteStorage",
                "Pushgateway", "TSDB", "Web", .nioCore, .nioEmbedded, .nioPosix, .logging,
            ]
        ),
        tests(
            "PromenadeTests",
            [
                "MetricModel", "ConfigTree", "PromQL", "Promenade", "PromenadeTesting", "PrometheusClient",
                "PrometheusClientPush", "Rules", "Scrape", "TSDB", "Web", .asyncHTTPClient, .logging, .nioCore,
                .nioHTTP1, .nioPosix, .nioSSL,
            ]
        ),
    ]
)
