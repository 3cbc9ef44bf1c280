import CPacketLoop
import Settings
import Wire

/// The process that keeps others from a port.
struct PortHolder: CustomStringConvertible {
  private let process: Int32
  private let name: String

  /// `martlet-relay (pid 4711)`.
  var description: String { "\(name) (pid \(process))" }

  /// Who holds the port of `address`; nil when nobody does, or when we may not see who.
  static func find(_ address: TransportAddress, _ transport: PortCheck.Transport) -> PortHolder? {
    var wanted = pl_address()
    var halves = (address.high.bigEndian, address.low.bigEndian)
    unsafe withUnsafeMutableBytes(of: &wanted.ip) { target in
      unsafe withUnsafeBytes(of: &halves) { unsafe target.copyMemory(from: $0) }
    }
    wanted.port = address.port
    var holder = pl_port_holder()
    let kind = transport == .tcp ? PL_TCP : PL_UDP
    guard unsafe pl_port_find_holder(kind, &wanted, &holder), holder.process > 0 else {
      return nil
    }
    return PortHolder(process: holder.process, name: programName(holder))
  }

  /// The program's name from its command line, because the kernel's own short form ends after 15
  /// characters; that form where the command line is hidden.
  private static func programName(_ holder: pl_port_holder) -> String {
    if let line = try? FileContents.read("/proc/\(holder.process)/cmdline") {
      let words = line.split(separator: 0, maxSplits: 1)
      let name = words.first?.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
      if !name.isEmpty { return String(decoding: name, as: UTF8.self) }
    }
    var short = holder.name
    return unsafe withUnsafeBytes(of: &short) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
