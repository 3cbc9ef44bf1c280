import Backends
import CWeb
import Runtime

/// What the hub's thread works on: the connections behind the lines.
@safe final class HubCore {
  @safe private final class Connection {
    let line: ServiceLine
    var socket: OpaquePointer?
    /// Addresses of the host that were not tried yet.
    var untried: ArraySlice<String>
    var isOpen = false

    init(_ line: ServiceLine, _ addresses: [String]) {
      self.line = line
      untried = addresses[...]
    }
  }

  private let options: ServiceOptions
  private let mailbox: Mailbox<ServiceHub.Letter>
  private let lookup: HostLookup
  /// By the number of the line; a line that has told its end is not among them.
  private var connections: [UInt64: Connection] = [:]
  private var waiting: [ServiceLine] = []
  private let waker: HubWaker
  /// nil when there is none any more: nothing is opened then, and no end is told.
  var client: OpaquePointer?

  init(_ options: ServiceOptions, _ mailbox: Mailbox<ServiceHub.Letter>, _ waker: HubWaker) {
    self.options = options
    self.waker = waker
    self.mailbox = mailbox
    lookup = HostLookup(options.endpoint.host)
  }

  var connectionsMax: UInt32 { UInt32(clamping: options.connectionsMax) }

  // MARK: - Letters

  func readMail() {
    for letter in mailbox.collect() {
      switch letter {
      case .open(let line): open(line)
      case .send(let line, let message): send(message, by: line)
      case .close(let line): close(line)
      case .fail(let line, let reason):
        if let connection = connections[line.number] { fail(connection, reason) }
      case .found(let answer): resume(answer)
      }
    }
  }

  private func open(_ line: ServiceLine) {
    if lookup.isFresh { return connect(line) }
    waiting.append(line)
    lookup.begin { [mailbox, waker] answer in
      mailbox.post(.found(answer))
      waker.wake()
    }
  }

  private func resume(_ answer: HostLookup.Answer) {
    lookup.finish(answer)
    let lines = waiting
    waiting = []
    for line in lines {
      if lookup.addresses.isEmpty {
        line.deliver(line, .failed("the service's host cannot be found: \(answer.reason)"))
      } else {
        connect(line)
      }
    }
  }

  private func connect(_ line: ServiceLine) {
    let connection = Connection(line, lookup.addresses)
    connections[line.number] = connection
    tryNext(connection, after: "it has no address")
  }

  private func send(_ message: ServiceMessage, by line: ServiceLine) {
    line.outgoing.give(message.bytes.count)
    guard let connection = connections[line.number], let socket = unsafe connection.socket else {
      return
    }
    let stalled = unsafe ws_socket_stalled_milliseconds(socket)
    if stalled >= options.stallMilliseconds {
      return fail(connection, "it has read nothing for \(stalled) ms")
    }
    let queued = unsafe ws_socket_queued(socket)
    if message.isAudio, queued > ServiceHub.audioQueueBytesMax { return line.noteDropped() }
    let isTaken = unsafe ws_socket_send(
      socket, message.bytes, message.bytes.count, message.isText)
    if isTaken { return }
    if message.isAudio { return line.noteDropped() }
    fail(connection, "it does not read what it is sent")
  }

  private func fail(_ connection: Connection, _ reason: String) {
    shut(connection, code: 1_011, reason: reason)
    connection.line.deliver(connection.line, .failed(reason))
  }

  private func close(_ line: ServiceLine) {
    waiting.removeAll { $0 === line }
    if let connection = connections[line.number] { shut(connection, code: 1_000, reason: "") }
  }

  /// Ends the socket, if there is one, and forgets the line: nothing more is told of it.
  private func shut(_ connection: Connection, code: UInt16, reason: String) {
    connections[connection.line.number] = nil
    if let socket = unsafe connection.socket { unsafe ws_socket_close(socket, code, reason) }
  }

  // MARK: - Sockets

  private func tryNext(_ connection: Connection, after failure: String) {
    var reason = failure
    while let address = connection.untried.popFirst() {
      var error = ws_error()
      unsafe connection.socket = unsafe makeSocket(connection.line.number, address, &error)
      if unsafe connection.socket != nil { return }
      reason = error.sentence
    }
    connections[connection.line.number] = nil
    connection.line.deliver(connection.line, .failed(reason))
  }

  private func makeSocket(
    _ number: UInt64, _ address: String, _ error: inout ws_error
  ) -> OpaquePointer? {
    let endpoint = options.endpoint
    let bearer = options.key.map { "Bearer \($0.text)" }
    var strings = CStrings()
    defer { strings.free() }
    var fields = unsafe [ws_field(name: strings.add("User-Agent"), value: strings.add("martlet"))]
    if let bearer {
      unsafe fields.append(
        ws_field(name: strings.add("Authorization"), value: strings.add(bearer)))
    }
    var target = unsafe ws_target()
    unsafe target.is_stream = endpoint.scheme == .tcp
    unsafe target.is_tls = endpoint.scheme == .wss
    unsafe target.address = strings.add(address)
    unsafe target.port = endpoint.port
    unsafe target.host = strings.add(endpoint.authority)
    unsafe target.path = strings.add(endpoint.path)
    return unsafe fields.withUnsafeBufferPointer { fields in
      unsafe target.fields = fields.baseAddress
      unsafe target.field_count = UInt32(fields.count)
      let mark = unsafe UnsafeMutableRawPointer(bitPattern: UInt(number))
      return unsafe ws_client_open(client, &target, mark, &error)
    }
  }

  private func connection(of socket: OpaquePointer) -> Connection? {
    connections[UInt64(UInt(bitPattern: unsafe ws_socket_context(socket)))]
  }

  func opened(_ socket: OpaquePointer) {
    guard let connection = unsafe connection(of: socket) else { return }
    connection.isOpen = true
    connection.line.deliver(connection.line, .opened)
  }

  func received(_ bytes: [UInt8], isText: Bool, by socket: OpaquePointer) {
    guard let line = unsafe connection(of: socket)?.line else { return }
    line.hold(bytes.count)
    line.deliver(line, .message(bytes, isText: isText))
  }

  func mayRead(_ socket: OpaquePointer) -> Bool {
    guard let line = unsafe connection(of: socket)?.line else { return true }
    return line.incoming.hasRoom && line.allIncoming.hasRoom
  }

  func ended(_ socket: OpaquePointer, _ ending: ws_ending) {
    guard unsafe client != nil, let connection = unsafe connection(of: socket) else { return }
    unsafe connection.socket = nil
    if !connection.isOpen {
      return tryNext(connection, after: failure(ending))
    }
    connections[connection.line.number] = nil
    let isOrderly = ending.by_peer && [1_000, 1_001, 1_005].contains(ending.code)
    if isOrderly || options.endpoint.scheme == .tcp && ending.sentence.isEmpty {
      connection.line.deliver(connection.line, .closed(told(ending)))
    } else {
      connection.line.deliver(connection.line, .failed(failure(ending)))
    }
  }

  /// What the service says of the end. It reaches logs and clients, so it must not hold the key.
  private func told(_ ending: ws_ending) -> String {
    let words = ending.sentence
    return options.key?.isRepeated(in: words) ?? false ? "(not repeated here)" : words
  }

  private func failure(_ ending: ws_ending) -> String {
    if ending.http_status != 0, ending.http_status != 101 {
      return "it answered \(ending.http_status)"
    }
    let words = told(ending)
    if ending.by_peer { return "it closed with \(ending.code)\(words.isEmpty ? "" : ": \(words)")" }
    return words.isEmpty ? "the connection broke" : words
  }
}

extension ws_ending {
  /// What a person needs to know: of the peer's making.
  var sentence: String {
    unsafe withUnsafeBytes(of: reason) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

extension ws_error {
  var sentence: String {
    unsafe withUnsafeBytes(of: text) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
