// Plays ways of all kinds to the page's NetworkJudge, and its descriptions to its editors, on a
// clock of its own: `NETWORK_JS=.../page/network.js node --test network_judge.mjs`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const file = process.env.NETWORK_JS;
const source = encodeURIComponent(readFileSync(file, "utf8"));
const {
  NetworkJudge, PlayoutJudge, answerFor, answerWithoutAsking, offerWithResends, setAnswer, steps,
} = await import(`data:text/javascript,${source}`);

/** The same numbers in each run, 0...1. */
function seeded(seed) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

const wire = ({ bitsPerSecond, packetMilliseconds }, red) =>
  bitsPerSecond * (red ? 2 : 1) + 56 * 8000 / packetMilliseconds;

/**
 * A call of `seconds` over a way of so many bits per second behind a queue; `loss`, `extra` (ms on
 * the round trip) and `capacity` are asked each second. A round trip is known of each third
 * second, as from a browser's checks, and `first` before anything is sent. Each second's judgement,
 * with the queue's length.
 */
function call(seconds, {
  capacity = () => Infinity, loss = () => 0, extra = () => 0, hasRed = true, first = 40,
} = {}) {
  const judge = new NetworkJudge({ hasRed });
  const random = seeded(7);
  const queueBitsMax = 20_000;
  const looks = [];
  let queue = 0;
  judge.look({ seconds: 99, sent: 0, loss: null, roundTrip: first });
  for (let second = 0; second < seconds; second++) {
    const sent = wire(steps[judge.step], judge.red);
    const room = capacity(second);
    const waiting = Math.max(0, queue + sent - room);
    const dropped = Math.max(0, waiting - queueBitsMax);
    queue = Math.min(waiting, queueBitsMax);
    const packets = 1000 / steps[judge.step].packetMilliseconds;
    let lost = 0;
    for (let packet = 0; packet < packets; packet++) {
      if (random() < dropped / sent || random() < loss(second)) lost += 1;
    }
    const roundTrip = 40 + (room === Infinity ? 0 : 1000 * queue / room) + extra(second, random);
    judge.look({
      seconds: 100 + second, sent, loss: lost / packets,
      roundTrip: second % 3 === 0 ? roundTrip : null,
    });
    looks.push({ second, step: judge.step, red: judge.red, queue, roundTrip, lost, packets });
  }
  return looks;
}

const from = (looks, second) => looks.filter((look) => look.second >= second);

test("a good way is left alone", () => {
  for (const look of call(300)) assert.deepEqual([look.step, look.red], [0, false]);
});

test("a way of 40 kbit/s is not overrun from the tenth second on", () => {
  const looks = call(300, { capacity: () => 40_000 });
  assert.ok(looks[10].step >= 2, `step ${looks[10].step}`);
  const trips = from(looks, 10).map((look) => look.roundTrip).sort((a, b) => a - b);
  assert.ok(trips[trips.length >> 1] < 100, `median ${trips[trips.length >> 1]} ms`);
  assert.ok(trips[Math.floor(trips.length * 0.9)] < 250, "tenth longest");
  const lost = from(looks, 15).reduce((sum, look) => sum + look.lost, 0);
  assert.equal(lost, 0);
  assert.ok(looks.every((look) => !look.red), "no redundancy on a narrow way");
});

test("nor is one overrun of which nothing was known at first", () => {
  const looks = call(60, { capacity: () => 40_000, first: null, hasRed: false });
  assert.ok(looks[10].step >= 2, `step ${looks[10].step}`);
});

test("the narrowest steps are for the narrowest ways", () => {
  const looks = call(120, { capacity: () => 26_000 });
  assert.ok(from(looks, 30).filter((look) => look.step === steps.length - 1).length > 60);
});

test("a way that becomes wide again is used again", () => {
  const looks = call(200, { capacity: (second) => (second < 40 ? 40_000 : Infinity) });
  assert.ok(looks[39].step >= 2);
  assert.equal(looks.at(-1).step, 0);
});

test("more is asked for ever less often where there is none", () => {
  const looks = call(900, { capacity: () => 40_000 });
  const raises = looks.slice(1).filter((look, index) => look.step < looks[index].step);
  assert.ok(raises.length >= 2 && raises.length <= 8, `${raises.length} times`);
  const pauses = raises.slice(1).map((look, index) => look.second - raises[index].second);
  assert.deepEqual(pauses, [...pauses].sort((a, b) => a - b));
});

for (const [name, way] of Object.entries({
  "jitter of 100 ms": { extra: (_, random) => 200 * random() },
  "spikes of 300 ms": { extra: (second) => (second % 5 === 0 ? 300 : 0) },
  "2 % loss with jitter": { loss: () => 0.02, extra: (_, random) => 100 * random() },
})) {
  test(`${name}: no reason to send less`, () => {
    for (const look of call(300, way)) assert.equal(look.step, 0, `second ${look.second}`);
  });
}

test("a way that loses and stays short gets redundancy, for as long as it loses", () => {
  const looks = call(200, { loss: (second) => (second < 100 ? 0.1 : 0) });
  assert.ok(from(looks, 12).filter((look) => look.second < 100).every((look) => look.red));
  assert.ok(from(looks, 135).every((look) => !look.red));
  assert.ok(looks.every((look) => look.step === 0));
});

test("redundancy that does not fit is taken back, and is rarely tried again", () => {
  // 70 kbit/s carry what is said once, and not twice.
  const looks = call(600, { capacity: () => 70_000, loss: () => 0.05 });
  const begun = looks.slice(1).filter((look, index) => look.red && !looks[index].red);
  assert.ok(begun.length >= 1 && begun.length <= 6, `${begun.length} times`);
  assert.ok(looks.filter((look) => look.red).length < 60);
});

test("a longer way is no narrower one", () => {
  const looks = call(600, { extra: (second) => (second < 50 ? 0 : 400) });
  assert.equal(looks.at(-1).step, 0);
});

test("nor is one that was long from the start", () => {
  assert.equal(call(400, { extra: () => 560, first: 600 }).at(-1).step, 0);
});

test("without RED nothing is sent twice", () => {
  assert.ok(call(100, { loss: () => 0.1, hasRed: false }).every((look) => !look.red));
});

test("a look without news changes nothing", () => {
  const judge = new NetworkJudge({ hasRed: true });
  for (let second = 0; second < 100; second++) {
    judge.look({ seconds: second, roundTrip: null, loss: null, sent: 0 });
  }
  assert.deepEqual([judge.step, judge.red], [0, false]);
});

/** What is held back after each look of a call; `looks` say what was asked for and made up. */
function holds(looks, roundTrip = 40) {
  const judge = new PlayoutJudge();
  return looks.map(([asked, concealed, gaps], second) => {
    judge.look({ seconds: 100 + second, roundTrip, asked, concealed, gaps });
    return judge.hold;
  });
}
const nothing = [0, 0, 0];

test("what is asked for is waited for, and no longer than it is", () => {
  assert.deepEqual(holds([nothing, [1, 20, 1], nothing]), [null, 80, 80]);
  assert.deepEqual(holds([[6, 100, 1], [3, 60, 1], [1, 20, 1]]), [160, 160, 160], "rows");
  assert.deepEqual(holds([[60, 1000, 1]]), [180], "a way that is down is not waited for");
  const over = holds([[1, 20, 1], ...Array(30).fill(nothing)]);
  assert.deepEqual([over[20], over[21]], [80, null]);
  const calm = holds([[6, 100, 1], ...Array(200).fill([1, 0, 0])]);
  assert.deepEqual([calm[29], calm[30], calm[60], calm.at(-1)], [160, 140, 120, 80]);
});

test("jitter alone, and what nobody sends again, is the browser's own affair", () => {
  const hundred = (look) => holds(Array(100).fill(look));
  assert.ok(hundred([0, 100, 2]).every((hold) => hold === null), "no request");
  assert.ok(hundred([3, 0, 0]).every((hold) => hold === null), "what came again was in time");
  assert.deepEqual(holds([[1, 20, 1]], 400), [null], "a long way");
  assert.deepEqual(holds([[1, 20, 1]], 0), [40], "a short one");
  assert.deepEqual(holds([[1, 20, 1]], null), [null], "an unknown one");
});

const lines = (...text) => text.map((line) => `${line}\r\n`).join("");
const chromium = lines(
  "v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9", "a=rtpmap:111 opus/48000/2",
  "a=rtcp-fb:111 transport-cc", "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1");

test("an offer asks for resends where there is RED, and once", () => {
  const offer = offerWithResends(chromium);
  assert.ok(offer.includes(lines("a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 nack")));
  assert.equal(offerWithResends(offer), offer);
  const firefox = lines("m=audio 9 UDP/TLS/RTP/SAVPF 109", "a=rtpmap:109 opus/48000/2");
  assert.equal(offerWithResends(firefox), firefox);
  assert.equal(offerWithResends("v=0\r\n"), "v=0\r\n");
});

test("an answer is changed in its packet length and order alone", () => {
  const answer = lines(
    "v=0", "m=audio 3478 UDP/TLS/RTP/SAVPF 111 63", "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:63 red/48000/2", "a=ptime:20", "a=maxptime:60", "m=application 3478 X Y");
  assert.equal(answerFor(answer, { packetMilliseconds: 60, red: true }), lines(
    "v=0", "m=audio 3478 UDP/TLS/RTP/SAVPF 63 111", "a=rtpmap:111 opus/48000/2", "a=ptime:60",
    "a=rtpmap:63 red/48000/2", "a=maxptime:60", "m=application 3478 X Y"));
  assert.match(answerFor(answer, { packetMilliseconds: 40, red: false }), /SAVPF 111 63\r\n/);
  const fec = answer.replace(
    "a=ptime:20", "a=fmtp:111 minptime=10;useinbandfec=1;x-google-min-bitrate=60");
  const nack = fec.replace("m=application", "a=rtcp-fb:111 nack\r\nm=application");
  const redundant = (sdp, red) =>
    answerFor(sdp, { packetMilliseconds: 20, red }).includes("useinbandfec=1");
  assert.deepEqual([redundant(fec, true), redundant(nack, false), redundant(nack, true)],
    [true, true, false]);
  const bare = answer.replace(" 63", "").replace(/a=rtpmap:63.*\r\n/, "");
  assert.match(answerFor(bare, { packetMilliseconds: 20, red: true }), /SAVPF 111\r\n/);
});

test("an answer is taken without NACK for Opus, and all else as it is", () => {
  const answer = "m=audio 1 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\n"
    + "a=rtcp-fb:111 nack\r\na=rtcp-fb:111 transport-cc\r\na=sendrecv\r\n";
  assert.equal(answerWithoutAsking(answer), answer.replace("a=rtcp-fb:111 nack\r\n", ""));
  const bare = answer.replace("a=rtcp-fb:111 nack\r\n", "");
  assert.equal(answerWithoutAsking(bare), bare);
});

test("only a browser that can wait may ask", async () => {
  const answer = "m=audio 1 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
    + "a=rtcp-fb:111 nack\r\n";
  const taken = async (receiver) => {
    globalThis.RTCRtpReceiver = receiver;
    let found;
    await setAnswer({ setRemoteDescription: ({ sdp }) => (found = sdp) }, answer);
    return found;
  };
  assert.equal(await taken(class { jitterBufferTarget = null; }), answerWithoutAsking(answer));
  assert.equal(await taken(class { get jitterBufferTarget() { return null; } }), answer);
});
