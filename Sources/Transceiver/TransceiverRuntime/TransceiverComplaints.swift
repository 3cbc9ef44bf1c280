import Complaints

extension TransceiverWatch {
  /// So many within a minute are no stray packets.
  private static let notStray: UInt64 = 5

  /// In the order in which lines of the same second are written: the cause before its effects.
  static let table = [
    Complaint(
      neverHeardName, "calls begin, and no relay has ever sent anything",
      cause:
        "the relay's directory has another address or port for this transceiver, a firewall is "
        + "between, the trunk here is left on loopback, no relay runs, or clients do not reach it",
      remedy:
        "compare --trunk here with --transceiver NODE.SHARD=ADDR of the relay, --candidate here "
        + "with its --listen, and see whether UDP passes both ways"),
    Complaint(
      fellSilentName, "calls begin, and no relay sends anything any more",
      cause: "the relays have ended or cannot reach this machine, or clients do not reach them",
      remedy: "look at the relays' logs and at the network between", leastInAMinute: 3),
    Complaint(
      "forged", "trunk datagrams have a tag that does not hold",
      cause: "a relay has another key file; or strangers reach the trunk port",
      remedy: "give the same key file with --keys to every relay and transceiver, and start them "
        + "again; let only relays reach --trunk", leastInAMinute: notStray),
    Complaint(
      "malformed", "what comes to the trunk is no trunk datagram of ours",
      cause: "another program, or clients, send to this port, or a relay is of another version",
      remedy:
        "let only relays reach --trunk, name the relay's --listen address as --candidate, and "
        + "run one version on all machines", leastInAMinute: notStray),
    Complaint(
      "misdirected", "trunk datagrams are meant for another transceiver",
      cause:
        "a relay's --transceiver entries are mixed up, or --cluster, --node or --trunk here are "
        + "not what they say",
      remedy: "make the relay's --transceiver NODE.SHARD=ADDR say this --node, and for each shard "
        + "the port that it has; give all the same --cluster"),
    Complaint(
      "truncated", "trunk datagrams are longer than what is taken in",
      cause: "a relay makes larger bundles than any path carries",
      remedy: "lower --bundle-bytes of the relay"),
    Complaint(
      "malformed_frames", "trunk datagrams with a good tag end in the middle of a frame",
      cause: "the relay is of another version", remedy: "run one version on all machines"),
    Complaint(
      "calls_unseen", "calls ended without a single check of their client",
      cause:
        "clients do not reach the relay (a firewall, or --candidate is not an address that they "
        + "can reach), the relay refuses their checks (its log says so), or another transceiver "
        + "has the same --node; a few may be clients that gave up",
      remedy: "name with --candidate what clients reach the relay's --listen by; give each "
        + "transceiver a --node of its own", leastInAMinute: 3),
    Complaint(
      "lost_unread", "trunk datagrams were lost unread: the shards do not keep up",
      cause: "more calls than the shards' CPUs can take, or the process was held up",
      remedy: "more --shards, fewer --calls, or more transceivers"),
    Complaint(
      "send_failed_not_permitted", "the kernel does not let trunk datagrams out",
      cause: "a firewall rule of this machine (OUTPUT) or a cgroup program forbids it",
      remedy: "let this program send from --trunk to the relays"),
    Complaint(
      "send_failed_refused", "trunk datagrams cannot be sent: there is no way to the relay",
      cause: "the relay's machine is down, or there is no route to its --trunk address",
      remedy: "`ip route get ADDRESS` for the relay's --trunk", leastInAMinute: notStray),
    Complaint(
      "send_failed_full",
      "trunk datagrams were not sent: the device's queue or the send buffer is full",
      cause: "more leaves than the network interface takes",
      remedy: "a faster interface, a longer queue (ip link set txqueuelen), or more transceivers",
      leastInAMinute: notStray),
    Complaint(
      "send_failed_other", "the kernel refuses to send trunk datagrams as they are addressed",
      cause: "--trunk is an address from which the relay cannot be reached, such as loopback",
      remedy: "give an address of this machine that the relay can answer to as --trunk",
      leastInAMinute: notStray),
    Complaint(
      "too_large", "packets for clients do not fit into a trunk datagram",
      cause: "a session made one larger than WebRTC's packets are",
      remedy: "tell the authors, with the call's log lines"),
    Complaint(
      "outbox_full", "sessions had more to say at once than is sent at once",
      cause: "this process was held up, so that much was due at the same time",
      remedy: "more --shards, fewer --calls, or CPUs of its own", leastInAMinute: 100),
  ]
}
