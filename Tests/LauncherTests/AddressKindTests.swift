import Deployment
import Settings
import Testing
import Wire

@Suite struct AddressKindTests {
  @Test(arguments: [
    ("127.0.0.1:8080", "127.0.0.1:8080"), ("8080", "127.0.0.1:8080"), (":8080", "127.0.0.1:8080"),
    ("localhost:8080", "127.0.0.1:8080"), ("LocalHost:1", "127.0.0.1:1"),
    ("[::1]:8080", "[::1]:8080"), ("0.0.0.0:80", "0.0.0.0:80"), ("0", "127.0.0.1:0"),
  ])
  func whatPeopleTypeForHttpIsRead(text: String, address: String) {
    #expect(ValueKind.httpAddress.read(text).map(\.description) == address)
    #expect(PeerEntry("2=http://\(text)").map(\.address.description) == address)
  }

  @Test(arguments: [
    "", ":", "::8080", "localhost", "localhost:", "localhost::1", "localhost:x", "70000", ":65536",
    "voice.example:8080", "::1:8080", "[::1]", "-1", "+1", "8080 ", "*:8080", "127.0.0.1",
    "http://127.0.0.1:8080",
  ])
  func anythingElseIsNoAddressForHttp(text: String) {
    #expect(ValueKind.httpAddress.read(text) == nil)
  }

  /// Media addresses are told to clients and have no such short forms.
  @Test func aPortAloneIsNoOtherAddress() {
    #expect(ValueKind.address.read("8080") == nil)
    #expect(ValueKind.address.read("localhost:8080") == nil)
  }
}
