import CTraffic
import Wire

/// Datagrams, prepared so that nothing but sending is left to do in a run.
@safe final class Traffic {
  /// The bytes of all datagrams; senders may write times of sending into them.
  let image: UnsafeMutablePointer<UInt8>
  let datagrams: UnsafeMutablePointer<ct_datagram>
  let count: Int
  /// Packets in one datagram.
  let packetsEach: Int
  /// Bytes of the first datagram; most loads have all of one length.
  let bytesEach: Int

  /// One datagram to be.
  struct Item {
    var bytes: [UInt8]
    var source: TransportAddress
    /// A port of 127.0.0.1.
    var port: UInt16
  }

  init(_ items: [Item], packetsEach: Int = 1) {
    precondition(!items.isEmpty)
    count = items.count
    self.packetsEach = packetsEach
    bytesEach = items[0].bytes.count
    unsafe image = .allocate(capacity: items.reduce(0) { $0 + $1.bytes.count })
    unsafe datagrams = .allocate(capacity: items.count)
    var offset = 0
    for (index, item) in items.enumerated() {
      unsafe (image + offset).initialize(from: item.bytes, count: item.bytes.count)
      unsafe (datagrams + index).initialize(
        to: ct_datagram(
          offset: UInt32(offset), length: UInt16(item.bytes.count), port: item.port,
          destination: Site.home, source: item.source.ipv4, source_port: item.source.port))
      offset += item.bytes.count
    }
  }

  deinit {
    unsafe image.deallocate()
    unsafe datagrams.deallocate()
  }
}
