import CWeb
import Glibc

extension HubCore {
  /// What the C client is told at its start; the callbacks lead back here. The core outlives it.
  var settings: ws_client_options {
    var settings = unsafe ws_client_options()
    unsafe settings.sockets_max = connectionsMax
    unsafe settings.timeout_seconds = ServiceHub.connectSeconds
    unsafe settings.limits = ws_limits(
      message_bytes_max: ServiceHub.messageBytesMax, assembly_bytes_max: 128 << 20,
      queue_bytes_max: ServiceHub.queueBytesMax, rate_bytes: 2 << 20, burst_bytes: 4 << 20,
      ping_milliseconds: 0, silence_milliseconds: 0)
    unsafe settings.context = Unmanaged.passUnretained(self).toOpaque()
    unsafe settings.events.on_open = { context, socket in
      guard let context = unsafe context, let socket = unsafe socket else { return }
      unsafe HubCore.at(context).opened(socket)
    }
    unsafe settings.events.on_message = { context, socket, bytes, length, isText in
      guard let context = unsafe context, let socket = unsafe socket else { return }
      let message = unsafe Array(UnsafeBufferPointer(start: bytes, count: length))
      unsafe HubCore.at(context).received(message, isText: isText, by: socket)
    }
    unsafe settings.events.on_close = { context, socket, ending in
      guard let context = unsafe context, let socket = unsafe socket,
        let ending = unsafe ending
      else { return }
      unsafe HubCore.at(context).ended(socket, ending.pointee)
    }
    unsafe settings.events.may_read = { context, socket in
      guard let context = unsafe context, let socket = unsafe socket else { return true }
      return unsafe HubCore.at(context).mayRead(socket)
    }
    unsafe settings.on_wake = { context in
      guard let context = unsafe context else { return }
      unsafe HubCore.at(context).readMail()
    }
    return unsafe settings
  }

  private static func at(_ context: UnsafeMutableRawPointer) -> HubCore {
    unsafe Unmanaged<HubCore>.fromOpaque(context).takeUnretainedValue()
  }
}

/// C strings that live until `free`.
@safe struct CStrings {
  private var made: [UnsafeMutablePointer<CChar>] = unsafe []

  mutating func add(_ text: String) -> UnsafePointer<CChar>? {
    guard let copy = unsafe strdup(text) else { return nil }
    unsafe made.append(copy)
    return unsafe UnsafePointer(copy)
  }

  mutating func free() {
    for index in unsafe made.indices { unsafe Glibc.free(made[index]) }
    unsafe made = unsafe []
  }
}
