// Makes what a call sends fit the way that it takes. Nothing but the browser's own statistics is
// needed, so any page may have this file as it stands:
//
//   await setOffer(peer);       // instead of: peer.setLocalDescription(await peer.createOffer())
//   ... post peer.localDescription.sdp, get `answer`, the answer's text ...
//   await setAnswer(peer, answer);      // instead of: peer.setRemoteDescription(...)
//   const stop = followNetwork(peer, answer);     // and stop() at the end of the call
//
// On a narrow way, where the round trip grows while packets vanish, it sends longer packets and
// fewer bits; where packets vanish and the round trip stays, it sends each piece of sound twice
// (RED, RFC 2198). What it misses itself it asks for (NACK, RFC 4585), and lets the jitter buffer
// hold back what comes for so long that what is sent again is in time. All of this is taken back
// when the way is good again. What a browser cannot do is left out: Firefox has no RED.

/** Bits per second and milliseconds of sound in a packet, the best first. */
export const steps = [
  { bitsPerSecond: 32_000, packetMilliseconds: 20 },
  { bitsPerSecond: 32_000, packetMilliseconds: 40 },
  { bitsPerSecond: 24_000, packetMilliseconds: 40 },
  { bitsPerSecond: 20_000, packetMilliseconds: 60 },
  { bitsPerSecond: 16_000, packetMilliseconds: 60 },
];

// Headers of IPv4, UDP, RTP and SRTP, bytes in each packet.
const headerBytes = 56;
const lookMilliseconds = 1000;
// The round trip, ms, that hardly any way exceeds on which nothing waits.
const roundTripUsualMax = 200;

const wireBitsPerSecond = ({ bitsPerSecond, packetMilliseconds }) =>
  bitsPerSecond + headerBytes * 8000 / packetMilliseconds;

const mean = (numbers) =>
  numbers.length ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : 0;

/** Decides what to send. Knows no browser and no clock: it is told all that it goes by. */
export class NetworkJudge {
  /** `hasRed`: whether sound can be sent twice. */
  constructor({ hasRed }) {
    this.hasRed = hasRed;
    this.step = 0;
    this.red = false;
    // Where the first word of the way comes late, it may be of one that is overrun already.
    this.shortest = roundTripUsualMax;
    this.slowLooks = 0;
    this.losses = [];
    this.changedAt = this.calmSince = this.redChangedAt = 0;
    this.raised = null;
    this.raiseSeconds = 60;
    this.redSeconds = 10;
  }

  /**
   * Takes one look, about a second after the last one: `seconds` (the time), `roundTrip` (ms) and
   * `loss` (0...1 of what we sent), each null when there is no new word of it, and `sent` (bits per
   * second on the wire). What is to be sent from now on is in `step` and `red`.
   */
  look({ seconds, roundTrip, loss, sent }) {
    if (loss !== null) this.losses = [...this.losses, loss].slice(-20);
    if (roundTrip !== null) this.noteRoundTrip(roundTrip, seconds);
    if (this.isNarrow) this.giveWay(seconds, sent);
    else this.recover(seconds);
    this.chooseRed(seconds);
  }

  noteRoundTrip(roundTrip, seconds) {
    // What waits on the way is passing since less is sent.
    this.isFalling = this.step > 0 && roundTrip < this.roundTrip - 30;
    this.roundTrip = roundTrip;
    this.shortest = Math.min(this.shortest, roundTrip);
    this.slowLooks = this.isSlow ? this.slowLooks + 1 : 0;
    if (roundTrip > this.shortest + 50) this.calmSince = seconds;
    // As slow as before with hardly anything sent: then the way has become longer, not narrower.
    if (this.slowLooks >= 8 && this.step === steps.length - 1 && mean(this.losses) < 0.02) {
      this.shortest = roundTrip;
    }
  }

  get isSlow() {
    return this.roundTrip > this.shortest + Math.max(80, this.shortest / 2);
  }

  get recentLoss() {
    return mean(this.losses.slice(-2));
  }

  /**
   * Whether more is sent than the way carries: it grows long, and loses or goes on growing. Where
   * more was tried just now, its growing long is enough.
   */
  get isNarrow() {
    if (!this.isSlow || this.isFalling) return false;
    return this.raised !== null || (this.losses.length >= 2 && this.recentLoss >= 0.05)
      || (this.slowLooks >= 3 && this.roundTrip > this.shortest + 250);
  }

  /** Sends less; not before the last change can have shown what it does. */
  giveWay(seconds, sent) {
    if (seconds - this.changedAt < (this.raised === null ? 6 : 3)) return;
    this.calmSince = this.changedAt = seconds;
    if (this.red) {
      this.red = false;
      this.redChangedAt = seconds;
      this.redSeconds = Math.min(300, this.redSeconds * 4);
    } else if (this.raised !== null) {
      // The way has not become wider yet: ask again later.
      this.step = this.raised;
      this.raiseSeconds = Math.min(480, Math.max(60, this.raiseSeconds * 2));
    } else {
      const carried = sent * (1 - Math.max(0, ...this.losses.slice(-2)));
      const fits = steps.findIndex((step, index) =>
        index > this.step && wireBitsPerSecond(step) <= 0.9 * carried);
      this.step = this.recentLoss < 0.05 ? Math.min(this.step + 1, steps.length - 1)
        : fits < 0 ? steps.length - 1 : fits;
    }
    this.raised = null;
    this.losses = [];
  }

  /** Sends more again, a step at a time, when the way has been short for long. */
  recover(seconds) {
    const calm = seconds - Math.max(this.calmSince, this.changedAt);
    if (this.raised !== null && calm >= 15) {
      this.raised = null;
      this.raiseSeconds = 15;
    }
    if (this.step === 0 || calm < this.raiseSeconds) return;
    this.raised = this.step;
    this.step -= 1;
    this.changedAt = seconds;
  }

  /** Redundancy is for a way that loses and is wide: it doubles what is sent. */
  chooseRed(seconds) {
    if (seconds - this.redChangedAt < this.redSeconds) return;
    const wanted = this.red
      ? this.losses.length < 20 || mean(this.losses) >= 0.01
      : this.losses.length >= 5 && mean(this.losses.slice(-5)) >= 0.03
        && this.hasRed && this.step === 0 && !this.isSlow;
    if (wanted === this.red) return;
    this.red = wanted;
    this.redChangedAt = this.changedAt = seconds;
  }
}

// Where an answer from the server takes longer, what is asked for is not waited for.
const waitRoundTripMax = 250;
const waitSeconds = 20;
// A browser notices a gap at the packet behind it.
const noticeMilliseconds = 20;
const rowMillisecondsMax = 120;
// Without a gap for so long, a little less may do.
const calmSeconds = 30;

/**
 * Decides how long the jitter buffer holds back what comes, at least. By itself it sees jitter, but
 * not that it asks for what is missing: what comes then comes too late, and instead of waiting it
 * fills gaps. Knows no browser and no clock.
 */
export class PlayoutJudge {
  constructor() {
    this.askedAt = this.gapAt = -Infinity;
    this.roundTrip = Infinity;
    /** Milliseconds, or null: as the browser likes. */
    this.hold = null;
  }

  /**
   * One look, about a second after the last one: `seconds` (the time), `roundTrip` (ms, or null),
   * and since the last look `asked` (packets), `concealed` (ms of sound that was made up), `gaps`
   * (how many pieces that was).
   */
  look({ seconds, roundTrip, asked, concealed, gaps }) {
    if (roundTrip !== null) this.roundTrip = roundTrip;
    if (asked > 0) this.askedAt = seconds;
    const quiet = seconds - this.askedAt;
    if (quiet > waitSeconds) {
      this.hold = null;
    } else if (quiet <= 2 && concealed > 10 && gaps > 0) {
      this.gapAt = seconds;
      // A gap is waited for from its first packet on, and is seen behind its last.
      const row = Math.min(concealed / gaps, rowMillisecondsMax);
      if (this.roundTrip <= waitRoundTripMax) this.raise(row);
    } else if (this.hold > 80 && seconds - this.gapAt >= calmSeconds) {
      this.gapAt = seconds;
      this.hold -= 20;
    }
  }

  raise(rowMilliseconds) {
    const wanted = this.roundTrip + noticeMilliseconds + rowMilliseconds;
    this.hold = Math.max(this.hold, 20 * Math.ceil(wanted / 20));
  }
}

/** Payload types of the audio line: of Opus, of RED, and all in their order. */
function audioFormats(sdp) {
  const map = (name) => sdp.match(new RegExp(`^a=rtpmap:(\\d+) ${name}/48000`, "mi"))?.[1];
  return { opus: map("opus"), red: map("red"), line: /^(m=audio \d+ \S+) (.*)$/m };
}

/**
 * The offer with NACK for Opus (RFC 4585): lost packets are then asked for and sent again. Browsers
 * that have RED do so when it stands there; the others' offers are left as they are.
 */
export function offerWithResends(sdp) {
  const { opus, red } = audioFormats(sdp);
  if (!opus || !red || new RegExp(`^a=rtcp-fb:${opus} nack\\s*$`, "m").test(sdp)) return sdp;
  return sdp.replace(new RegExp(`^(a=rtpmap:${opus} .*)$`, "m"), `$1\r\na=rtcp-fb:${opus} nack`);
}

/** Makes an offer and sets it, with what helps against loss where the browser takes that. */
export async function setOffer(peer) {
  const offer = await peer.createOffer();
  try {
    await peer.setLocalDescription({ type: "offer", sdp: offerWithResends(offer.sdp) });
  } catch {
    await peer.setLocalDescription(offer);
  }
}

const canHold = () => "jitterBufferTarget" in RTCRtpReceiver.prototype;

/**
 * The answer without NACK for Opus: the server asks for what it misses all the same, but this
 * browser does not. For browsers whose jitter buffer cannot be told to wait: it has filled the gap
 * when what is sent again comes, and sounds worse then (measured, Chromium 156, losses in rows).
 */
export function answerWithoutAsking(sdp) {
  const { opus } = audioFormats(sdp);
  return opus ? sdp.replace(new RegExp(`^a=rtcp-fb:${opus} nack\\s*\\r?\\n`, "gm"), "") : sdp;
}

/** Takes the server's answer. Where the browser can wait, it asks: `followNetwork` has it wait. */
export function setAnswer(peer, answer) {
  const sdp = canHold() ? answer : answerWithoutAsking(answer);
  return peer.setRemoteDescription({ type: "answer", sdp });
}

/**
 * The answer as it would be if the server wanted packets of that length, and RED or not. With RED
 * and resends there is nothing left for Opus's own redundancy, which takes its bits from the voice.
 */
export function answerFor(sdp, { packetMilliseconds, red: wantsRed }) {
  const { opus, red, line } = audioFormats(sdp);
  if (!opus) return sdp;
  const timed = sdp.replace(/^a=ptime:.*\r\n/gm, "")
    .replace(new RegExp(`^(a=rtpmap:${opus} .*)$`, "m"), `$1\r\na=ptime:${packetMilliseconds}`);
  if (!red) return timed;
  const isResent = new RegExp(`^a=rtcp-fb:${opus} nack\\s*$`, "m").test(sdp);
  const spared = wantsRed && isResent
    ? timed.replace(new RegExp(`^(a=fmtp:${opus} .*);useinbandfec=1`, "m"), "$1") : timed;
  return spared.replace(line, (_, head, formats) => {
    const rest = formats.trim().split(" ").filter((format) => format !== opus && format !== red);
    return [head, ...(wantsRed ? [red, opus] : [opus, red]), ...rest].join(" ");
  });
}

/** Reads the statistics of a call's voice as `NetworkJudge` and `PlayoutJudge` want them. */
class NetworkReader {
  async read(peer) {
    const stats = [...(await peer.getStats()).values()];
    const find = (type, test = () => true) => stats.find((s) => s.type === type && test(s));
    const out = find("outbound-rtp", (s) => s.kind === "audio") ?? {};
    const heard = find("inbound-rtp", (s) => s.kind === "audio") ?? {};
    const report = find("remote-inbound-rtp", (s) => s.kind === "audio") ?? {};
    const chosen = find("transport")?.selectedCandidatePairId;
    const pair = find("candidate-pair", (s) => s.id === chosen)
      ?? find("candidate-pair", (s) => s.nominated && s.state === "succeeded") ?? {};
    const past = this.past ?? {};
    this.past = { out, heard, report, pair };
    const seconds = performance.now() / 1000;
    const elapsed = (out.timestamp - past.out?.timestamp) / 1000;
    const packets = out.packetsSent - past.out?.packetsSent;
    const bytes = out.bytesSent - past.out?.bytesSent + headerBytes * packets;
    const more = (name) => heard[name] - past.heard?.[name] || 0;
    const isNew = report.timestamp !== past.report?.timestamp;
    const isChecked = pair.responsesReceived !== past.pair?.responsesReceived;
    // Checks tell of the way twice as often as reports, whose figure may be of some seconds ago.
    const roundTrip = pair.currentRoundTripTime === undefined
      ? isNew && report.roundTripTime : isChecked && pair.currentRoundTripTime;
    return {
      seconds,
      roundTrip: typeof roundTrip === "number" ? roundTrip * 1000 : null,
      loss: isNew ? report.fractionLost ?? null : null,
      sent: elapsed > 0 ? 8 * bytes / elapsed : 0,
      asked: more("nackCount"),
      concealed: (more("concealedSamples") - more("silentConcealedSamples")) / 48,
      gaps: more("concealmentEvents"),
    };
  }
}

/**
 * Follows the network of a connected call until the function that it returns is called. `answer`:
 * the text of the server's answer. `onChange` gets what is sent from now on: `bitsPerSecond`,
 * `packetMilliseconds`, `red`.
 */
export function followNetwork(peer, answer, onChange = () => {}) {
  const judge = new NetworkJudge({ hasRed: Boolean(audioFormats(answer).red) });
  const playout = new PlayoutJudge();
  const reader = new NetworkReader();
  let now = { ...steps[0], red: false };
  let isBusy = false;
  const look = async () => {
    if (isBusy || peer.signalingState !== "stable") return;
    isBusy = true;
    try {
      const read = await reader.read(peer);
      playout.look(read);
      setHold(peer, playout.hold);
      judge.look(read);
      const wanted = { ...steps[judge.step], red: judge.red };
      const changes = Object.keys(now).filter((name) => now[name] !== wanted[name]);
      if (!changes.length) return;
      now = wanted;
      if (changes.includes("bitsPerSecond")) await setRate(peer, judge.step && now.bitsPerSecond);
      if (changes.some((name) => name !== "bitsPerSecond")) await answerAgain(peer, answer, now);
      onChange(now);
    } catch (error) {
      // A browser that cannot do it sends as it did before.
      console.warn("the network is not followed:", error);
    } finally {
      isBusy = false;
    }
  };
  // At once: the checks of the set-up tell how long the way is when nothing is sent.
  look();
  const timer = setInterval(look, lookMilliseconds);
  return () => {
    clearInterval(timer);
    setHold(peer, null);
  };
}

/** How long what is heard is held back at least, ms; null: as long as the browser likes. */
function setHold(peer, milliseconds) {
  const receiver = peer.getReceivers().find(({ track }) => track.kind === "audio");
  if (!receiver || !canHold() || receiver.jitterBufferTarget === milliseconds) return;
  receiver.jitterBufferTarget = milliseconds;
}

/** The most bits per second of Opus that are sent; 0: as many as the browser likes. */
async function setRate(peer, bitsPerSecond) {
  const sender = peer.getSenders().find(({ track }) => track?.kind === "audio");
  const parameters = sender?.getParameters();
  if (!parameters?.encodings?.length) return;
  if (bitsPerSecond) parameters.encodings[0].maxBitrate = bitsPerSecond;
  else delete parameters.encodings[0].maxBitrate;
  await sender.setParameters(parameters);
}

/** Offers again, to nobody, and takes the server's answer with changes: it need not know of it. */
async function answerAgain(peer, answer, wanted) {
  await setOffer(peer);
  try {
    await setAnswer(peer, answerFor(answer, wanted));
  } catch (error) {
    await peer.setLocalDescription({ type: "rollback" });
    throw error;
  }
}
