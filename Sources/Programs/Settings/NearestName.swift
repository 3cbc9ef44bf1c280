/// The candidate that differs from `name` in the fewest typed characters, if it is close enough to
/// be what was meant: at most one difference for every three characters.
package func nearestName(to name: String, among candidates: [String]) -> String? {
  let typed = Array(name.utf8)
  let ranked = candidates.map { (distance: editDistance(typed, Array($0.utf8)), name: $0) }
  guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
  return best.distance * 3 <= max(typed.count, best.name.utf8.count) ? best.name : nil
}

/// Insertions, deletions and replacements that turn one text into the other (Levenshtein).
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var row = Array(0...right.count)
  for (leftIndex, leftByte) in left.enumerated() {
    var diagonal = row[0]
    row[0] = leftIndex + 1
    for (rightIndex, rightByte) in right.enumerated() {
      let replaced = diagonal + (leftByte == rightByte ? 0 : 1)
      diagonal = row[rightIndex + 1]
      row[rightIndex + 1] = min(replaced, diagonal + 1, row[rightIndex] + 1)
    }
  }
  return row[right.count]
}
