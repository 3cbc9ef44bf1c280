import Machine
import Testing

@Suite struct CPUListTests {
  @Test func lists() {
    #expect(CPUList.parse("0") == [0])
    #expect(CPUList.parse("0-3,8,10-11") == [0, 1, 2, 3, 8, 10, 11])
    #expect(CPUList.parse("8,0-1,1") == [0, 1, 8])
    #expect(CPUList.parse("") == [])
    #expect(CPUList.parse("0-99999999")?.count == 8192)
    #expect(CPUList.parse("99999999") == [])
  }

  @Test(arguments: ["x", "1-", "3-1", "1;2", "-1", "1,", ",", "1-2-3", "+1", " 1", "0x1"])
  func listsThatAreNone(text: String) { #expect(CPUList.parse(text) == nil) }

  @Test func masks() {
    #expect(CPUList.parseMask("0") == [])
    #expect(CPUList.parseMask("00000000,00000000") == [])
    #expect(CPUList.parseMask("3") == [0, 1])
    #expect(CPUList.parseMask("80000001,00000005") == [0, 2, 32, 63])
    #expect(CPUList.parseMask("f0") == [4, 5, 6, 7])
  }

  @Test(arguments: ["", "g", "-1", "+1", "1,", "123456789"])
  func masksThatAreNone(text: String) { #expect(CPUList.parseMask(text) == nil) }

  @Test func asText() {
    #expect(CPUList.text([]) == "-")
    #expect(CPUList.text([3]) == "3")
    #expect(CPUList.text([0, 1, 2, 5, 8, 9]) == "0-2,5,8-9")
    #expect(CPUList.parse(CPUList.text([1, 2, 4, 7, 8])) == [1, 2, 4, 7, 8])
  }
}
