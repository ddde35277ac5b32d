// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who builds or uses Promenade builds it.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS("26.0")],
    dependencies: [.package(name: "promenade", path: "..")],
    targets: [
        .target(name: "CAllocations"),
        .executableTarget(
            name: "Benchmarks",
            dependencies: ["CAllocations", .product(name: "PromenadeTesting", package: "promenade")],
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("NonisolatedNonsendingByDefault")]
        ),
    ]
)
