// swift-tools-version: 5.9
// `cargo xtask swift` puts what is generated where this looks for it.

import PackageDescription

#if os(Linux)
let library = Target.systemLibrary(name: "parlour_ffiFFI")
#else
// Made by scripts/xcframework.sh.
let library = Target.binaryTarget(name: "parlour_ffiFFI", path: "parlour_ffiFFI.xcframework")
#endif

let package = Package(
    name: "Parlour",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "Parlour", targets: ["Parlour"]),
        .library(name: "ParlourTesting", targets: ["ParlourTesting"]),
    ],
    targets: [
        library,
        .target(name: "Parlour", dependencies: ["parlour_ffiFFI"]),
        .target(name: "ParlourTesting"),
        .executableTarget(name: "hello", dependencies: ["Parlour"], path: "Examples/hello"),
        .executableTarget(name: "chat", dependencies: ["Parlour"], path: "Examples/chat"),
        .executableTarget(name: "echo-bot", dependencies: ["Parlour"], path: "Examples/echo-bot"),
        // Driven by tests/conformance and tests/bench; nothing to build on.
        .executableTarget(name: "conformance-driver", dependencies: ["Parlour"], path: "Tests/Conformance"),
        .executableTarget(name: "figures", dependencies: ["Parlour"], path: "Tests/Figures"),
        .testTarget(name: "ParlourTests", dependencies: ["Parlour", "ParlourTesting"]),
    ]
)
