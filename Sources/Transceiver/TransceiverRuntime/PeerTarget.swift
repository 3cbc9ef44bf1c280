import CWeb
import Glibc
import Wire

/// A `ws_target` with its strings. Lives for one call of the C client.
@safe final class PeerTarget {
  private var strings: [UnsafeMutablePointer<CChar>] = unsafe []
  private var target = unsafe ws_target()
  private var fields: [ws_field] = unsafe []

  /// - Parameter path: of a WebSocket, with its query; nil: a TCP stream.
  init(_ address: TransportAddress, _ path: String?, _ fields: [PeerHub.Field]) {
    unsafe target.is_stream = path == nil
    unsafe target.address = copy(address.host)
    unsafe target.port = address.port
    unsafe target.host = copy("\(address)")
    unsafe target.path = copy(path ?? "/")
    for field in fields {
      unsafe self.fields.append(ws_field(name: copy(field.name), value: copy(field.value)))
    }
  }

  deinit {
    for index in unsafe strings.indices { unsafe free(strings[index]) }
  }

  private func copy(_ text: String) -> UnsafePointer<CChar>? {
    guard let copy = unsafe strdup(text) else { return nil }
    unsafe strings.append(copy)
    return unsafe UnsafePointer(copy)
  }

  func withTarget<Result>(_ body: (UnsafePointer<ws_target>) -> Result) -> Result {
    unsafe fields.withUnsafeBufferPointer { fields in
      unsafe target.fields = fields.baseAddress
      unsafe target.field_count = UInt32(fields.count)
      return unsafe withUnsafePointer(to: target) { unsafe body($0) }
    }
  }
}
