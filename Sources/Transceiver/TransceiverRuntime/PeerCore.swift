import CWeb
import Runtime
import Signalling
import Wire

/// What a `PeerHub`'s thread works on: the connections to other nodes.
@safe final class PeerCore {
  /// Connections at once; more requests are answered as if their owner could not be reached.
  private static let connectionsMax: UInt32 = 512
  /// Long enough for a node of the same cluster; the client waits for twice as long.
  private static let connectSeconds: UInt32 = 5
  /// What a client may send before the connection behind it stands, bytes.
  private static let earlyBytesMax = 1 << 20

  @safe private final class Connection {
    enum Purpose {
      /// A request; the bytes of the answer so far.
      case request(UInt64, [UInt8])
      case sideband(WebSocketID)
    }

    var purpose: Purpose
    var socket: OpaquePointer?
    var isOpen = false
    /// What waits until it is open.
    var early: [(bytes: [UInt8], isText: Bool)] = []

    init(_ purpose: Purpose) { self.purpose = purpose }
  }

  private let letters: Mailbox<PeerHub.Letter>
  private let toPeers: ByteAllowance
  private let fromPeers: ByteAllowance
  private let tell: (PeerHub.News) -> Void
  private var connections: [UInt: Connection] = [:]
  private var sidebands: [WebSocketID: Connection] = [:]
  private var lastNumber: UInt = 0
  var client: OpaquePointer?

  init(
    _ letters: Mailbox<PeerHub.Letter>, _ toPeers: ByteAllowance, _ fromPeers: ByteAllowance,
    tell: @escaping (PeerHub.News) -> Void
  ) {
    self.letters = letters
    self.toPeers = toPeers
    self.fromPeers = fromPeers
    self.tell = tell
  }

  // MARK: - Letters

  private func readMail() {
    for letter in letters.collect() {
      switch letter {
      case .ask(let number, let address, let request):
        toPeers.give(request.count)
        let connection = Connection(.request(number, []))
        connection.early = [(request, false)]
        open(connection, address, path: nil, fields: [])
      case .attach(let socket, let address, let path, let fields):
        let connection = Connection(.sideband(socket))
        sidebands[socket] = connection
        open(connection, address, path: path, fields: fields)
      case .send(let socket, let bytes, let isText):
        toPeers.give(bytes.count)
        if let connection = sidebands[socket] { send(bytes, isText, by: connection) }
      case .close(let socket):
        if let connection = sidebands.removeValue(forKey: socket),
          let socket = unsafe connection.socket
        {
          unsafe ws_socket_close(socket, 1_000, "")
        }
      }
    }
  }

  /// - Parameter path: of a WebSocket; nil: a stream.
  private func open(
    _ connection: Connection, _ address: TransportAddress, path: String?, fields: [PeerHub.Field]
  ) {
    lastNumber &+= 1
    connections[lastNumber] = connection
    var error = ws_error()
    let made = unsafe PeerTarget(address, path, fields).withTarget { target in
      unsafe ws_client_open(
        client, target, UnsafeMutableRawPointer(bitPattern: lastNumber), &error)
    }
    guard let socket = unsafe made else {
      connections[lastNumber] = nil
      return fail(connection, code: 1_013, "the transceiver that owns this call is not there")
    }
    // The connection may have come and gone before this returned.
    if connections[lastNumber] != nil { unsafe connection.socket = socket }
  }

  private func send(_ bytes: [UInt8], _ isText: Bool, by connection: Connection) {
    guard connection.isOpen, let socket = unsafe connection.socket else {
      let waiting = connection.early.reduce(bytes.count) { $0 + $1.bytes.count }
      if waiting <= Self.earlyBytesMax { return connection.early.append((bytes, isText)) }
      return cutOff(connection)
    }
    if unsafe !ws_socket_send(socket, bytes, bytes.count, isText) { cutOff(connection) }
  }

  /// Events may not be lost in silence.
  private func cutOff(_ connection: Connection) {
    if let socket = unsafe connection.socket { unsafe ws_socket_close(socket, 1_013, "") }
    fail(connection, code: 1_013, "too many events wait to be sent")
  }

  /// Tells the end of a connection, once.
  private func fail(_ connection: Connection, code: UInt16, _ reason: String) {
    switch connection.purpose {
    case .request(let number, let bytes): tell(.answered(number, ApiResponse(forwarded: bytes)))
    case .sideband(let socket):
      guard sidebands.removeValue(forKey: socket) != nil else { return }
      tell(.closed(socket, code: code, reason: reason))
    }
  }

  // MARK: - Sockets

  private func connection(of socket: OpaquePointer) -> Connection? {
    connections[UInt(bitPattern: unsafe ws_socket_context(socket))]
  }

  private func opened(_ socket: OpaquePointer) {
    guard let connection = unsafe connection(of: socket) else { return }
    unsafe connection.socket = socket
    connection.isOpen = true
    let early = connection.early
    connection.early = []
    for (bytes, isText) in early { send(bytes, isText, by: connection) }
  }

  private func received(_ bytes: [UInt8], isText: Bool, by socket: OpaquePointer) {
    guard let connection = unsafe connection(of: socket) else { return }
    switch connection.purpose {
    case .request(let number, var answer):
      guard answer.count + bytes.count <= ApiResponse.forwardedBytesMax else {
        return unsafe ws_socket_close(socket, 1_009, "")
      }
      connection.purpose = .request(0, [])
      answer += bytes
      connection.purpose = .request(number, answer)
    case .sideband(let id):
      guard sidebands[id] != nil else { return }
      fromPeers.add(bytes.count)
      tell(.message(id, bytes, isText: isText))
    }
  }

  private func mayRead(_ socket: OpaquePointer) -> Bool { fromPeers.hasRoom }

  private func ended(_ socket: OpaquePointer, _ ending: ws_ending) {
    let number = UInt(bitPattern: unsafe ws_socket_context(socket))
    guard let connection = connections.removeValue(forKey: number) else { return }
    unsafe connection.socket = nil
    if !connection.isOpen, ending.http_status >= 400, ending.http_status < 600 {
      // The owner refused; our side of the handshake is over, so a close code has to say it.
      return fail(
        connection, code: 4_000 + ending.http_status,
        "the owner of the call answered \(ending.http_status)")
    }
    let isSayable =
      ending.by_peer && (1_000...1_013).contains(ending.code)
      && ![1_004, 1_005, 1_006].contains(ending.code)
    fail(
      connection, code: isSayable ? ending.code : 1_013,
      isSayable ? ending.sentence : "the transceiver that owns this call is not there")
  }

  // MARK: - The C client

  /// What the C client is told at its start; the callbacks lead back here. The core must outlive
  /// it.
  var options: ws_client_options {
    var options = unsafe ws_client_options()
    unsafe options.sockets_max = Self.connectionsMax
    unsafe options.timeout_seconds = Self.connectSeconds
    unsafe options.context = Unmanaged.passUnretained(self).toOpaque()
    unsafe options.on_wake = { context in
      guard let context = unsafe context else { return }
      unsafe PeerCore.at(context).readMail()
    }
    unsafe options.events.on_open = { context, socket in
      guard let context = unsafe context, let socket = unsafe socket else { return }
      unsafe PeerCore.at(context).opened(socket)
    }
    unsafe options.events.on_message = { context, socket, bytes, length, isText in
      guard let context = unsafe context, let socket = unsafe socket else { return }
      let message = unsafe Array(UnsafeBufferPointer(start: bytes, count: length))
      unsafe PeerCore.at(context).received(message, isText: isText, by: socket)
    }
    unsafe options.events.may_read = { context, socket in
      guard let context = unsafe context, let socket = unsafe socket else { return true }
      return unsafe PeerCore.at(context).mayRead(socket)
    }
    unsafe options.events.on_close = { context, socket, ending in
      guard let context = unsafe context, let socket = unsafe socket,
        let ending = unsafe ending
      else { return }
      unsafe PeerCore.at(context).ended(socket, ending.pointee)
    }
    return unsafe options
  }

  private static func at(_ context: UnsafeMutableRawPointer) -> PeerCore {
    unsafe Unmanaged<PeerCore>.fromOpaque(context).takeUnretainedValue()
  }
}

extension ws_ending {
  /// For people; of the peer's making.
  fileprivate var sentence: String {
    unsafe withUnsafeBytes(of: reason) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
