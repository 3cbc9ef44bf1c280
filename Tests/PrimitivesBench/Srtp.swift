import Srtp

/// Packets of one measurement: enough that reading the clock is nothing, few enough for a cache.
private let packetCount = 500
private let packetByteCount = 120
private let roomByteCount = packetByteCount + SrtpContext.overheadByteCount

/// A packet of voice of 120 bytes protected, and taken apart, with either cryptography.
func measureSrtp() {
  for profile in SrtpProfile.allCases {
    for cryptography in SrtpCryptography.allCases {
      let name = "\(profile.name), \(cryptography == .libcrypto ? "libcrypto" : "as shipped")"
      guard let (protect, unprotect) = srtpNanoseconds(profile, cryptography) else {
        fatalError("\(name): there is no SRTP")
      }
      say("\(name): protect", tenths: protect * 10 / packetCount)
      say("\(name): unprotect", tenths: unprotect * 10 / packetCount)
    }
  }
}

/// The shortest times that `packetCount` packets have taken, of 200.
private func srtpNanoseconds(
  _ profile: SrtpProfile, _ cryptography: SrtpCryptography
) -> (protect: Int, unprotect: Int)? {
  let master = [UInt8](repeating: 7, count: profile.masterByteCount)
  guard let keys = SrtpKeys(profile: profile, local: master, remote: master),
    let sender = SrtpContext(keys: keys, cryptography: cryptography),
    let receiver = SrtpContext(keys: keys, cryptography: cryptography)
  else { return nil }
  var shortest = (protect: Int.max, unprotect: Int.max)
  var sequence: UInt16 = 0
  var packets = [UInt8](repeating: 0, count: packetCount * roomByteCount)
  for _ in 0..<200 {
    for number in 0..<packetCount {
      let start = number * roomByteCount
      packets[start] = 0x80
      packets[start + 2] = UInt8(sequence >> 8)
      packets[start + 3] = UInt8(sequence & 255)
      sequence &+= 1
    }
    var good = 0
    unsafe packets.withUnsafeMutableBytes { packets in
      let start = nanoseconds()
      for number in 0..<packetCount {
        var length = packetByteCount
        let packet = unsafe room(number, packets)
        good += unsafe sender.protectRtp(packet, length: &length) == .ok ? 1 : 0
      }
      let middle = nanoseconds()
      for number in 0..<packetCount {
        var length = packetByteCount + profile.tagByteCount
        let packet = unsafe room(number, packets)
        good += unsafe receiver.unprotectRtp(packet, length: &length) == .ok ? 1 : 0
      }
      shortest.protect = min(shortest.protect, middle - start)
      shortest.unprotect = min(shortest.unprotect, nanoseconds() - middle)
    }
    guard good == 2 * packetCount else { return nil }
  }
  return shortest
}

private func room(
  _ number: Int, _ packets: UnsafeMutableRawBufferPointer
) -> UnsafeMutableRawBufferPointer {
  unsafe UnsafeMutableRawBufferPointer(
    rebasing: packets[(number * roomByteCount)..<((number + 1) * roomByteCount)])
}
