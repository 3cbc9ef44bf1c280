import Srtp
import Testing

@Suite struct SrtpContextTests {
  @Test(arguments: SrtpProfile.allCases)
  func whatOneEndProtectsTheOtherReads(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    for sequence in UInt16(7)...60 {
      let packet = rtp(sequence: sequence)
      var protected = sender.protect(packet)
      #expect(protected.count == packet.count + profile.tagByteCount)
      #expect(protected[12...].prefix(80) != packet[12...])
      #expect(receiver.unprotect(&protected) == .ok)
      #expect(protected == packet)
    }
  }

  /// libsrtp's own reference packets: they fix the key derivation, the keystream and the tag of RFC
  /// 3711 and RFC 7714 at once.
  @Test(arguments: [
    (
      SrtpProfile.aes128CmSha1Tag80,
      "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
      "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb",
      "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"
    ),
    (
      .aeadAes128Gcm, "000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab",
      "800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392",
      "81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001"
    ),
  ])
  func theReferencePacketsComeOutAsPublished(
    profile: SrtpProfile, master: String, media: String, control: String
  ) throws {
    let keys = try #require(
      SrtpKeys(profile: profile, local: bytes(master), remote: bytes(master)))
    let context = try #require(SrtpContext(keys: keys))
    let payload = [UInt8](repeating: 0xAB, count: 16)
    let packet = bytes("800f1234decafbadcafebabe") + payload
    var protected = context.protect(packet)
    #expect(protected == bytes(media))
    #expect(context.unprotect(&protected) == .ok)
    #expect(protected == packet)
    let report = bytes("81c8000bcafebabe") + payload
    var protectedReport = context.protectControl(report)
    #expect(protectedReport == bytes(control))
    #expect(context.unprotectControl(&protectedReport) == .ok)
    #expect(protectedReport == report)
  }

  /// All sources and a long extension: under GCM they are associated data.
  @Test(arguments: SrtpProfile.allCases) func aLongHeaderIsTaken(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    let packet =
      [0x9F] + rtp(sequence: 1)[1..<12] + [UInt8](repeating: 3, count: 60) + [0xBE, 0xDE, 0, 200]
      + [UInt8](repeating: 4, count: 800) + [5, 6, 7]
    var protected = sender.protect(packet)
    #expect(receiver.unprotect(&protected) == .ok)
    #expect(protected == packet)
  }

  @Test func keysOfTheWrongLengthAreNone() {
    for profile in SrtpProfile.allCases {
      let count = profile.masterByteCount
      for wrong in [0, count - 1, count + 1] {
        let (good, bad) = ([UInt8](repeating: 1, count: count), [UInt8](repeating: 1, count: wrong))
        #expect(SrtpKeys(profile: profile, local: bad, remote: good) == nil)
        #expect(SrtpKeys(profile: profile, local: good, remote: bad) == nil)
      }
    }
  }

  @Test(arguments: SrtpProfile.allCases) func aReplayIsRefused(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    let protected = (UInt16(1)...400).map { sender.protect(rtp(sequence: $0)) }
    func take(_ number: Int) -> SrtpStatus {
      var copy = protected[number - 1]
      return receiver.unprotect(&copy)
    }
    #expect(take(300) == .ok)
    #expect(take(300) == .replayed)
    #expect(take(251) == .ok)
    #expect(take(251) == .replayed)
    #expect(take(6) == .old)
    #expect(take(301) == .ok)
  }

  @Test(arguments: SrtpProfile.allCases)
  func aForgedPacketIsRefusedAndChangesNothing(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    for sequence in UInt16(1)...20 {
      let protected = sender.protect(rtp(sequence: sequence))
      for position in protected.indices where position != 0 {
        var forged = protected
        forged[position] ^= 0x01
        #expect(receiver.unprotect(&forged) != .ok)
      }
      var honest = protected
      #expect(receiver.unprotect(&honest) == .ok)
    }
    // One that is far ahead must not drag the replay window along.
    var ahead = sender.protect(rtp(sequence: 21))
    ahead[2] = 0x70
    #expect(receiver.unprotect(&ahead) == .authentication)
    var next = sender.protect(rtp(sequence: 22))
    #expect(receiver.unprotect(&next) == .ok)
  }

  @Test(arguments: SrtpProfile.allCases)
  func otherKeysAreRefused(profile: SrtpProfile) throws {
    let (sender, _) = try makePair(profile)
    let (_, stranger) = try makePair(profile, salt: 9)
    var protected = sender.protect(rtp(sequence: 1))
    #expect(stranger.unprotect(&protected) == .authentication)
  }

  /// 65,536 numbers and more, three in ten lost, around every wrap.
  @Test(arguments: SrtpProfile.allCases) func theRollOverSurvivesLoss(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    var sequence: UInt16 = 0x7F00
    var random: UInt64 = 12_345
    for index in 0..<140_000 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let nearWrap = sequence > 0xFF00 || sequence < 0x0100
      defer { sequence &+= 1 }
      // libsrtp is slow beside a counter: away from the wraps one packet in 50 will do.
      guard nearWrap || index % 50 == 0 else { continue }
      let packet = rtp(sequence: sequence)
      var protected = sender.protect(packet)
      guard random >> 33 % 10 >= 3 else { continue }
      #expect(receiver.unprotect(&protected) == .ok, "\(index)")
      #expect(protected == packet)
    }
  }

  @Test(arguments: SrtpProfile.allCases)
  func aPeerCannotGrowTheStreamsWithoutEnd(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    for source in UInt8(1)...UInt8(SrtpContext.sourcesMaximum) {
      var protected = sender.protect(rtp(sequence: 1, source: source))
      #expect(receiver.unprotect(&protected) == .ok)
    }
    var surplus = sender.protect(rtp(sequence: 1, source: 99))
    #expect(receiver.unprotect(&surplus) == .unknownSource)
    var known = sender.protect(rtp(sequence: 2, source: 1))
    #expect(receiver.unprotect(&known) == .ok)
    var report = sender.protectControl(rtcp(source: 98))
    #expect(receiver.unprotectControl(&report) == .unknownSource)
  }

  @Test func unauthenticatedSourcesDoNotUseUpThePlaces() throws {
    let (sender, receiver) = try makePair(.aeadAes128Gcm)
    for source in UInt8(1)...200 {
      var noise = rtp(sequence: 1, source: source) + [UInt8](repeating: 3, count: 16)
      #expect(receiver.unprotect(&noise) == .authentication)
    }
    var honest = sender.protect(rtp(sequence: 1, source: 201))
    #expect(receiver.unprotect(&honest) == .ok)
  }
}

@Suite struct SrtcpTests {
  @Test(arguments: SrtpProfile.allCases)
  func whatOneEndProtectsTheOtherReads(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    for _ in 0..<20 {
      var protected = sender.protectControl(rtcp())
      #expect(protected.count == rtcp().count + 4 + profile.tagByteCount)
      #expect(receiver.unprotectControl(&protected) == .ok)
      #expect(protected == rtcp())
    }
  }

  @Test(arguments: SrtpProfile.allCases) func aReplayIsRefused(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    let protected = sender.protectControl(rtcp())
    var (first, second) = (protected, protected)
    #expect(receiver.unprotectControl(&first) == .ok)
    #expect(receiver.unprotectControl(&second) == .replayed)
  }

  @Test(arguments: SrtpProfile.allCases)
  func oneThatIsNotEncryptedIsRefused(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    var protected = sender.protectControl(rtcp())
    let index =
      profile == .aeadAes128Gcm ? protected.count - 4 : protected.count - 4 - profile.tagByteCount
    #expect(protected[index] & 0x80 != 0)
    protected[index] &= 0x7F
    #expect(receiver.unprotectControl(&protected) == .unencrypted)
  }

  @Test(arguments: SrtpProfile.allCases)
  func aForgedOneIsRefusedAndChangesNothing(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    let protected = sender.protectControl(rtcp())
    for position in protected.indices where position != 0 {
      var forged = protected
      forged[position] ^= 0x01
      #expect(receiver.unprotectControl(&forged) != .ok)
    }
    var honest = protected
    #expect(receiver.unprotectControl(&honest) == .ok)
  }
}

@Suite struct SrtpSweepTests {
  /// Every length, of protected packets and of noise: refused, never a trap.
  @Test(arguments: SrtpProfile.allCases) func everyLength(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    let media = sender.protect(rtp(sequence: 1))
    let control = sender.protectControl(rtcp())
    let extended: [UInt8] = [0x9F, 111] + [UInt8](repeating: 0xFF, count: 200)
    for whole in [media, control, extended] {
      for count in 0..<whole.count {
        var (one, two) = (Array(whole.prefix(count)), Array(whole.prefix(count)))
        #expect(receiver.unprotect(&one) != .ok)
        #expect(receiver.unprotectControl(&two) != .ok)
      }
    }
    var (honestMedia, honestControl) = (media, control)
    #expect(receiver.unprotect(&honestMedia) == .ok)
    #expect(receiver.unprotectControl(&honestControl) == .ok)
  }
}
