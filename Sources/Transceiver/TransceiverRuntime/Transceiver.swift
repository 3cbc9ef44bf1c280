import Backends
import CMemory
import CPage
import Dtls
package import Log
import Paths
import Runtime
import Sdp
import ServiceClient
import Signalling
import Srtp
import Token
import TransceiverCore
import Trunk
package import Wire

/// A transceiver process: shards that own the calls, and the HTTP server that begins and ends them.
package enum Transceiver {
  /// Runs until SIGTERM or SIGINT comes, or the terminal goes that it was started from, then ends
  /// every call and returns. Call it once, on the main
  /// thread, before any other thread exists.
  ///
  /// - Parameter onReady: called when every socket is open, with the HTTP address and the shards'
  ///   trunk addresses.
  package static func run(
    _ options: TransceiverOptions, log: Log,
    onReady: (_ http: TransportAddress, _ trunks: [TransportAddress]) -> Void
  ) throws(TransceiverFailure) {
    cm_set_up()
    var duties = MainDuties(reportSeconds: options.statisticsSeconds)
    try check(options.statisticsFile, log)
    try DescriptorLimit.claim(options, log)
    do throws(SrtpFailure) { try SrtpLibrary.prepare() } catch {
      throw TransceiverFailure(description: "cannot start the SRTP library: \(error)")
    }
    let certificate = try makeCertificate()
    let registry = CallRegistry(shards: options.shards, maximum: options.maximumCalls)
    let sockets = WebSockets()
    let server = try WebServer(sockets: sockets, listening: options.http)
    let webMail = WebMail { server.wake() }
    let services = try makeServices(options)
    let peers = options.peers.isEmpty ? nil : try PeerHub(options.peers) { server.wake() }
    let paths = PathTable(
      from: options.trunk, bundleBytesMax: options.bundleBytes, pathsMax: Self.relaysMax)
    let shards = try makeShards(options, certificate, registry, services, webMail, paths, log)
    let pathWatch = PathWatch(
      paths, log: log, everyTurn: SilentHop(paths, shards.map(\.shard.effects.lossyCalls), log).look
    )
    let refusals = Refusals(log)
    let bridge = WebBridge(
      signalling: Signalling(signallingOptions(options, certificate)), registry: registry,
      shards: shards, server: server, sockets: sockets, mail: webMail,
      forwarder: peers.map { Forwarder($0, server, sockets, refusals) }, refusals: refusals)
    services?.start()
    peers?.start()
    for shard in shards { shard.start() }
    pathWatch.start()
    var memory = MemoryKeeper(log)
    server.serve(bridge)
    let web = HostThread { server.run() }
    onReady(server.address, shards.map(\.trunk))
    let reporter = Reporter(shards, registry, refusals, file: options.statisticsFile, log: log)
    serve(&duties, reporter, &memory, registry, log)
    reporter.sayCalls("stopping")
    server.stop()
    web.join()
    peers?.stop()
    for shard in shards { shard.post(.shutDown) }
    for shard in shards { shard.join() }
    pathWatch.stop()
    services?.stop()
    reporter.finish()
  }

  /// Does the main thread's work until the end is asked for.
  private static func serve(
    _ duties: inout MainDuties, _ reporter: Reporter, _ memory: inout MemoryKeeper,
    _ registry: CallRegistry, _ log: Log
  ) {
    while true {
      switch duties.next() {
      case .look:
        reporter.look()
        memory.look(calls: registry.count, at: MainDuties.now)
      case .report: reporter.report()
      case .refuseHangUp: log.warning(MainDuties.hangUpText)
      case .stop: return
      }
    }
  }

  /// A file that cannot be written now may be later; one whose name is something else's never.
  private static func check(_ file: String?, _ log: Log) throws(TransceiverFailure) {
    switch file.flatMap({ OutputFile.trouble(with: $0) }) {
    case nil: return
    case .misnamed(let sentence): throw TransceiverFailure(description: "--stats: \(sentence)")
    case .refused(let sentence):
      log.warning("cannot write the counters", ["reason": .text(sentence)])
    }
  }

  /// Relays whose ways are known one by one.
  private static let relaysMax = 1_024

  private static func makeCertificate() throws(TransceiverFailure) -> DtlsIdentity {
    do throws(DtlsSetupError) {
      return try DtlsIdentity.generate()
    } catch {
      throw TransceiverFailure(description: "cannot make a DTLS certificate: \(error)")
    }
  }

  private static func makeServices(
    _ options: TransceiverOptions
  ) throws(TransceiverFailure) -> ServiceHub? {
    guard var service = options.service else { return nil }
    service.connectionsMax = options.maximumCalls + ServiceRoom.spare
    do throws(ServiceFailure) {
      return try ServiceHub(service)
    } catch {
      throw TransceiverFailure(description: error.description)
    }
  }

  private static func makeShards(
    _ options: TransceiverOptions, _ certificate: DtlsIdentity, _ registry: CallRegistry,
    _ services: ServiceHub?, _ webMail: WebMail, _ paths: PathTable, _ log: Log
  ) throws(TransceiverFailure) -> [ShardThread] {
    precondition((1...64).contains(options.shards), "1 to 64 shards")
    var shards: [ShardThread] = []
    for number in 0..<options.shards {
      let transceiver = TransceiverID(node: options.node, shard: UInt8(number))
      let shard = ShardLoop(
        ShardConfiguration(options, transceiver, certificate), mailbox: Mailbox(),
        effects: ShardEffects(
          transceiver, registry: registry, services: services, webMail: webMail, log: log),
        paths: paths.view)
      let trunk = try address(options.trunk, number)
      do throws(LoopFailure) {
        shards.append(try ShardThread(shard: shard, listening: trunk))
      } catch {
        throw TransceiverFailure(description: error.description)
      }
    }
    return shards
  }

  private static func address(
    _ first: TransportAddress, _ number: Int
  ) throws(TransceiverFailure) -> TransportAddress {
    guard first.port != 0 else { return first }
    guard let port = UInt16(exactly: Int(first.port) + number) else {
      throw TransceiverFailure(
        description: "shard \(number) has no port: the trunk begins at \(first.port)")
    }
    return TransportAddress(high: first.high, low: first.low, port: port)
  }

  private static func signallingOptions(
    _ options: TransceiverOptions, _ certificate: DtlsIdentity
  ) -> SignallingOptions {
    let fingerprint = certificate.fingerprint(.sha256)
    guard let announced = Fingerprint(.sha256, bytes: fingerprint.digest) else {
      preconditionFailure("a SHA-256 digest has 32 bytes")
    }
    let others = BackendKind.allCases
      .filter { $0 != options.backend && options.backends[$0] != nil }.map(\.rawValue)
    var signalling = SignallingOptions(
      candidates: options.candidates, fingerprint: announced,
      backends: [options.backend.rawValue] + others, page: Self.page, keys: options.keys,
      cluster: options.cluster, node: options.node)
    signalling.access = options.access
    signalling.peers = Set(options.peers.keys)
    signalling.callsPerCallerMax = options.callsPerCallerMax ?? (options.maximumCalls + 1) / 2
    signalling.callsPerLoopbackMax = options.callsPerCallerMax ?? .max
    signalling.callsPerSecretMax = options.callsPerSecretMax
    signalling.iceServers = options.iceServers
    return signalling
  }

  private static var page: [PageFile] {
    var count: UInt32 = 0
    guard let first = unsafe page_files(&count) else { return [] }
    return unsafe UnsafeBufferPointer(start: first, count: Int(count)).map { file in
      unsafe PageFile(
        path: String(cString: file.path), mediaType: String(cString: file.media_type),
        body: Array(UnsafeBufferPointer(start: file.bytes, count: file.length)))
    }
  }
}

extension ShardConfiguration {
  fileprivate init(
    _ options: TransceiverOptions, _ transceiver: TransceiverID, _ certificate: DtlsIdentity
  ) {
    self.init(
      cluster: options.cluster, transceiver: transceiver, trunkKey: TrunkKey(options.keys.trunk)
    ) { configuration, seed throws(DtlsSetupError) in
      try OpenSslDtls(identity: certificate, configuration: configuration, seed: seed)
    }
    bundleBytesMax = options.bundleBytes
    callsMax = options.maximumCalls
    limits = options.limits
    voiceBitsPerSecond = Int32(options.voiceBitsPerSecond)
    backends = options.backends
    admission = options.admission
  }
}
