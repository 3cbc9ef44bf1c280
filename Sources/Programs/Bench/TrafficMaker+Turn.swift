import Wire

// What clients of a TURN server send (RFC 8656): an allocation, a channel to their transceiver, and
// voice on that channel.
extension TrafficMaker {
  /// Bytes before each packet on a channel: its number and the length (RFC 8656, section 12.4).
  static let channelHeaderBytes = 4
  private static let channel: UInt16 = 0x4000

  private static let allocateRequest = StunMessageType(rawValue: 0x0003)
  private static let channelBindRequest = StunMessageType(rawValue: 0x0009)
  private static let channelNumber: UInt16 = 0x000C
  private static let xorPeerAddress: UInt16 = 0x0012
  private static let requestedTransport: UInt16 = 0x0019

  /// An Allocate request of each client.
  mutating func allocations() -> Traffic {
    toServer { maker, _ in
      maker.request(Self.allocateRequest, [(Self.requestedTransport, [17, 0, 0, 0])])
    }
  }

  /// A ChannelBind request of each client, for the transceiver that owns its call.
  mutating func channels() -> Traffic {
    toServer { maker, port in
      let cookie = StunLimits.magicCookie
      let peer =
        Self.bytes(1, 2) + Self.bytes(UInt32(port ^ UInt16(truncatingIfNeeded: cookie >> 16)), 2)
        + Self.bytes(Site.home ^ cookie, 4)
      let number = Self.bytes(UInt32(Self.channel), 2) + [0, 0]
      return maker.request(
        Self.channelBindRequest, [(Self.channelNumber, number), (Self.xorPeerAddress, peer)])
    }
  }

  /// `packet` as it goes through the channel.
  static func onChannel(_ packet: [UInt8]) -> [UInt8] {
    bytes(UInt32(channel), 2) + bytes(UInt32(packet.count), 2) + packet
  }

  /// The last `count` bytes of a number, in network order.
  private static func bytes(_ value: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt32($0 * 8)) }
  }
}
