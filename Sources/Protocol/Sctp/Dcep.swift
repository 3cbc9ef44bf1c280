internal import Wire

/// Payload protocol identifiers of data channels (RFC 8831, section 8).
enum PayloadProtocol {
  static let dcep: UInt32 = 50
  static let string: UInt32 = 51
  static let binaryPartial: UInt32 = 52
  static let binary: UInt32 = 53
  static let stringPartial: UInt32 = 54
  static let stringEmpty: UInt32 = 56
  static let binaryEmpty: UInt32 = 57

  /// Whether it is a message of a channel, or a part of one.
  static func isData(_ protocolID: UInt32) -> Bool {
    (string...stringPartial).contains(protocolID) || protocolID == stringEmpty
      || protocolID == binaryEmpty
  }
}

/// The two messages of the Data Channel Establishment Protocol (RFC 8832, section 5).
enum DcepMessage: Equatable {
  case open(Open)
  case ack

  struct Open: Equatable {
    var isOrdered: Bool
    var reliability: SctpReliability
    var label: [UInt8]
    var subprotocol: [UInt8]
  }

  /// Longest label, and longest sub-protocol. The RFC allows 65,535; both are kept as long as the
  /// channel is.
  static let nameBytesMax = 1_024

  /// Nil when the bytes are neither message, or a name is too long.
  init?(_ message: RawSpan) {
    guard message.byteCount >= 1 else { return nil }
    switch message.u8(at: 0) {
    case 2: self = .ack
    case 3:
      guard let open = Open(message) else { return nil }
      self = .open(open)
    default: return nil
    }
  }

  var bytes: [UInt8] {
    switch self {
    case .ack: [2]
    case .open(let open): open.bytes
    }
  }
}

extension DcepMessage.Open {
  fileprivate init?(_ message: RawSpan) {
    guard message.byteCount >= 12 else { return nil }
    let labelCount = Int(message.u16(at: 8))
    let subprotocolCount = Int(message.u16(at: 10))
    guard max(labelCount, subprotocolCount) <= DcepMessage.nameBytesMax,
      message.byteCount == 12 + labelCount + subprotocolCount
    else { return nil }
    let parameter = message.u32(at: 4)
    switch message.u8(at: 1) & 0x7F {
    case 0: reliability = .reliable
    case 1: reliability = .retransmissions(parameter)
    case 2: reliability = .lifetimeMilliseconds(parameter)
    default: return nil
    }
    isOrdered = message.u8(at: 1) & 0x80 == 0
    label = message.bytes(in: 12..<12 + labelCount)
    subprotocol = message.bytes(in: 12 + labelCount..<message.byteCount)
  }

  fileprivate var bytes: [UInt8] {
    var type: UInt8 = isOrdered ? 0 : 0x80
    var parameter: UInt32 = 0
    switch reliability {
    case .reliable: break
    case .retransmissions(let count): (type, parameter) = (type | 1, count)
    case .lifetimeMilliseconds(let time): (type, parameter) = (type | 2, time)
    }
    // Priority 256 is "normal" (section 8.1.2 of RFC 8831 leaves it to the application).
    var bytes: [UInt8] = [3, type, 1, 0]
    bytes.append(u32: parameter)
    bytes.append(u16: UInt16(label.count))
    bytes.append(u16: UInt16(subprotocol.count))
    return bytes + label + subprotocol
  }
}
