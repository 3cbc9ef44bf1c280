import Complaints
import RelayCore
import Runtime
import Wire

/// What a relay's counters tell its operator.
///
/// Not here, on purpose, because strangers cause them, or because they are part of the ordinary
/// course: what `steer.bpf` drops; `client_unrecognised`, `client_truncated` and
/// `client_stun_malformed` (no client of ours sends such things); `client_without_route` (media of
/// calls that have ended, and of all for a moment after a restart); `route_challenge_ignored` and
/// `candidate_evicted` up to their bound.
enum RelayComplaints {
  /// So many within a minute are no stray packets: one client sends as many within seconds.
  private static let notStray: UInt64 = 5
  /// Only a flood has so many.
  private static let flood: UInt64 = 1_000

  private static let sameKeys =
    "give the same key file with --keys to every relay and transceiver, and start them again"
  private static let strayToo = "; a few may be stray packets of the internet"

  /// In the order in which lines of the same second are written: the cause before its effects.
  static let table = silence + tokens + trunk + clients + sockets

  private static let silence = [
    Complaint(
      TransceiverSilence.neverHeardName, "transceivers have never answered",
      cause: "none listens at that address and port, a firewall is between, their trunk is left on "
        + "loopback, or they have another trunk key",
      remedy:
        "compare --transceiver NODE.SHARD=ADDR here with --trunk, --node, --shards and --keys "
        + "of the transceiver, and see whether UDP passes both ways"),
    Complaint(
      TransceiverSilence.fellSilentName, "transceivers have stopped answering",
      cause:
        "they have ended, hang or cannot be reached; or only clients of calls that ended there "
        + "still send",
      remedy: "look at the transceiver's log and at the network between"),
  ]

  private static let tokens = [
    Complaint(
      "client_token_forged", "routing tokens do not open with our keys",
      cause: "the transceivers were started with another key file" + strayToo,
      remedy: sameKeys, leastInAMinute: notStray),
    Complaint(
      "client_token_unknown_key", "routing tokens name a key that we do not have",
      cause: "the key file here is older or newer than that of the transceivers" + strayToo,
      remedy: sameKeys, leastInAMinute: notStray),
    Complaint(
      "client_token_expired", "routing tokens are too old, or from the future, to begin a call",
      cause:
        "the clocks of this machine and of the transceiver's are apart; or a client tries again "
        + "with the answer of a call of yesterday",
      remedy: "set both clocks (chronyd, systemd-timesyncd): `date -u` must say the same"),
    Complaint(
      "client_other_cluster", "routing tokens name another cluster",
      cause: "the transceiver has another --cluster than this relay, with the same keys",
      remedy: "give both the same --cluster"),
    Complaint(
      "client_unknown_transceiver", "routing tokens name a transceiver that we do not know",
      cause: "a node, or a shard of it, is missing in this relay's directory",
      remedy: "add --transceiver NODE.SHARD=ADDR for every shard of every node"),
    Complaint(
      "client_integrity_failed", "checks with good tokens have a wrong MESSAGE-INTEGRITY",
      cause: "\"password\" in the key file here is not that of the transceivers; or somebody tries "
        + "tokens that were seen on a network",
      remedy: sameKeys, leastInAMinute: notStray),
    Complaint(
      "client_token_malformed", "checks bring user names that no transceiver of ours made",
      cause: "clients or scanners that look for another server come to this address",
      remedy: "if these are your clients, look which address their SDP answer names",
      leastInAMinute: flood),
  ]

  private static let trunk = [
    Complaint(
      "trunk_forged", "trunk datagrams have a tag that does not hold",
      cause: "a transceiver has another key file; or strangers reach the trunk port",
      remedy: sameKeys + "; let only transceivers reach --trunk", leastInAMinute: notStray),
    Complaint(
      "trunk_malformed", "what comes to the trunk is no trunk datagram of ours",
      cause: "another program sends to this port, or a transceiver is of another version",
      remedy: "let only transceivers reach --trunk; run one version on all machines",
      leastInAMinute: notStray),
    Complaint(
      "trunk_misdirected", "trunk datagrams are meant for another relay",
      cause: "--cluster differs, or another relay had this --trunk address before with another "
        + "--relay-id",
      remedy: "give each relay a --relay-id of its own that it keeps, and all the same --cluster",
      leastInAMinute: notStray),
    Complaint(
      "trunk_unknown_transceiver", "a transceiver speaks that is not in the directory",
      cause: "it knows of this relay from before; its --transceiver entry is missing here now",
      remedy: "add --transceiver NODE.SHARD=ADDR for it"),
    Complaint(
      "trunk_wrong_source", "trunk datagrams come from another address than the directory's",
      cause: "the trunk has no key, and the transceiver sends from elsewhere",
      remedy: "give the address that it sends from with --transceiver"),
    Complaint(
      "trunk_unexpected_kind", "trunk datagrams of a kind that no transceiver sends",
      cause: "--transceiver names another relay, or this one", remedy: "correct --transceiver"),
    Complaint(
      "trunk_truncated", "trunk datagrams are longer than what is taken in",
      cause: "a transceiver makes larger bundles than any path carries",
      remedy: "lower --bundle-bytes of the transceiver"),
    Complaint(
      "frame_misaddressed", "transceivers answer to a listener that we do not have",
      cause: "this relay was started again with fewer or other --listen addresses",
      remedy: "keep the --listen addresses and their order while calls last",
      leastInAMinute: notStray),
    Complaint(
      "frame_malformed", "trunk datagrams with a good tag end in the middle of a frame",
      cause: "the transceiver is of another version", remedy: "run one version on all machines"),
  ]

  private static let clients = [
    Complaint(
      "client_unusable_source", "datagrams come from port 0 or from addresses that no host has",
      cause: "somebody forges 0.0.0.0, multicast or broadcast as a source" + strayToo,
      remedy: "have the network in front drop such sources (BCP 38)", leastInAMinute: notStray),
    Complaint(
      "client_too_long", "clients' packets do not fit into a trunk datagram",
      cause: "they are larger than any that WebRTC sends", remedy: "raise --bundle-bytes",
      leastInAMinute: notStray),
    Complaint(
      "route_table_full", "a route could not be kept: the table is full",
      cause: "more clients at once than a worker has routes for",
      remedy: "raise --routes, or --workers"),
    Complaint(
      "candidate_evicted", "clients that wait for their transceiver's first answer had to give way",
      cause: "very many calls begin at once, or their transceivers do not answer",
      remedy: "raise --routes (an eighth of it may wait), and see whether transceivers answer",
      leastInAMinute: flood),
  ]

  private static let sockets = [
    Complaint(
      "lost_unread", "datagrams were lost unread: the workers do not keep up",
      cause: "more comes than the workers' CPUs can take, or the process was held up",
      remedy: "more --workers on CPUs of their own (--pin-cpus), or more relays"),
    Complaint(
      "send_failed_not_permitted", "the kernel does not let datagrams out",
      cause: "a firewall rule of this machine (OUTPUT) or a cgroup program forbids it",
      remedy: "let this program send from its --listen and --trunk addresses"),
    Complaint(
      "send_failed_refused", "datagrams cannot be sent: there is no way to their address",
      cause: "no route or no neighbour answers: a transceiver's machine is down, or clients gave "
        + "addresses that are nowhere",
      remedy: "`ip route get ADDRESS` for each --transceiver", leastInAMinute: notStray),
    Complaint(
      "send_failed_full", "datagrams were not sent: the device's queue or the send buffer is full",
      cause: "more leaves than the network interface takes",
      remedy: "a faster interface, a longer queue (ip link set txqueuelen), or more relays",
      leastInAMinute: notStray),
    Complaint(
      "send_failed_other", "the kernel refuses to send datagrams as they are addressed",
      cause: "--trunk is an address from which the transceiver cannot be reached, such as loopback",
      remedy: "give an address of this machine that the transceiver can answer to as --trunk",
      leastInAMinute: notStray),
  ]
}

extension Evidence {
  /// What is known of some counters besides their value, by the counter's name.
  var details: [String: String] {
    var details: [String: String] = [:]
    details["client_unknown_transceiver"] = unknownTransceiver.map { "transceiver \($0)" }
    details["client_other_cluster"] = otherCluster.map { "cluster \($0)" }
    details["client_token_expired"] = tokenAgeMinutes.map { age in
      age < 0 ? "made \(-age) minutes from now" : "made \(age) minutes ago"
    }
    details["trunk_unknown_transceiver"] = unknownSpeaker.map { "transceiver \($0)" }
    details["trunk_misdirected"] = otherRelay.map {
      "relay \($0.relayID) of cluster \($0.cluster)"
    }
    return details
  }
}
