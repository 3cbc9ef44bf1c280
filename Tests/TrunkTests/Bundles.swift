import Trunk
import Wire

/// One client packet as tests write and read it.
struct Packet: Equatable {
  var frame: TrunkFrame
  var payload: [UInt8]
}

let header = TrunkHeader(
  kind: .up, cluster: 0x0102, transceiver: TransceiverID(rawValue: 0x03_0405), ingress: 0x0607)
let key = TrunkKey([UInt8](0..<16))!
let ipv4 = TransportAddress("192.0.2.1:5000")!
let ipv6 = TransportAddress("[2001:db8::1]:6000")!

/// A sealed bundle of `packets`, which must fit.
func bundle(
  _ packets: [Packet], header: TrunkHeader = header, key: TrunkKey? = key, mtu: Int = 8_900
) -> [UInt8] {
  var buffer = [UInt8](repeating: 0xEE, count: mtu)
  return unsafe buffer.withUnsafeMutableBytes { buffer in
    var writer = unsafe BundleWriter(into: buffer, header)
    for packet in packets {
      let fits = unsafe packet.payload.withUnsafeBytes { unsafe writer.append(packet.frame, $0) }
      precondition(fits, "the test's bundle is too large")
    }
    writer.seal(key)
    return unsafe Array(writer.datagram)
  }
}

func open(_ bytes: [UInt8], _ key: TrunkKey? = key) -> TrunkVerdict {
  unsafe TrunkDatagram.open(bytes.span.bytes, key)
}

/// All packets of a bundle; nil when it is malformed somewhere.
func packets(_ bytes: [UInt8]) -> [Packet]? {
  var result: [Packet] = []
  var offset = TrunkHeader.bytes
  while true {
    switch unsafe TrunkDatagram.nextFrame(bytes.span.bytes, at: offset) {
    case .frame(let frame, let payload):
      result.append(Packet(frame: frame, payload: Array(bytes[payload.offset..<payload.end])))
      offset = payload.end
    case .end: return result
    case .malformed: return nil
    }
  }
}
