import CPacketLoop
import Glibc
import Testing

/// A folder that looks like /sys, removed with its last reference.
final class FakeSysfs {
  let root: String
  private var made: [String]

  init(_ files: [String: String]) throws {
    var template = Array("/tmp/martlet-sysfs-XXXXXX".utf8CString)
    root = unsafe template.withUnsafeMutableBufferPointer { buffer in
      unsafe String(cString: mkdtemp(buffer.baseAddress!))
    }
    made = [root]
    for (name, text) in files {
      var folder = root
      for part in name.split(separator: "/").dropLast() {
        folder += "/" + part
        if unsafe mkdir(folder, 0o700) == 0 { made.append(folder) }
      }
      guard let file = unsafe fopen(root + "/" + name, "w") else {
        throw SetUpError(description: "cannot write \(name)")
      }
      made.append(root + "/" + name)
      unsafe fputs(text, file)
      unsafe fclose(file)
    }
  }

  deinit {
    for path in made.reversed() { unsafe remove(path) }
  }
}

/// Which CPUs and nodes there are.
@Suite struct PlacementTests {
  func topology(_ root: String?) throws -> [[Int16]] {
    let topology = UnsafeMutablePointer<pl_topology>.allocate(capacity: 1)
    defer { unsafe topology.deallocate() }
    var error = pl_error()
    guard unsafe pl_topology_read(root, topology, &error) == 0 else {
      throw SetUpError(description: error.sentence)
    }
    let count = unsafe Int(topology.pointee.count)
    return unsafe withUnsafeBytes(of: &topology.pointee.cpus) { bytes in
      unsafe bytes.bindMemory(to: pl_cpu.self).prefix(count).map { [$0.cpu, $0.node] }
    }
  }

  @Test func twoNodesWithHoles() throws {
    let sysfs = try FakeSysfs([
      "devices/system/cpu/online": "0-2,5,8-9\n",
      "devices/system/node/node0/cpulist": "0-1,8\n",
      "devices/system/node/node1/cpulist": "\n",
      "devices/system/node/node3/cpulist": "2,5,9\n",
    ])
    #expect(try topology(sysfs.root) == [[0, 0], [1, 0], [2, 3], [5, 3], [8, 0], [9, 3]])
  }

  @Test func aKernelWithoutNuma() throws {
    let sysfs = try FakeSysfs(["devices/system/cpu/online": "0-1\n"])
    #expect(try topology(sysfs.root) == [[0, 0], [1, 0]])
  }

  @Test(arguments: ["x", "1-", "3-1", "1;2", "-1"])
  func aListThatIsNone(text: String) throws {
    let sysfs = try FakeSysfs(["devices/system/cpu/online": text + "\n"])
    #expect(throws: SetUpError.self) { try topology(sysfs.root) }
  }

  @Test func aMissingFolderIsNamed() throws {
    let error = #expect(throws: SetUpError.self) { try topology("/nowhere") }
    #expect(error?.description.contains("/nowhere/devices/system/cpu") == true)
  }

  /// The machine itself: a thread can be kept on each CPU that is listed.
  @Test func pinning() throws {
    let cpus = try topology(nil).map { $0[0] }
    #expect(!cpus.isEmpty)
    var results: [(status: Int32, allowed: String)] = []
    let thread = try OtherThread {
      for cpu in cpus { results.append((pl_pin_to_cpu(Int32(cpu)), Self.allowedCpus())) }
      results.append((pl_pin_to_cpu(-1), ""))
      results.append((pl_pin_to_cpu(1_000_000), ""))
    }
    thread.start()
    thread.join()
    #expect(results.map(\.status) == cpus.map { _ in 0 } + [EINVAL, EINVAL])
    #expect(results.map(\.allowed) == cpus.map { "\($0)" } + ["", ""])
  }

  /// Where the calling thread may run, in the kernel's words.
  static func allowedCpus() -> String {
    guard let file = unsafe fopen("/proc/thread-self/status", "r") else { return "" }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 4_096)
    while unsafe fgets(&line, Int32(line.count), file) != nil {
      let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      let text = String(decoding: bytes, as: UTF8.self)
      if text.hasPrefix("Cpus_allowed_list:") {
        return text.dropFirst(18).filter { !$0.isWhitespace }
      }
    }
    return ""
  }
}
