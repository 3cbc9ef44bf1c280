import Testing
import Wire

@testable import Voice

@Suite struct PieceTests {
  @Test func `every table of contents and every length gives a packet libopus agrees with`() {
    var decoder = OpusDecoder(rate: .hertz8000)
    var random = SeededRandom(seed: 4)
    var pcm = [Int16](repeating: 0, count: 960)
    for contents in UInt8.min...UInt8.max {
      for length in 1...24 {
        var bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        bytes[0] = contents
        let packet = unsafe bytes.withUnsafeBytes { unsafe OpusPacket($0) }
        let decoded = unsafe bytes.withUnsafeBytes { source in
          unsafe pcm.withUnsafeMutableBufferPointer { unsafe decoder.decode(source, into: $0) }
        }
        guard let decoded else { continue }
        #expect(packet?.durationUnits == Int64(decoded) * 6, "\(contents) in \(length)")
      }
    }
    #expect(unsafe OpusPacket(UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
  }

  @Test(arguments: PcmRate.allCases)
  func `a tone is shortened and stretched by whole periods`(rate: PcmRate) {
    for hertz in [150.0, 440, 1_000] {
      for isShorter in [true, false] {
        var tone = ToneGenerator(hertz: hertz, level: -12, rate: rate)
        var sound = [Int16](repeating: 0, count: rate.frameSampleCount * 3)
        unsafe sound.withUnsafeMutableBufferPointer { unsafe tone.fill($0) }
        let count = rate.frameSampleCount
        let scaled = unsafe sound.withUnsafeMutableBufferPointer { buffer in
          unsafe isShorter
            ? TimeScaler.shorten(buffer.baseAddress!, count: count, rate: rate)
            : TimeScaler.stretch(buffer.baseAddress!, count: count, rate: rate)
        }
        let change = abs(scaled - count)
        #expect(isShorter ? scaled < count : scaled > count)
        #expect(count / 8...count / 2 ~= change)
        let periods = Double(change) * hertz / Double(rate.rawValue)
        #expect(abs(periods - periods.rounded()) < 0.07, "\(periods)")
        expectSmooth(sound[0..<scaled], hertz: hertz, rate: rate)
      }
    }
  }

  /// No step between neighbours is larger than the tone itself makes.
  private func expectSmooth(_ sound: ArraySlice<Int16>, hertz: Double, rate: PcmRate) {
    let steepest = 8_231 * 2 * Double.pi * hertz / Double(rate.rawValue)
    for (before, after) in zip(sound, sound.dropFirst()) {
      #expect(abs(Double(after) - Double(before)) < steepest * 1.25 + 2)
    }
  }

  @Test func `noise is left as it is, quiet noise is not`() {
    var random = SeededRandom(seed: 2)
    var loud = (0..<320).map { _ in Int16(truncatingIfNeeded: random.next()) / 4 }
    var quiet = loud.map { $0 / 200 }
    unsafe loud.withUnsafeMutableBufferPointer {
      #expect(unsafe TimeScaler.shorten($0.baseAddress!, count: 320, rate: .hertz16000) == 320)
    }
    unsafe quiet.withUnsafeMutableBufferPointer {
      #expect(unsafe TimeScaler.shorten($0.baseAddress!, count: 320, rate: .hertz16000) < 320)
    }
  }

  @Test func `the pool gives back what was put in and never loses a block`() {
    var pool = PacketPool()
    let free = pool.freeCount
    var random = SeededRandom(seed: 1)
    var held: [(handle: UInt16, bytes: [UInt8])] = []
    var target = [UInt8](repeating: 0, count: PacketPool.payloadByteCountMax)
    for step in 0..<5_000 {
      let length = 1 + Int(random.next() % UInt64(PacketPool.payloadByteCountMax))
      if PacketPool.blocks(for: length) <= pool.freeCount {
        let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: length)
        held.append((unsafe bytes.withUnsafeBytes { unsafe pool.store($0) }, bytes))
      } else {
        let (handle, bytes) = held.remove(at: Int(random.next() % UInt64(held.count)))
        unsafe target.withUnsafeMutableBytes {
          unsafe pool.load(handle, byteCount: bytes.count, into: $0)
        }
        #expect(Array(target[0..<bytes.count]) == bytes)
        pool.remove(handle, byteCount: bytes.count)
      }
    }
    for (handle, bytes) in held { pool.remove(handle, byteCount: bytes.count) }
    #expect(pool.freeCount == free)
  }
}
