// An SCTP end that speaks its packets over plain UDP on loopback, without DTLS, so that the tests
// can set other stacks against it. Says what happens on standard output, one line per event; does
// what standard input says; sends every message back when asked to.
//
//     sctp-peer --to PORT [--start] [--odd] [--echo] [--loss PERCENT] [--late PERCENT]
//         [--seed N]
//
// Lines in: open LABEL [unordered] [retransmissions N | lifetime N]; text STREAM WORDS;
// binary STREAM SIZE; close STREAM; figures; shutdown; abort. The end of input ends it.

var peer = Peer(Options(Array(CommandLine.arguments.dropFirst())))
peer.run()
