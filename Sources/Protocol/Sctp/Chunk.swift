internal import Wire

/// IANA's chunk types that an association knows.
enum ChunkType {
  static let data: UInt8 = 0
  static let initiation: UInt8 = 1
  static let initiationAck: UInt8 = 2
  static let sack: UInt8 = 3
  static let heartbeat: UInt8 = 4
  static let heartbeatAck: UInt8 = 5
  static let abort: UInt8 = 6
  static let shutdown: UInt8 = 7
  static let shutdownAck: UInt8 = 8
  static let error: UInt8 = 9
  static let cookieEcho: UInt8 = 10
  static let cookieAck: UInt8 = 11
  static let shutdownComplete: UInt8 = 14
  static let reconfiguration: UInt8 = 130
  static let forwardTsn: UInt8 = 192
}

/// IANA's parameter types that an association knows.
enum ParameterType {
  static let stateCookie: UInt16 = 7
  static let unrecognized: UInt16 = 8
  static let outgoingReset: UInt16 = 13
  static let incomingReset: UInt16 = 14
  static let wholeReset: UInt16 = 15
  static let reconfigurationResponse: UInt16 = 16
  static let addOutgoing: UInt16 = 17
  static let addIncoming: UInt16 = 18
  static let supportedExtensions: UInt16 = 0x8008
  static let forwardTsn: UInt16 = 0xC000
}

/// IANA's error causes that an association speaks.
enum ErrorCause {
  static let staleCookie: UInt16 = 3
  static let unrecognizedChunk: UInt16 = 6
  static let userInitiated: UInt16 = 12
  static let protocolViolation: UInt16 = 13
}

/// One chunk, by position in its packet.
struct Chunk {
  let type: UInt8
  let flags: UInt8
  /// What follows the four bytes of header, without padding.
  let body: Range<Int>

  var whole: Range<Int> { body.lowerBound - 4..<body.upperBound }
  /// Where the next chunk starts; past the end of a packet whose last padding is missing.
  var end: Int { (body.upperBound + 3) & ~3 }

  static let firstOffset = 12

  /// The chunk at `offset`; nil when it does not fit the packet.
  init?(in packet: RawSpan, at offset: Int) {
    guard packet.byteCount - offset >= 4 else { return nil }
    let length = Int(packet.u16(at: offset + 2))
    guard length >= 4, length <= packet.byteCount - offset else { return nil }
    type = packet.u8(at: offset)
    flags = packet.u8(at: offset + 1)
    body = offset + 4..<offset + length
  }

  /// How many chunks the packet has; nil when one of them does not fit.
  static func count(in packet: RawSpan) -> Int? {
    var count = 0
    var offset = firstOffset
    while offset < packet.byteCount {
      guard let chunk = Chunk(in: packet, at: offset) else { return nil }
      count += 1
      offset = chunk.end
    }
    return count > 0 ? count : nil
  }
}

/// The parameters (or error causes) in a part of a packet: type, length, value, padding.
struct ParameterWalk {
  struct Parameter {
    let type: UInt16
    let value: Range<Int>

    var whole: Range<Int> { value.lowerBound - 4..<value.upperBound }
  }

  private var offset: Int
  private let end: Int
  /// Whether the walk ended at a parameter that does not fit.
  private(set) var isMalformed = false

  init(_ part: Range<Int>) {
    offset = part.lowerBound
    end = part.upperBound
  }

  mutating func next(in packet: RawSpan) -> Parameter? {
    guard !isMalformed, offset < end else { return nil }
    guard end - offset >= 4, case let length = Int(packet.u16(at: offset + 2)),
      length >= 4, length <= end - offset
    else {
      isMalformed = true
      return nil
    }
    let type = packet.u16(at: offset)
    let value = offset + 4..<offset + length
    offset = (value.upperBound + 3) & ~3
    return Parameter(type: type, value: value)
  }
}

extension RawSpan {
  /// A copy of the bytes of `range`, which is inside.
  func bytes(in range: Range<Int>) -> [UInt8] {
    unsafe extracting(range).withUnsafeBytes { unsafe [UInt8]($0) }
  }
}

extension [UInt8] {
  /// The bytes to read from; the one place that says that UInt8 has no padding.
  var raw: RawSpan { @_lifetime(borrow self) get { unsafe span.bytes } }
}

/// Numbers in network order at the end of an array.
extension [UInt8] {
  mutating func append(u16 value: UInt16) {
    append(UInt8(value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  mutating func append(u32 value: UInt32) {
    append(u16: UInt16(value >> 16))
    append(u16: UInt16(truncatingIfNeeded: value))
  }

  mutating func append(u64 value: UInt64) {
    append(u32: UInt32(value >> 32))
    append(u32: UInt32(truncatingIfNeeded: value))
  }

  /// Appends a parameter or error cause; what was there is padded first.
  mutating func append(parameter type: UInt16, _ value: some Collection<UInt8>) {
    while count & 3 != 0 { append(0) }
    append(u16: type)
    append(u16: UInt16(value.count + 4))
    append(contentsOf: value)
  }

  /// A chunk of this end: header, `body`, padding.
  init(chunk type: UInt8, flags: UInt8 = 0, _ body: [UInt8]) {
    self = [type, flags]
    append(u16: UInt16(body.count + 4))
    append(contentsOf: body)
    while count & 3 != 0 { append(0) }
  }
}
