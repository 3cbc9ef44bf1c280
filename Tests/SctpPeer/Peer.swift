import Glibc
import Sctp
import Wire

/// One association over one UDP socket.
struct Peer {
  private let options: Options
  private let socket: Int32
  private let association: SctpAssociation
  private var random: SeededRandom
  private var input: [UInt8] = []
  /// Messages to send back that found the send buffer full, in order. While there are any, no
  /// event is taken, so the peer's window closes.
  private var waiting: [(stream: UInt16, kind: SctpMessageKind, bytes: [UInt8])] = []
  /// Packets that are overtaken, until when, and whether they are our own.
  private var late: [(due: Instant, isOwn: Bool, bytes: [UInt8])] = []
  private var isOver = false

  init(_ options: Options) {
    self.options = options
    socket = Self.openSocket(to: options.peerPort)
    random = SeededRandom(seed: options.seed)
    var parameters = SctpParameters(streamParity: options.isOdd ? .odd : .even)
    parameters.peerMessageBytesMax = 262_144
    association = SctpAssociation(parameters, random: &random)
  }

  /// Until standard input ends or the association is over.
  mutating func run() {
    if options.starts { association.start(at: now()) }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !isOver {
      let next = late.reduce(association.deadline) { min($0, $1.due) }
      let deadline = next.nanoseconds(since: now()) / 1_000_000
      var descriptors = [
        pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
        pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
      ]
      unsafe poll(&descriptors, 2, Int32(min(deadline + 1, 1_000)))
      if descriptors[0].revents != 0 {
        let count = unsafe recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0, !isLost(), !isLate(buffer[..<count], isOwn: false) { take(buffer[..<count]) }
      }
      passLate()
      if descriptors[1].revents != 0 { takeInput() }
      if association.deadline <= now() { association.handleTimeout(at: now()) }
      drain()
    }
  }

  private func take(_ packet: ArraySlice<UInt8>) {
    let verdict = unsafe association.handle(packet.span.bytes, at: now())
    if verdict != .accepted { tell("refused \(verdict)") }
  }

  private mutating func drain() {
    repeat {
      sendPackets()
      if waiting.isEmpty { takeEvents() } else { sendBack() }
    } while sendPackets()
  }

  @discardableResult
  private mutating func sendPackets() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 2_048)
    var isAny = false
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe association.nextPacket(into: $0, at: now())
      }
      guard let count else { return isAny }
      isAny = true
      if isLost() || isLate(buffer[..<count], isOwn: true) { continue }
      unsafe send(socket, &buffer, count, 0)
    }
  }

  /// Keeps some packets back for as long as some others take.
  private mutating func isLate(_ packet: ArraySlice<UInt8>, isOwn: Bool) -> Bool {
    guard options.latePercent > 0, Int.random(in: 0..<100, using: &random) < options.latePercent
    else { return false }
    let milliseconds = UInt64.random(in: 1...20, using: &random)
    late.append((now().advanced(byMilliseconds: milliseconds), isOwn, Array(packet)))
    return true
  }

  private mutating func passLate() {
    let moment = now()
    let due = late.filter { $0.due <= moment }
    late.removeAll { $0.due <= moment }
    for packet in due {
      if packet.isOwn {
        unsafe send(socket, packet.bytes, packet.bytes.count, 0)
      } else {
        take(packet.bytes[...])
      }
    }
  }

  private mutating func isLost() -> Bool {
    options.lossPercent > 0 && Int.random(in: 0..<100, using: &random) < options.lossPercent
  }

  private mutating func takeEvents() {
    while waiting.isEmpty, let event = association.nextEvent() {
      switch event {
      case .associationUp: tell("up")
      case .channelOpened(let channel): say(channel)
      case .message(let stream, let kind, let bytes):
        let sum = unsafe String(Crc32c.of(bytes.span.bytes), radix: 16)
        tell("message \(stream) \(kind) \(bytes.count) \(sum)")
        if options.echoes {
          waiting.append((stream, kind, bytes))
          sendBack()
        }
      case .channelClosed(let stream): tell("closed \(stream)")
      case .sendBufferFree: tell("free")
      case .associationLost(let loss):
        tell("lost \(loss)")
        isOver = true
      }
    }
  }

  private mutating func sendBack() {
    while let (stream, kind, bytes) = waiting.first {
      let verdict = association.send(bytes, on: stream, kind: kind, at: now())
      if verdict == .full { return }
      if verdict != .queued { tell("not sent back: \(verdict)") }
      waiting.removeFirst()
    }
  }

  private func say(_ channel: SctpChannel) {
    let label = String(decoding: channel.label, as: UTF8.self)
    let subprotocol = String(decoding: channel.subprotocol, as: UTF8.self)
    let order = channel.isOrdered ? "ordered" : "unordered"
    let opener = channel.isOpenedByPeer ? "peer" : "own"
    tell(
      "opened \(channel.stream) \(opener) \(order) \(channel.reliability) \(label)/\(subprotocol)")
  }
}

/// Standard input.
extension Peer {
  private mutating func takeInput() {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe read(0, &buffer, buffer.count)
    guard count > 0 else {
      isOver = true
      return
    }
    input += buffer[..<count]
    while let end = input.firstIndex(of: 10) {
      let line = String(decoding: input[..<end], as: UTF8.self)
      input.removeSubrange(...end)
      obey(line.split(separator: " ").map(String.init))
    }
  }

  private func obey(_ words: [String]) {
    switch words.first {
    case "open": open(Array(words.dropFirst()))
    case "text": sendMessage(words, .text, Array(words.dropFirst(2).joined(separator: " ").utf8))
    case "binary":
      let size = Int(words[2]) ?? 0
      sendMessage(words, .binary, (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })
    case "close": association.close(UInt16(words[1]) ?? 0)
    case "figures": tell("figures \(association.figures)")
    case "shutdown": association.shutDown()
    case "abort": association.abort()
    default: fatalError("what is \(words)?")
    }
  }

  private func sendMessage(_ words: [String], _ kind: SctpMessageKind, _ bytes: [UInt8]) {
    let verdict = association.send(bytes, on: UInt16(words[1]) ?? 0, kind: kind, at: now())
    if verdict != .queued { tell("not sent: \(verdict)") }
  }

  private func open(_ words: [String]) {
    var reliability = SctpReliability.reliable
    if let index = words.firstIndex(of: "retransmissions") {
      reliability = .retransmissions(UInt32(words[index + 1]) ?? 0)
    } else if let index = words.firstIndex(of: "lifetime") {
      reliability = .lifetimeMilliseconds(UInt32(words[index + 1]) ?? 0)
    }
    let verdict = association.open(
      label: words[0].utf8, isOrdered: !words.contains("unordered"), reliability: reliability)
    tell("open \(verdict)")
  }
}

/// The system.
extension Peer {
  private func now() -> Instant {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  /// A socket on a free port of loopback, whose number is the first line of output.
  private static func openSocket(to port: UInt16) -> Int32 {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    precondition(socket >= 0, "no socket")
    let bound = unsafe call(Glibc.bind, socket, port: 0)
    precondition(bound == 0, "no free port")
    let connected = unsafe call(Glibc.connect, socket, port: port)
    precondition(connected == 0, "no peer")
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    unsafe withUnsafeMutableBytes(of: &address) {
      _ = unsafe getsockname(
        socket, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
    }
    tell("port \(UInt16(bigEndian: address.sin_port))")
    return socket
  }

  @unsafe private static func call(
    _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ socket: Int32,
    port: UInt16
  ) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return unsafe withUnsafeBytes(of: &address) {
      unsafe function(
        socket, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
  }
}

/// One line on standard output.
func tell(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = unsafe write(1, bytes, bytes.count)
}
