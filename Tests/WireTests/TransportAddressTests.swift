import Testing
import Wire

@Suite("Transport addresses as text")
struct TransportAddressTests {
  @Test(arguments: [
    ("192.0.2.1:1", true), ("192.0.2.1:0", false), ("0.0.0.0:1", false), ("0.0.0.1:1", true),
    ("223.255.255.255:1", true), ("224.0.0.0:1", false), ("239.255.255.255:1", false),
    ("240.0.0.0:1", true), ("255.255.255.254:1", true), ("255.255.255.255:1", false),
    ("[::]:1", false), ("[::1]:1", true), ("[::1:0:0:0]:1", true), ("[2001:db8::]:1", true),
    ("[feff:ffff::]:1", true), ("[ff00::]:1", false), ("[ff02::1]:1", false), ("[fe80::1]:1", true),
    ("[::ffff:0.0.0.0]:1", false), ("[::fffe:ffff:ffff]:1", true), ("[::1:0:0]:1", true),
  ])
  func whatAHostCanHave(text: String, isOfHost: Bool) throws {
    #expect(try #require(TransportAddress(text)).isOfHost == isOfHost)
  }

  @Test(arguments: [
    ("1.2.3.4:80", "1.2.3.4:80"),
    ("255.255.255.255:65535", "255.255.255.255:65535"),
    ("[::1]:80", "[::1]:80"),
    ("[::]:0", "[::]:0"),
    ("[2001:DB8:0:0:1:0:0:1]:3478", "[2001:db8::1:0:0:1]:3478"),
    ("[2001:db8:0:1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1"),
    ("[1:2:3:4:5:6:7:8]:9", "[1:2:3:4:5:6:7:8]:9"),
    ("[1::]:9", "[1::]:9"),
    ("[0:0:1::]:9", "[0:0:1::]:9"),
    ("[64:ff9b::192.0.2.33]:9", "[64:ff9b::c000:221]:9"),
    ("[::ffff:10.0.0.1]:9", "10.0.0.1:9"),
  ])
  func reads(text: String, canonical: String) throws {
    let address = try #require(TransportAddress(text))
    #expect(address.description == canonical)
    #expect(TransportAddress(canonical) == address)
  }

  @Test(arguments: [
    "", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3:80", "1.2.3.4.5:80",
    "256.2.3.4:80", "01.2.3.4:80", "1.2.3.4 :80", "::1:80", "[]:80", "[::1:80", "::1]:80",
    "[1:2:3:4:5:6:7]:80", "[1:2:3:4:5:6:7:8:9]:80", "[1::2::3]:80", "[:::1]:80", "[12345::]:80",
    "[g::]:80", "[1.2.3.4]:80", "[::1.2.3]:80", "[1.2.3.4::]:80", "[1:2:3:4:5:6:7::8]:80",
    "localhost:80", "[::1]80", "+1.2.3.4:80", "1.2.3.4:+80", "[::1%lo]:80", "１.2.3.4:80",
  ])
  func refuses(text: String) {
    #expect(TransportAddress(text) == nil)
  }

  @Test func families() throws {
    let ipv4 = try #require(TransportAddress("192.0.2.7:5000"))
    #expect(ipv4.isIPv4)
    #expect(ipv4.ipv4 == 0xC000_0207)
    #expect(ipv4.port == 5000)
    #expect(ipv4.host == "192.0.2.7")
    let ipv6 = try #require(TransportAddress("[2001:db8::7]:5000"))
    #expect(!ipv6.isIPv4)
    #expect(ipv6.high == 0x2001_0DB8_0000_0000)
    #expect(ipv6.low == 7)
    #expect(ipv6.host == "2001:db8::7")
  }

  @Test(arguments: [
    ("192.0.2.7:5000", "192.0.2.x:5000"),
    ("[2001:db8::7]:5000", "[2001:db8::x]:5000"),
    ("[2001:db8:abcd:12:1:2:3:4]:1", "[2001:db8:abcd::x]:1"),
  ])
  func masks(text: String, masked: String) throws {
    #expect(try #require(TransportAddress(text)).masked == masked)
  }
}
