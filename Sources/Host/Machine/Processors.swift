/// A CPU as the scheduler numbers them, and what it shares with others.
package struct Processor: Equatable, Sendable {
  /// N of /sys/devices/system/cpu/cpuN.
  package let cpu: Int
  /// Its NUMA node; 0 on a machine without NUMA.
  package let node: Int
  /// The lowest CPU of the same core (its hardware threads).
  package let core: Int
  /// The lowest CPU under the same last-level cache.
  package let cache: Int

  /// A CPU that shares nothing smaller than its node with others, unless told.
  package init(cpu: Int, node: Int, core: Int? = nil, cache: Int? = nil) {
    self.cpu = cpu
    self.node = node
    self.core = core ?? cpu
    self.cache = cache ?? -1 - node
  }
}

/// The CPUs that are online, which of them this process may use, and how far apart they are.
package struct Processors: Sendable {
  /// The CPUs that are online, ascending. There may be holes between their numbers.
  package let online: [Processor]
  /// Those on which this process may run (affinity, cpuset), ascending; never empty.
  package let allowed: [Processor]
  /// distance[a][b] of two nodes, 10 for the same one (the firmware's SLIT).
  private let distances: [Int: [Int: Int]]

  /// A machine that is known. Without any CPU in `allowed` that is online, all may be used.
  package init(online: [Processor], allowed: [Int]? = nil, distances: [Int: [Int: Int]] = [:]) {
    self.online = online
    let usable = online.filter { allowed?.contains($0.cpu) ?? true }
    self.allowed = usable.isEmpty ? online : usable
    self.distances = distances
  }

  /// Reads the machine; nil when it does not tell which CPUs are online.
  package init?(_ files: MachineFiles) {
    let system = "/sys/devices/system"
    guard let list = files.line(system + "/cpu/online"), let cpus = CPUList.parse(list),
      !cpus.isEmpty
    else { return nil }
    let nodes = files.numbers(in: system + "/node", after: "node")
    var nodeOfCPU: [Int: Int] = [:]
    for node in nodes {
      // A node of memory alone has an empty list; a kernel without NUMA has no folder at all.
      let members = files.line(system + "/node/node\(node)/cpulist").flatMap(CPUList.parse)
      for cpu in members ?? [] { nodeOfCPU[cpu] = node }
    }
    let online = cpus.map { cpu in
      let folder = system + "/cpu/cpu\(cpu)"
      let threads = files.line(folder + "/topology/thread_siblings_list").flatMap(CPUList.parse)
      let sharing = files.line(folder + "/cache/index3/shared_cpu_list").flatMap(CPUList.parse)
      return Processor(
        cpu: cpu, node: nodeOfCPU[cpu] ?? 0, core: threads?.first, cache: sharing?.first)
    }
    self.init(
      online: online,
      allowed: files.ownStatus("Cpus_allowed_list").flatMap(CPUList.parse),
      distances: Self.distances(files, nodes))
  }

  /// Each node's file has one figure for each node, in the order of their numbers.
  private static func distances(_ files: MachineFiles, _ nodes: [Int]) -> [Int: [Int: Int]] {
    var distances: [Int: [Int: Int]] = [:]
    for node in nodes {
      let line = files.line("/sys/devices/system/node/node\(node)/distance") ?? ""
      let figures = line.split(separator: " ").compactMap { Int($0) }
      guard figures.count == nodes.count else { continue }
      distances[node] = Dictionary(uniqueKeysWithValues: zip(nodes, figures))
    }
    return distances
  }

  /// The online CPU of this number.
  package subscript(cpu: Int) -> Processor? { online.first { $0.cpu == cpu } }

  /// The nodes that have CPUs, ascending.
  package var nodes: [Int] { Set(online.map(\.node)).sorted() }

  /// How far two CPUs are apart: 0 for one and the same, 1 for a core, 2 for a cache, 3 for a node,
  /// more for two nodes, by their distance. Only good for comparing.
  package func distance(_ one: Processor, _ other: Processor) -> Int {
    if one.cpu == other.cpu { return 0 }
    if one.node != other.node { return 4 + (distances[one.node]?[other.node] ?? 20) }
    if one.core == other.core { return 1 }
    return one.cache == other.cache ? 2 : 3
  }
}
