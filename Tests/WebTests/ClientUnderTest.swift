import CWeb
import Glibc
import Synchronization

/// A client under test with its thread. What it is asked to open is opened on that thread.
@safe final class ClientUnderTest: @unchecked Sendable {
  let record = SocketRecord()
  private let client: OpaquePointer
  private var thread = pthread_t()

  init(caFile: String? = nil, limits: ws_limits = ws_limits(), timeoutSeconds: UInt32 = 60) throws {
    var options = unsafe ws_client_options()
    unsafe options.timeout_seconds = timeoutSeconds
    unsafe options.limits = limits
    unsafe options.context = Unmanaged.passUnretained(record).toOpaque()
    unsafe options.events = SocketRecord.events
    unsafe options.on_wake = { context in
      let record = unsafe Unmanaged<SocketRecord>.fromOpaque(context!).takeUnretainedValue()
      for job in record.takeJobs() { job() }
    }
    var error = ws_error()
    var made: OpaquePointer?
    if let caFile {
      unsafe made = unsafe caFile.withCString { file in
        unsafe options.ca_file = file
        return unsafe ws_client_create(&options, &error)
      }
    } else {
      unsafe made = unsafe ws_client_create(&options, &error)
    }
    guard let client = unsafe made else {
      let text = unsafe withUnsafeBytes(of: error.text) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw ServerUnderTest.Failure(number: error.number, text: text)
    }
    unsafe self.client = unsafe client
    let target = unsafe UnsafeMutableRawPointer(client)
    unsafe pthread_create(
      &thread, nil,
      { client in
        unsafe ws_client_run(OpaquePointer(client!))
        return nil
      }, target)
  }

  deinit {
    unsafe ws_client_stop(client)
    pthread_join(thread, nil)
    unsafe ws_client_destroy(client)
  }

  /// Opens a socket and sends `first` at once; what follows is in `record`.
  func open(
    port: UInt16, path: String = "/ws", host: String = "localhost", isStream: Bool = false,
    isTls: Bool = false, protocols: String? = nil, fields: [(String, String)] = [],
    first: [[UInt8]] = []
  ) {
    let client = unsafe UInt(bitPattern: self.client)
    record.add { [record] in
      var error = ws_error()
      let socket = unsafe Self.open(
        OpaquePointer(bitPattern: client)!, port, path, host, isStream, isTls, protocols, fields,
        &error)
      guard let socket = unsafe socket else {
        let text = unsafe withUnsafeBytes(of: error.text) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return record.note("not opened: \(text)")
      }
      for message in first { unsafe ws_socket_send(socket, message, message.count, true) }
    }
    unsafe ws_client_wake(self.client)
  }

  private static func open(
    _ client: OpaquePointer, _ port: UInt16, _ path: String, _ host: String, _ isStream: Bool,
    _ isTls: Bool, _ protocols: String?, _ fields: [(String, String)], _ error: inout ws_error
  ) -> OpaquePointer? {
    var words = ["127.0.0.1", path, host]
    for (name, value) in fields { words += [name, value] }
    let texts = unsafe words.map { unsafe strdup($0) }
    let offered = unsafe protocols.map { unsafe strdup($0) }
    defer {
      for index in words.indices { unsafe free(texts[index]) }
      unsafe free(offered ?? nil)
    }
    let kept = unsafe fields.indices.map {
      unsafe ws_field(name: texts[3 + 2 * $0], value: texts[4 + 2 * $0])
    }
    return unsafe kept.withUnsafeBufferPointer { kept in
      var target = unsafe ws_target()
      unsafe target.is_stream = isStream
      unsafe target.is_tls = isTls
      unsafe target.address = UnsafePointer(texts[0])
      unsafe target.port = port
      unsafe target.path = UnsafePointer(texts[1])
      unsafe target.host = UnsafePointer(texts[2])
      unsafe target.protocols = UnsafePointer(offered ?? nil)
      unsafe target.fields = kept.baseAddress
      unsafe target.field_count = UInt32(kept.count)
      return unsafe ws_client_open(client, &target, nil, &error)
    }
  }
}

/// A TCP listener that answers each connection with fixed bytes, for servers that are none.
@safe final class FixedReplyServer: @unchecked Sendable {
  private let listener = Listener()
  private var thread = pthread_t()
  private let reply: [UInt8]
  private let requests = Mutex<[String]>([])

  var port: UInt16 { listener.port }
  var seen: [String] { requests.withLock { $0 } }

  /// - Parameter connections: how many it serves; then it ends.
  init(_ reply: String, connections: Int = 1) {
    self.reply = Array(reply.utf8)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<FixedReplyServer>.fromOpaque(context!).takeUnretainedValue().serve()
        return nil
      }, context)
  }

  private func serve() {
    while true {
      let client = accept(listener.descriptor, nil, nil)
      if client < 0 { return }
      var bytes = [UInt8](repeating: 0, count: 65_536)
      let count = unsafe recv(client, &bytes, bytes.count, 0)
      let text = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
      requests.withLock { $0.append(text) }
      _ = unsafe send(client, reply, reply.count, Int32(MSG_NOSIGNAL))
      shutdown(client, Int32(SHUT_WR))
      _ = unsafe recv(client, &bytes, bytes.count, 0)
      close(client)
    }
  }

  deinit {
    shutdown(listener.descriptor, Int32(SHUT_RDWR))
    pthread_join(thread, nil)
  }
}
