// swift-tools-version: 6.3
//
// The rooms of Martlet and what each may use. The law between them is in README.md;
// `tools/check` reads it from here, so an arrow that is not in this file does not exist.
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

let cSettings: [CSetting] = [
  .unsafeFlags(["-std=gnu2x", "-fno-strict-aliasing"]),
  .enableWarning("all"),
  .enableWarning("extra"),
  .disableWarning("c23-extensions"),
  .treatAllWarnings(as: .error),
]

/// A C target: a small shim over one system library, or the part that talks to the kernel.
func c(_ name: String, links libraries: [String] = [], exclude: [String] = []) -> Target {
  .target(
    name: name, path: "CSources/\(name)", exclude: exclude, cSettings: cSettings,
    linkerSettings: libraries.map { .linkedLibrary($0) })
}

/// A Swift module that lives in a room (a folder of `Sources`).
func module(_ name: String, in room: String, uses dependencies: [String] = []) -> Target {
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    path: "Sources/\(room)/\(name)", swiftSettings: swiftSettings)
}

/// A program: one `main.swift` that reads options and starts a runtime.
func program(_ name: String, uses dependencies: [String]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    path: "Sources/Programs/\(name)", swiftSettings: swiftSettings)
}

func tests(_ name: String, uses dependencies: [String]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    path: "Tests/\(name)", swiftSettings: swiftSettings)
}

let package = Package(
  name: "martlet",
  targets: [
    // The C core: one system library or one kernel interface each.
    c("CCrypto", links: ["crypto"]),
    c("CPacketLoop", links: ["numa"]),
    c("CSteering", links: ["bpf"], exclude: ["steer.bpf.o"]),
    c("CDtls", links: ["ssl", "crypto"]),
    c("CSrtp", links: ["srtp2", "crypto"]),
    c("COpus", links: ["opus"]),
    c("CWeb", links: ["websockets", "http_parser", "ssl", "crypto"]),
    c("CPage", exclude: ["page"]),
    c("CProcess"),
    c("CMemory"),
    c("CTraffic"),

    // Host: what every process needs of the machine it runs on.
    module("Log", in: "Host"),
    module("Runtime", in: "Host", uses: ["Wire", "CPacketLoop"]),
    module("Machine", in: "Host", uses: ["Wire"]),
    module("Paths", in: "Host", uses: ["Log", "Runtime", "Trunk", "Wire", "CPacketLoop"]),
    // What an operator must hear of. No clock, socket, thread or random source.
    module("Complaints", in: "Host", uses: ["Log", "Wire"]),

    // Protocol: no clock, socket, thread or random source.
    module("Wire", in: "Protocol"),
    module("Crypto", in: "Protocol", uses: ["Wire", "CCrypto"]),
    module("Json", in: "Protocol", uses: ["Wire"]),
    module("Token", in: "Protocol", uses: ["Wire", "Crypto"]),
    module("Trunk", in: "Protocol", uses: ["Wire"]),
    module("Ice", in: "Protocol", uses: ["Wire", "Crypto"]),
    module("Dtls", in: "Protocol", uses: ["Wire", "CDtls"]),
    module("Srtp", in: "Protocol", uses: ["CSrtp"]),
    module("Rtp", in: "Protocol", uses: ["Wire"]),
    module("Sdp", in: "Protocol"),
    module("Sctp", in: "Protocol", uses: ["Wire"]),

    // Voice: PCM and Opus; what a backend hears and says. Sans-IO as well.
    module("Voice", in: "Voice", uses: ["Wire", "Rtp", "COpus"]),
    module("Backends", in: "Voice", uses: ["Wire", "Voice"]),
    module("PlainBackends", in: "Voice", uses: ["Wire", "Voice", "Backends"]),
    module("Realtime", in: "Voice", uses: ["Wire", "Json", "Voice", "Backends", "PlainBackends"]),

    // Calls: both ends of a call, composed from the protocols. Sans-IO as well.
    module(
      "Session", in: "Calls",
      uses: ["Wire", "Crypto", "Ice", "Dtls", "Srtp", "Rtp", "Sctp", "Voice", "Backends"]),
    module(
      "CallClient", in: "Calls",
      uses: ["Wire", "Crypto", "Ice", "Dtls", "Srtp", "Rtp", "Sctp", "Voice"]),

    // Relay: the packet path, and the process around it.
    module("RelayCore", in: "Relay", uses: ["Wire", "Crypto", "Token", "Trunk"]),
    module(
      "RelayRuntime", in: "Relay",
      uses: [
        "Log", "Complaints", "Runtime", "Machine", "Paths", "RelayCore", "Wire", "Crypto", "Json",
        "Token", "Trunk", "CPacketLoop", "CSteering",
      ]),

    // Transceiver: signalling, and the process that owns the sessions.
    module("Signalling", in: "Transceiver", uses: ["Wire", "Crypto", "Json", "Sdp", "Token"]),
    module(
      "ServiceClient", in: "Transceiver", uses: ["Runtime", "Backends", "CWeb"]),
    module(
      "TransceiverCore", in: "Transceiver",
      uses: [
        "Session", "Signalling", "Backends", "Realtime", "Voice", "Wire", "Json", "Token", "Trunk",
        "Ice", "Dtls", "Sctp", "Sdp",
      ]),
    module(
      "TransceiverRuntime", in: "Transceiver",
      uses: [
        "TransceiverCore", "Log", "Complaints", "Runtime", "Paths", "ServiceClient", "Session",
        "Signalling", "Backends", "Voice", "Wire", "Json", "Crypto", "Token", "Trunk", "Dtls",
        "Sdp", "Srtp", "CPacketLoop", "CWeb", "CPage", "CMemory",
      ]),

    // Programs: options in, a runtime started.
    module("Settings", in: "Programs", uses: ["Json"]),
    module(
      "Deployment", in: "Programs",
      uses: ["Settings", "Json", "Log", "Token", "Wire", "CProcess"]),
    program(
      "martlet-relay",
      uses: [
        "Settings", "Deployment", "RelayRuntime", "RelayCore", "Machine", "Crypto", "Token", "Wire",
      ]),
    program(
      "martlet-transceiver",
      uses: [
        "Settings", "Deployment", "Log", "Machine", "TransceiverRuntime", "ServiceClient",
        "Signalling", "Backends", "Voice", "Wire",
      ]),
    module(
      "Launcher", in: "Programs",
      uses: [
        "Settings", "Deployment", "Log", "Machine", "Runtime", "Token", "Crypto", "Wire",
        "CProcess",
      ]),
    module(
      "Load", in: "Programs",
      uses: [
        "Settings", "Deployment", "Runtime", "CallClient", "Dtls", "Srtp", "Crypto", "Json", "Wire",
        "CPacketLoop",
      ]),
    module(
      "Bench", in: "Programs",
      uses: [
        "Settings", "Deployment", "Launcher", "Json", "Token", "Trunk", "Crypto", "Wire",
        "CTraffic", "CallClient", "Rtp", "Srtp", "Voice", "Runtime",
      ]),
    program(
      "martlet",
      uses: ["Settings", "Deployment", "Launcher", "Load", "Bench", "Token", "Crypto", "Wire"]),

    // Tests. CProbe counts allocations and reference counts; TestSupport says it in Swift.
    .target(name: "CProbe", path: "Tests/CProbe", cSettings: cSettings),
    // A judge of Json, which only JsonTests asks.
    .target(
      name: "CJansson", path: "Tests/CJansson", cSettings: cSettings,
      linkerSettings: [.linkedLibrary("jansson")]),
    .target(
      name: "CPlainPeer", path: "Tests/CPlainPeer", cSettings: cSettings,
      linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .target(
      name: "CSrtpFaults", path: "Tests/CSrtpFaults", cSettings: cSettings,
      linkerSettings: [.linkedLibrary("srtp2")]),
    .target(
      name: "TestSupport", dependencies: ["CProbe"], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "primitives-bench", dependencies: ["Wire", "Crypto", "Srtp", "Token", "Trunk"],
      path: "Tests/PrimitivesBench", swiftSettings: swiftSettings),
    .executableTarget(
      name: "sctp-peer", dependencies: ["Sctp", "Wire"], path: "Tests/SctpPeer",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "relay-path-bench",
      dependencies: ["Wire", "Crypto", "Token", "Trunk", "RelayCore"],
      path: "Tests/RelayPathBench", exclude: ["instructions.json"], swiftSettings: swiftSettings),
    tests("WireTests", uses: ["CProbe", "TestSupport", "Wire"]),
    tests("JsonTests", uses: ["CJansson", "Json", "Wire"]),
    tests("CryptoTests", uses: ["TestSupport", "Crypto", "Wire"]),
    tests("TokenTests", uses: ["TestSupport", "Token", "Crypto", "Wire"]),
    tests("TrunkTests", uses: ["TestSupport", "Trunk", "Wire"]),
    tests("IceTests", uses: ["CProbe", "TestSupport", "Ice", "Crypto", "Wire"]),
    tests("DtlsTests", uses: ["CDtls", "CPlainPeer", "CProbe", "Dtls", "Wire"]),
    tests("SrtpTests", uses: ["CProbe", "CSrtpFaults", "TestSupport", "Crypto", "Srtp", "Wire"]),
    tests("RtpTests", uses: ["CProbe", "TestSupport", "Rtp", "Wire"]),
    tests("SdpTests", uses: ["Sdp"]),
    tests("SctpTests", uses: ["Sctp", "Wire"]),
    tests("VoiceTests", uses: ["CProbe", "TestSupport", "Voice", "Rtp", "Wire"]),
    tests("BackendsTests", uses: ["Backends", "PlainBackends", "Voice", "Wire"]),
    tests(
      "RealtimeTests",
      uses: ["TestSupport", "Realtime", "Backends", "PlainBackends", "Json", "Voice", "Wire"]),
    tests(
      "SessionTests",
      uses: [
        "TestSupport", "Session", "CallClient", "Ice", "Dtls", "Sctp", "Sdp", "Srtp", "Voice",
        "Backends", "Realtime", "Json", "Wire", "COpus",
      ]),
    tests("LoadTests", uses: ["Load", "CallClient", "Rtp", "Voice", "Wire"]),
    tests(
      "CallClientTests",
      uses: ["CallClient", "Crypto", "Dtls", "Ice", "Rtp", "Sdp", "Srtp", "Voice", "Wire"]),
    tests(
      "RelayCoreTests",
      uses: ["CProbe", "TestSupport", "RelayCore", "Token", "Trunk", "Crypto", "Wire"]),
    tests("MachineTests", uses: ["Machine", "TestSupport", "Wire"]),
    tests("RuntimeTests", uses: ["Runtime"]),
    tests("ComplaintsTests", uses: ["Complaints", "Log", "Wire"]),
    tests(
      "RelayRuntimeTests",
      uses: [
        "martlet-relay", "RelayRuntime", "RelayCore", "Complaints", "Machine", "Deployment", "Json",
        "Settings", "Paths", "Token", "Trunk", "Crypto", "CPacketLoop", "TestSupport", "Wire",
      ]),
    tests("PacketLoopTests", uses: ["CProbe", "TestSupport", "CPacketLoop", "CSteering"]),
    tests("SignallingTests", uses: ["Signalling", "Json", "Sdp", "Token", "Wire"]),
    tests("WebTests", uses: ["CWeb"]),
    tests("ServiceClientTests", uses: ["ServiceClient", "Backends", "CWeb"]),
    tests("PathsTests", uses: ["Paths", "Log", "Runtime", "Trunk", "Wire", "CPacketLoop"]),
    tests(
      "TransceiverCoreTests",
      uses: [
        "TestSupport", "TransceiverCore", "Backends", "CallClient", "Crypto", "Dtls", "Json", "Sdp",
        "Session", "Signalling", "Token", "Trunk", "Voice", "Wire",
      ]),
    tests(
      "WholeCallTests",
      uses: [
        "RelayCore", "TransceiverCore", "Backends", "CallClient", "Crypto", "Dtls", "Json", "Sdp",
        "Signalling", "Token", "Trunk", "Wire",
      ]),
    tests(
      "TransceiverRuntimeTests",
      uses: [
        "TransceiverRuntime", "TransceiverCore", "Backends", "CPacketLoop", "Complaints", "Dtls",
        "Log",
        "Paths", "Runtime", "Session", "Signalling", "Token", "Wire",
      ]),
    tests("SettingsTests", uses: ["Settings", "Json", "Log"]),
    tests("BenchTests", uses: ["Bench", "CTraffic", "Json", "Settings"]),
    tests("LauncherTests", uses: ["Launcher", "Deployment", "Settings", "Token", "Wire"]),
  ],
  cLanguageStandard: .gnu2x
)
