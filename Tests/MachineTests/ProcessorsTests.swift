import Machine
import TestSupport
import Testing

/// CPUs, nodes and what this process may use, on machines that are presented as folders.
@Suite struct ProcessorsTests {
  private func read(_ files: [String: String]) throws -> Processors? {
    let machine = try FakeMachine(files)
    return Processors(MachineFiles(root: machine.root))
  }

  @Test func twoNodesWithHolesAndACPUThatIsNotOurs() throws {
    let processors = try #require(try read(FakeMachine.twoNodes))
    #expect(processors.online.map(\.cpu) == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15])
    #expect(processors.online.map(\.node) == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1])
    #expect(processors.allowed.map(\.cpu) == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 15])
    #expect(processors.nodes == [0, 1])
    #expect(processors[15] == Processor(cpu: 15, node: 1, core: 7, cache: 4))
    #expect(processors[6] == nil)
  }

  @Test func nearness() throws {
    let processors = try #require(try read(FakeMachine.twoNodes))
    func distance(_ one: Int, _ other: Int) throws -> Int {
      processors.distance(try #require(processors[one]), try #require(processors[other]))
    }
    #expect(try distance(4, 4) == 0)
    #expect(try distance(4, 12) == 1)
    #expect(try distance(4, 5) == 2)
    #expect(try distance(4, 0) == 25 && distance(0, 4) == 25)
  }

  @Test func aMemoryNodeAndNodesThatAreNotInOrder() throws {
    let processors = try #require(
      try read([
        "sys/devices/system/cpu/online": "0-2,5,8-9\n",
        "sys/devices/system/node/node0/cpulist": "0-1,8\n",
        "sys/devices/system/node/node1/cpulist": "\n",
        "sys/devices/system/node/node3/cpulist": "2,5,9\n",
        "sys/devices/system/node/nodes/cpulist": "0\n",
      ]))
    #expect(processors.online.map(\.node) == [0, 0, 3, 3, 0, 3])
    #expect(processors.allowed == processors.online)
  }

  @Test func aKernelWithoutNuma() throws {
    let processors = try #require(try read(["sys/devices/system/cpu/online": "0-1\n"]))
    #expect(processors.online == [Processor(cpu: 0, node: 0), Processor(cpu: 1, node: 0)])
    #expect(processors.distance(processors.online[0], processors.online[1]) == 2)
  }

  @Test(arguments: ["x\n", "1-\n", "\n", ""]) func aListThatIsNone(text: String) throws {
    #expect(try read(["sys/devices/system/cpu/online": text]) == nil)
  }

  /// Texts of any length in place of each file: nothing traps, and nobody is left without a CPU.
  @Test func brokenFiles() throws {
    let machine = try FakeMachine(FakeMachine.twoNodes)
    for name in FakeMachine.twoNodes.keys.sorted() where !name.hasSuffix("cpu/online") {
      for text in ["", "\n", "4", "4-", "-", String(repeating: "9,", count: 40_000), "\u{7F}"] {
        try machine.with(name, text) {
          let processors = try #require(Processors(MachineFiles(root: machine.root)))
          #expect(!processors.allowed.isEmpty)
        }
      }
    }
  }

  @Test func thisMachine() throws {
    let processors = try #require(Processors(MachineFiles()))
    #expect(!processors.allowed.isEmpty)
  }
}
