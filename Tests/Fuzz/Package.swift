// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who builds or uses Promenade builds it. It compiles the rooms that read what comes from outside
// once more, with what the fuzzer counts by and what notices reads beside a buffer; of the upper rooms only the readers, so that
// no HTTP library is built for it. `Rooms` and `Targets` are links: a target's folder has to be within its package.
let watched = "-sanitize=fuzzer,address"

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .unsafeFlags([watched]),
]

/// A room, or as much of it as reads.
func room(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    only sources: [String]? = nil,
    without exclude: [String] = []
) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "Rooms/\(name)",
        exclude: exclude,
        sources: sources,
        swiftSettings: settings
    )
}

let package = Package(
    name: "Fuzz",
    platforms: [.macOS("26.0")],
    targets: [
        .systemLibrary(name: "CYaml", path: "Rooms/CYaml"),
        .systemLibrary(name: "CZlib", path: "Rooms/CZlib"),
        .systemLibrary(name: "CSQLite", path: "Rooms/CSQLite"),
        room("GoText"),
        room("Clocks"),
        room("RE2", ["Clocks"]),
        room("MetricModel", ["RE2", "GoText", "Clocks"]),
        room("ConfigTree", ["MetricModel", "CYaml"]),
        room("Exposition", ["MetricModel", "CZlib"]),
        room("TSDB", ["MetricModel", "CSQLite"]),
        room("PromQL", ["MetricModel", "ConfigTree"]),
        room("RuleTemplates", ["MetricModel"]),
        room("Rules", ["MetricModel", "ConfigTree", "PromQL", "RuleTemplates"]),
        room("Pushgateway", ["MetricModel", "Exposition"]),
        room(
            "HTTPCalling",
            ["MetricModel"],
            only: [
                "AddressLiteral.swift", "FieldName.swift", "HostPort.swift", "Punycode.swift", "TransportError.swift",
                "URLParts.swift",
            ]
        ),
        room(
            "Scrape",
            ["MetricModel", "ConfigTree", "Exposition", "HTTPCalling"],
            only: ["Configuration", "Relabelling", "Discovery/DNSMessage.swift", "Discovery/TargetGroupFile.swift"],
            without: ["Configuration/ConfigInspection.swift"]
        ),
        room(
            "Web",
            ["MetricModel", "ConfigTree", "Exposition"],
            only: [
                "Prometheus/OTLP/OTLPJSON.swift", "Pushgateway/GoPath.swift", "Server/BlankTrimming.swift",
                "Server/CivilTime.swift", "Server/FormValues.swift", "Server/MultipartForm.swift",
            ]
        ),
        room(
            "Simulation",
            ["MetricModel", "ConfigTree", "Exposition", "PromQL", "Web"],
            only: ["Actors", "Chance", "Log", "Reading", "Recording/Recording.swift", "Scenario"]
        ),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "MetricModel", "RE2", "ConfigTree", "Exposition", "TSDB", "PromQL", "RuleTemplates", "Rules",
                "Pushgateway", "HTTPCalling", "Scrape", "Web", "Simulation",
            ],
            path: "Targets",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Fuzz",
            dependencies: ["FuzzTargets"],
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags([watched, "-use-ld=lld"])]
        ),
    ]
)
