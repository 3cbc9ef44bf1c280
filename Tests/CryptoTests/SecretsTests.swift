import Crypto
import Testing

@Suite("Secrets: comparing and making")
struct SecretsTests {
  private func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    unsafe a.withUnsafeBytes { a in
      unsafe b.withUnsafeBytes { b in unsafe equalInConstantTime(a, b) }
    }
  }

  @Test func equality() {
    #expect(equal([], []))
    #expect(equal([1, 2, 3], [1, 2, 3]))
    #expect(!equal([1, 2, 3], [1, 2]))
    #expect(!equal([1, 2, 3], []))
    for index in 0..<20 {
      var other = [UInt8](repeating: 9, count: 20)
      other[index] = 8
      #expect(!equal([UInt8](repeating: 9, count: 20), other))
    }
  }

  @Test func randomnessDiffers() {
    let first = SecureRandom.bytes(32)
    #expect(first.count == 32)
    #expect(first != SecureRandom.bytes(32))
    #expect(SecureRandom.bytes(0).isEmpty)
    var random = SecureRandom()
    #expect(random.next() != random.next())
  }
}
