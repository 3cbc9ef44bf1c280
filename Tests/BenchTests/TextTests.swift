import Settings
import Testing

@testable import Bench

@Suite struct TextTests {
  @Test func figuresHaveThreeDigits() {
    #expect(Number.text(nil) == "-")
    #expect(Number.text(.infinity) == "-")
    #expect(Number.text(1234.5) == "1235")
    #expect(Number.text(12.345) == "12.3")
    #expect(Number.text(1.2345) == "1.23")
    #expect(Number.text(0.0456) == "0.046")
    #expect(Number.fixed(-0.004, digits: 2) == "0.00")
    #expect(Number.fixed(-1.5, digits: 1) == "-1.5")
    #expect(Number.fixed(0.05, digits: 2) == "0.05")
  }

  @Test func columnsOfNumbersStandRight() {
    var table = TextTable(["name", "ns"])
    table.add(["a", "1000"])
    table.add(["long one", "7"])
    #expect(table.text == "name        ns\n--------  ----\na         1000\nlong one     7")
  }

  @Test func whatToCompareWithIsAList() {
    let kind = ValueKind<[Forwarder.Kind]>.forwarders
    #expect(kind.read("go,c") == [.go, .c])
    #expect(kind.read("coturn") == [.coturn])
    #expect(kind.read("none") == [])
    for text in ["", "martlet", "go,", "go,go", "rust"] { #expect(kind.read(text) == nil) }
  }
}
