import Glibc

/// A folder that looks like a machine's /sys and /proc, removed with its last reference.
package final class FakeMachine {
  /// What stands in front of `/sys` and `/proc`.
  package let root: String
  private var made: [String]

  package struct Failure: Error { let path: String }

  /// Writes `files`, by their paths without the slash in front; a text that begins with `->` makes
  /// a symbolic link, one that ends with a slash a folder alone.
  package init(_ files: [String: String]) throws {
    var template = Array("/tmp/martlet-machine-XXXXXX".utf8CString)
    root = unsafe template.withUnsafeMutableBufferPointer { buffer in
      unsafe String(cString: mkdtemp(buffer.baseAddress!))
    }
    made = [root]
    for (name, text) in files { try add(name, text) }
  }

  /// Calls `body` while the file `name` says `text`; then it says what it said before.
  package func with(_ name: String, _ text: String, _ body: () throws -> Void) throws {
    let path = root + "/" + name
    guard unsafe rename(path, path + ".away") == 0 else { throw Failure(path: path) }
    defer { unsafe rename(path + ".away", path) }
    try add(name, text)
    made.removeLast()
    try body()
  }

  private func add(_ name: String, _ text: String) throws {
    var folder = root
    for part in name.split(separator: "/").dropLast(name.hasSuffix("/") ? 0 : 1) {
      folder += "/" + part
      if unsafe mkdir(folder, 0o700) == 0 { made.append(folder) }
    }
    if name.hasSuffix("/") { return }
    let path = root + "/" + name
    if text.hasPrefix("->") {
      guard unsafe symlink(String(text.dropFirst(2)), path) == 0 else { throw Failure(path: path) }
    } else {
      guard let file = unsafe fopen(path, "w") else { throw Failure(path: path) }
      unsafe fputs(text, file)
      unsafe fclose(file)
    }
    made.append(path)
  }

  deinit {
    for path in made.sorted(by: >) { unsafe remove(path) }
  }
}

extension FakeMachine {
  /// The files of a machine with two nodes: CPUs 0-3 and 8-11 on node 0, 4-7 and 12-15 on node 1
  /// (n + 8 is the other thread of n's core), without 6 and 14, which are offline; the process may
  /// run on all of them but 5. `eth1`, the address of nothing, sits on node 1: four queues that
  /// interrupt CPUs 4, 5, 7 and 12. `eth0` sits on node 0: two queues on 0 and 1.
  package static var twoNodes: [String: String] {
    var files = [
      "sys/devices/system/cpu/online": "0-5,7-13,15\n",
      "sys/devices/system/node/node0/cpulist": "0-3,8-11\n",
      "sys/devices/system/node/node0/distance": "10 21\n",
      "sys/devices/system/node/node1/cpulist": "4-5,7,12-13,15\n",
      "sys/devices/system/node/node1/distance": "21 10\n",
      "proc/self/status": "Name:\tx\nCapEff:\t0000000000000000\nCpus_allowed_list:\t0-4,6-15\n",
      "proc/sys/net/core/rmem_max": "212992\n",
    ]
    for cpu in [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15] {
      let folder = "sys/devices/system/cpu/cpu\(cpu)/"
      files[folder + "topology/thread_siblings_list"] = "\(cpu % 8),\(cpu % 8 + 8)\n"
      files[folder + "cache/index3/shared_cpu_list"] = cpu % 8 < 4 ? "0-3,8-11\n" : "4-7,12-15\n"
    }
    files.merge(interface("eth0", node: 0, interrupts: [30, 31], cpus: ["0", "1"])) { $1 }
    files.merge(
      interface("eth1", node: 1, interrupts: [40, 41, 42, 43], cpus: ["4", "5", "7", "12"])
    ) { $1 }
    return files
  }

  /// The files of a network interface with one queue for each interrupt.
  package static func interface(
    _ name: String, node: Int, interrupts: [Int], cpus: [String]
  ) -> [String: String] {
    let folder = "sys/class/net/\(name)/"
    var files = [
      folder + "operstate": "up\n", folder + "threaded": "0\n",
      folder + "device/numa_node": "\(node)\n",
    ]
    for (queue, (interrupt, cpus)) in zip(interrupts, cpus).enumerated() {
      files[folder + "queues/rx-\(queue)/rps_cpus"] = "0000\n"
      files[folder + "queues/tx-\(queue)/xps_cpus"] = "\(String(1 << queue, radix: 16))\n"
      files[folder + "device/msi_irqs/\(interrupt)"] = "msix\n"
      files["sys/kernel/irq/\(interrupt)/actions"] = "\(name)-TxRx-\(queue)\n"
      files["proc/irq/\(interrupt)/effective_affinity_list"] = cpus + "\n"
      files["proc/irq/\(interrupt)/smp_affinity_list"] = "0-15\n"
    }
    return files
  }
}
