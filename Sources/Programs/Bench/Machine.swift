import Glibc
import Settings

/// What the figures were measured on.
struct Machine: Equatable, Sendable {
  var processor: String
  var cpus: Int
  var kernel: String
  /// As the distribution calls itself.
  var system: String

  /// The machine that this runs on.
  static func here() -> Machine {
    let processor = field("model name", of: "/proc/cpuinfo", separator: ":")
    let system = field("PRETTY_NAME", of: "/etc/os-release", separator: "=")
    let kernel = text(of: "/proc/sys/kernel/osrelease").split(separator: "\n").first
    return Machine(
      processor: processor ?? "unknown", cpus: Processors.all().count,
      kernel: kernel.map(String.init) ?? "unknown", system: system ?? "unknown")
  }

  private static func text(of path: String) -> String {
    (try? FileContents.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// What stands behind `name` in the first line that begins with it, without blanks and quotes.
  private static func field(_ name: String, of path: String, separator: Character) -> String? {
    for line in text(of: path).split(separator: "\n") where line.hasPrefix(name) {
      guard let place = line.firstIndex(of: separator) else { continue }
      let value = line[line.index(after: place)...]
      return String(value.drop { $0 == " " || $0 == "\"" }.prefix { $0 != "\"" })
    }
    return nil
  }

  /// One line.
  var text: String { "\(processor), \(cpus) CPUs, \(system), kernel \(kernel)" }
}
