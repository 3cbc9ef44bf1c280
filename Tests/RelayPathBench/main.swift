// What the relay's own code costs for each kind of packet, without system calls.
//
//     swift run -c release relay-path-bench                          nanoseconds, best of rounds
//     relay-path-bench KIND COUNT                                    COUNT packets of one kind
//
// The second form is for `tools/instructions`, which counts the instructions of two such runs and
// divides their difference. Figures for people; nothing here asserts them.
import Glibc

let words = CommandLine.arguments.dropFirst()
if words.isEmpty {
  for kind in PacketKind.allCases { report(kind) }
} else {
  guard words.count == 2, let kind = PacketKind(rawValue: words[words.startIndex]),
    let count = Int(words[words.startIndex + 1])
  else {
    let kinds = PacketKind.allCases.map(\.rawValue).joined(separator: "|")
    let usage = "usage: relay-path-bench [\(kinds) COUNT]\n"
    _ = unsafe usage.withCString { unsafe write(2, $0, strlen($0)) }
    exit(2)
  }
  var path = RelayPath(kind)
  path.run(packets: count)
}

/// CPU time of this thread in nanoseconds.
func nanoseconds() -> Int {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

func report(_ kind: PacketKind) {
  var path = RelayPath(kind)
  let packets = 200_000
  var best = Int.max
  for _ in 0..<9 {
    let start = nanoseconds()
    path.run(packets: packets)
    best = min(best, nanoseconds() - start)
  }
  let tenths = best * 10 / packets
  let padding = String(repeating: " ", count: max(1, 44 - kind.title.count))
  print("\(kind.title)\(padding)\(tenths / 10).\(tenths % 10) ns")
}
