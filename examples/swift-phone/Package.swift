// swift-tools-version:6.0
import PackageDescription

// The models of a phone's screens, and a phone on the command line that is built on them.
let package = Package(
    name: "swift-phone",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "PhoneModels", targets: ["PhoneModels"])
    ],
    dependencies: [
        .package(name: "sotay", path: "../../bindings/swift")
    ],
    targets: [
        .target(name: "PhoneModels", dependencies: [.product(name: "Sotay", package: "sotay")]),
        .executableTarget(name: "swift-phone", dependencies: ["PhoneModels"]),
        .testTarget(name: "PhoneTests", dependencies: ["PhoneModels"]),
    ]
)
