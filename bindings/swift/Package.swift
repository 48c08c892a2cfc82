// swift-tools-version:6.0
import Foundation
import PackageDescription

// Where `cargo build -p sotay-ffi` puts the library. On Apple platforms a release replaces the system library by the XCFramework
// of bindings/swift/xcframework.sh; see docs/EMBEDDING.md.
let library = ProcessInfo.processInfo.environment["SOTAY_LIBRARY_DIR"] ?? "\(Context.packageDirectory)/../../target/debug"
let linking: [LinkerSetting] = [
    .unsafeFlags(["-L\(library)", "-Xlinker", "-rpath", "-Xlinker", library]),
    // Swift 6.0's libswiftObservation.so on Linux names a function of the runtime that is not exported (it ends the process, and is
    // looked for only then).
    .unsafeFlags(["-Xlinker", "--allow-shlib-undefined"], .when(platforms: [.linux])),
]

let package = Package(
    name: "sotay",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "Sotay", targets: ["Sotay"])
    ],
    targets: [
        .systemLibrary(name: "sotay_ffiFFI", path: "Sources/sotay_ffiFFI"),
        // Generated. The generator writes Swift 5; the wrapper and everything above it is checked as Swift 6.
        .target(
            name: "SotayFFI", dependencies: ["sotay_ffiFFI"], swiftSettings: [.swiftLanguageMode(.v5)], linkerSettings: linking),
        .target(name: "Sotay", dependencies: ["SotayFFI"]),
        .testTarget(name: "SotayTests", dependencies: ["Sotay"], linkerSettings: linking),
    ]
)
