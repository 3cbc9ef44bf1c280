/// Columns of text; what looks like a number stands right.
struct TextTable: Equatable {
  private(set) var rows: [[String]]

  init(_ titles: [String]) { rows = [titles] }

  mutating func add(_ row: [String]) {
    precondition(row.count == rows[0].count)
    rows.append(row)
  }

  /// Lines without a line end at the end; the titles are underlined.
  var text: String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var lines = rows.map { line($0, widths) }
    lines.insert(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "), at: 1)
    return lines.joined(separator: "\n")
  }

  private func line(_ row: [String], _ widths: [Int]) -> String {
    var cells: [String] = []
    for (column, text) in row.enumerated() {
      let blanks = String(repeating: " ", count: widths[column] - text.count)
      let isNumber = rows.dropFirst().allSatisfy { Self.isNumber($0[column]) }
      cells.append(isNumber ? blanks + text : text + blanks)
    }
    let line = cells.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }

  private static func isNumber(_ text: String) -> Bool {
    text.allSatisfy { $0.isNumber || $0 == "." || $0 == "-" || $0 == "%" || $0 == " " }
  }
}
