import COpus

/// One libopus decoder, mono (RFC 6716). Memory is taken at creation only.
@safe package struct OpusDecoder: ~Copyable {
  /// Of the sound that comes out, whatever rate the packets were encoded at.
  package let rate: PcmRate
  private let decoder: OpaquePointer

  /// The longest packet holds 120 ms (RFC 6716, section 3.1).
  package static let packetMillisecondsMax = 120

  /// Traps when memory is exhausted; no argument can be wrong.
  package init(rate: PcmRate) {
    self.rate = rate
    var status: Int32 = 0
    let created = unsafe opus_decoder_create(rate.rawValue, 1, &status)
    guard status == 0, let created = unsafe created else {
      preconditionFailure("out of memory for an Opus decoder")
    }
    unsafe decoder = created
  }

  deinit {
    unsafe opus_decoder_destroy(decoder)
  }

  /// Decodes a packet; returns samples written, nil for bytes that are not Opus or do not fit.
  package mutating func decode(
    _ packet: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Int16>
  ) -> Int? {
    guard packet.count > 0 else { return nil }
    return unsafe run(packet, into: output, sampleCount: output.count, fec: 0)
  }

  /// Decodes what `packet` says about the frame before it (in-band FEC); conceals when it says
  /// nothing. Fills `sampleCount`, a multiple of 2.5 ms.
  package mutating func recover(
    from packet: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Int16>,
    sampleCount: Int
  ) -> Int? {
    unsafe run(packet, into: output, sampleCount: sampleCount, fec: 1)
  }

  /// Makes up `sampleCount` samples, a multiple of 2.5 ms, from what came before.
  package mutating func conceal(
    into output: UnsafeMutableBufferPointer<Int16>, sampleCount: Int
  ) -> Int? {
    precondition(sampleCount <= output.count, "no room for the concealment")
    let count = unsafe opus_decode(decoder, nil, 0, output.baseAddress!, Int32(sampleCount), 0)
    return count > 0 ? Int(count) : nil
  }

  /// Forgets what came before: the next packet begins a stream.
  package mutating func reset() {
    _ = unsafe martlet_opus_reset_decoder(decoder)
  }

  private mutating func run(
    _ packet: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Int16>,
    sampleCount: Int, fec: Int32
  ) -> Int? {
    precondition(sampleCount <= output.count, "no room for the packet")
    let bytes = unsafe packet.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let count = unsafe opus_decode(
      decoder, bytes, Int32(packet.count), output.baseAddress!, Int32(sampleCount), fec)
    return count > 0 ? Int(count) : nil
  }
}
