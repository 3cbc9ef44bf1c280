import Srtp

/// Packets of one direction of a call from its master key, as the RFCs say and as slowly.
struct ReferenceSender {
  let profile: SrtpProfile
  let rtp: Keys
  let rtcp: Keys

  /// Session keys of RTP or RTCP.
  struct Keys {
    let cipher: [UInt8]
    /// None under GCM.
    let authentication: [UInt8]
    let salt: [UInt8]
  }

  /// `master` is the key, then the salt.
  init(_ profile: SrtpProfile, master: [UInt8]) {
    self.init(
      profile, rtp: Self.keys(profile, master: master, firstLabel: 0),
      rtcp: Self.keys(profile, master: master, firstLabel: 3))
  }

  init(_ profile: SrtpProfile, rtp: Keys, rtcp: Keys) {
    self.profile = profile
    self.rtp = rtp
    self.rtcp = rtcp
  }

  /// RFC 3711, section 4.3.2: the labels of cipher key, authentication key and salt in a row.
  static func keys(_ profile: SrtpProfile, master: [UInt8], firstLabel: UInt8) -> Keys {
    let (key, salt) = (Array(master.prefix(16)), Array(master.dropFirst(16)))
    func derive(_ label: UInt8, _ count: Int) -> [UInt8] {
      Reference.derive(key: key, salt: salt, label: firstLabel + label, count: count)
    }
    return Keys(
      cipher: derive(0, 16),
      authentication: profile == .aeadAes128Gcm ? [] : derive(1, 20),
      salt: derive(2, salt.count))
  }

  /// The SRTP packet of an RTP packet of `index` (48 bits).
  func protect(_ packet: [UInt8], index: UInt64) -> [UInt8] {
    let (source, rollovers) = (packet[8..<12], Array(Reference.octets(index >> 16).suffix(4)))
    let header = Array(packet.prefix(Self.headerByteCount(packet)))
    let payload = Array(packet.dropFirst(header.count))
    if profile == .aeadAes128Gcm {
      let nonce = [0, 0] + source + rollovers + packet[2..<4]
      return header + Reference.seal(rtp, nonce: nonce, payload, associated: header)
    }
    let encrypted =
      header + Reference.counterMode(rtp, source, Reference.octets(index).suffix(6), payload)
    return encrypted
      + Reference.hmacSha1(key: rtp.authentication, encrypted + rollovers).prefix(10)
  }

  /// The SRTCP packet of a compound RTCP packet, encrypted; `index` has 31 bits.
  func protectControl(_ packet: [UInt8], index: UInt32) -> [UInt8] {
    let (source, number) = (packet[4..<8], Array(Reference.octets(UInt64(index)).suffix(4)))
    let (header, payload) = (Array(packet.prefix(8)), Array(packet.dropFirst(8)))
    let trailer = [number[0] | 0x80] + number[1...]
    if profile == .aeadAes128Gcm {
      let nonce = [0, 0] + source + [0, 0] + number
      return header + Reference.seal(rtcp, nonce: nonce, payload, associated: header + trailer)
        + trailer
    }
    let signed =
      header + Reference.counterMode(rtcp, source, [0, 0] + number, payload) + trailer
    return signed + Reference.hmacSha1(key: rtcp.authentication, signed).prefix(10)
  }

  /// RFC 3550, sections 5.1 and 5.3.1.
  private static func headerByteCount(_ packet: [UInt8]) -> Int {
    let sources = 12 + 4 * Int(packet[0] & 0x0F)
    guard packet[0] & 0x10 != 0 else { return sources }
    return sources + 4 + 4 * (Int(packet[sources + 2]) << 8 | Int(packet[sources + 3]))
  }
}

extension Reference {
  /// RFC 7714, sections 8.1 and 9.1: the nonce is masked by the salt.
  fileprivate static func seal(
    _ keys: ReferenceSender.Keys, nonce: [UInt8], _ plain: [UInt8], associated: [UInt8]
  ) -> [UInt8] {
    seal(
      key: keys.cipher, nonce: zip(nonce, keys.salt).map { $0 ^ $1 }, plain,
      associated: associated)
  }

  /// RFC 3711, section 4.1.1; `index` has six bytes.
  fileprivate static func counterMode(
    _ keys: ReferenceSender.Keys, _ source: ArraySlice<UInt8>, _ index: ArraySlice<UInt8>,
    _ plain: [UInt8]
  ) -> [UInt8] {
    let mask = [0, 0, 0, 0] + source + index + [0, 0]
    let block = zip(keys.salt + [0, 0], mask).map { $0 ^ $1 }
    return zip(plain, keystream(key: keys.cipher, from: block, count: plain.count)).map { $0 ^ $1 }
  }
}
