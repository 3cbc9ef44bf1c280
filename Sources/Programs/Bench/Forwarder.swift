import Glibc
import Settings

/// The forwarders that `martlet bench relay` compares.
enum Forwarder {
  /// What is compared.
  enum Kind: String, CaseIterable, Sendable {
    case martlet
    /// The same with `--transmit frames`, when packets go down alone.
    case frames = "martlet-frames"
    case c, go, coturn

    /// Whether it is a relay of ours.
    var isOurs: Bool { self == .martlet || self == .frames }
  }

  /// Why the kernel would take no frames from a relay; nil when it would.
  static func refusalOfFrames() -> String? {
    let descriptor = socket(AF_XDP, Int32(SOCK_RAW.rawValue), 0)
    guard descriptor >= 0 else { return "AF_XDP: \(systemErrorText(errno))" }
    close(descriptor)
    return nil
  }
}
