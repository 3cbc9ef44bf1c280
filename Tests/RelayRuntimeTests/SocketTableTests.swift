import RelayCore
import Testing

@testable import RelayRuntime

/// Which of a loop's sockets is for what, whatever their order.
@Suite struct SocketTableTests {
  private func listener(_ number: Int) -> RelayListener {
    RelayListener(number: number, transport: .udp, versions: .both)
  }

  /// The number of the listener that the socket at `index` is for, nil for none.
  private func number(_ table: borrowing SocketTable, _ index: UInt16) -> UInt8? {
    if case .listener(let listener) = table.use(of: index) { listener.number } else { nil }
  }

  @Test func numbersAreNotIndexes() {
    var table = SocketTable(socketsMax: 4)
    table.add(.listener(listener(63)), at: 0)
    table.add(.trunk, at: 1)
    table.add(.listener(listener(2)), at: 3)
    let numbers = [number(table, 0), number(table, 1), number(table, 2), number(table, 3)]
    #expect(numbers == [63, nil, nil, 2])
    let indexes = [table.index(for: 63), table.index(for: 2), table.trunk]
    #expect(indexes == [0, 3, 1])
    guard case .trunk = table.use(of: 1), case .none = table.use(of: 2) else {
      Issue.record("the trunk's socket is one, and the third none")
      return
    }
  }

  /// A second socket of a listener would take its answers away from the first.
  @Test func aListenerHasOneSocket() async {
    await #expect(processExitsWith: .failure) {
      var table = SocketTable(socketsMax: 2)
      let listener = RelayListener(number: 1, versions: .ipv4)
      table.add(.listener(listener), at: 0)
      table.add(.listener(listener), at: 1)
    }
  }

  @Test func nothingLeavesByAListenerThatIsNotThere() async {
    await #expect(processExitsWith: .failure) {
      let table = SocketTable(socketsMax: 1)
      _ = table.index(for: 0)
    }
  }
}
