// One call: offer, answer, the peer connection, its figures, and its end.

import { followNetwork, setAnswer, setOffer } from "./network.js";
import { Trouble } from "./sound.js";

const connectSecondsMax = 15;
const hangUpMilliseconds = 2000;
// Where the server asks for one: http://.../#key=ek_... The part behind # stays in the browser.
const key = new URLSearchParams(location.hash.slice(1)).get("key");

/**
 * A call to this page's own server. `onState` gets "connecting", "connected", "interrupted" and
 * "ended"; the last with a Trouble when it was not asked for. `onEvent` gets each event of the data
 * channel, whether it was sent, and the seconds since the call was begun.
 */
export class Call {
  constructor({ backend, stream, onState, onStream, onEvent }) {
    this.backend = backend;
    this.stream = stream;
    this.onState = onState;
    this.onStream = onStream;
    this.onEvent = onEvent;
    this.state = "new";
    this.connectMilliseconds = null;
    this.sessionMilliseconds = null;
    this.past = null;
    // What is sent, each time that the network made it something else.
    this.sendings = [];
  }

  /** Makes the call; resolves when voice can flow, throws Trouble. */
  async start() {
    this.began = performance.now();
    this.setState("connecting");
    this.peer = new RTCPeerConnection();
    this.peer.ontrack = (event) => this.onStream(new MediaStream([event.track]));
    this.openEvents();
    for (const track of this.stream.getAudioTracks()) this.peer.addTrack(track, this.stream);
    await setOffer(this.peer);
    const answer = await this.post(this.peer.localDescription.sdp);
    if (this.state === "ended") this.abandonLate();
    await setAnswer(this.peer, answer);
    await this.connected();
    this.connectMilliseconds = Math.round(performance.now() - this.began);
    this.setState("connected");
    this.peer.onconnectionstatechange = () => this.connectionChanged();
    this.stopFollowing = followNetwork(this.peer, answer,
      (sending) => this.sendings.push(sending));
  }

  /** Opens the channel that the SDKs open, and greets as they do. */
  openEvents() {
    this.channel = this.peer.createDataChannel("oai-events");
    const note = (event, sent) =>
      this.onEvent(event, sent, (performance.now() - this.began) / 1000);
    this.channel.onopen = () => {
      const greeting = { type: "session.update", session: { type: "realtime" } };
      this.channel.send(JSON.stringify(greeting));
      note(greeting, true);
    };
    this.channel.onmessage = ({ data }) => {
      let event = { type: "(no JSON)" };
      try {
        event = JSON.parse(data);
      } catch { /* It is listed as what it is. */ }
      if (event.type === "session.updated") {
        this.sessionMilliseconds ??= Math.round(performance.now() - this.began);
      }
      note(event, false);
    };
  }

  /** Sends the offer; the answer's text. */
  async post(sdp) {
    const reply = await reach(`/v1/realtime/calls?backend=${encodeURIComponent(this.backend)}`, {
      method: "POST", headers: { "Content-Type": "application/sdp" }, body: sdp,
    });
    if (reply.status === 401 && !key) {
      throw new Trouble("The server asks for a key",
        "Add one to this page's address, a client secret or an API key: #key=ek_...");
    }
    if (reply.status !== 201) {
      const detail = await reply.json().catch(() => null);
      throw new Trouble("The server did not take the call",
        detail?.error?.message ?? `It answered with status ${reply.status}.`);
    }
    this.id = reply.headers.get("Location").split("/").pop();
    return reply.text();
  }

  /** Waits until ICE and DTLS are through. */
  connected() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(noWay()), connectSecondsMax * 1000);
      this.stopWaiting = () => {
        clearTimeout(timer);
        reject(new Error("hung up while connecting"));
      };
      this.peer.onconnectionstatechange = () => {
        const state = this.peer.connectionState;
        if (state === "connected" || state === "failed") clearTimeout(timer);
        if (state === "connected") resolve();
        if (state === "failed") reject(noWay());
      };
    });
  }

  connectionChanged() {
    const state = this.peer.connectionState;
    if (state === "disconnected") this.setState("interrupted");
    if (state === "connected") this.setState("connected");
    if (state === "failed") {
      this.end(new Trouble("The connection is lost",
        "Nothing has come back for some time: the network is down, or the server is."));
    }
  }

  /** What the transceiver says of this call; ends the call when it no longer knows it. */
  async serverFigures() {
    const reply = await reach(`/v1/realtime/calls/${this.id}/stats`, {});
    if (reply.status === 404) {
      this.end(new Trouble("The call has ended at the server",
        "It was hung up there, or the server was restarted."));
    }
    return reply.ok ? reply.json() : null;
  }

  /** What the browser says; rates are over the time since the last call of this function. */
  async figures() {
    const stats = [...(await this.peer.getStats()).values()];
    const find = (type, test = () => true) => stats.find((s) => s.type === type && test(s));
    const inbound = find("inbound-rtp", (s) => s.kind === "audio") ?? {};
    const outbound = find("remote-inbound-rtp", (s) => s.kind === "audio") ?? {};
    const transport = find("transport") ?? {};
    const pair = find("candidate-pair", (s) => s.id === transport.selectedCandidatePairId)
      ?? find("candidate-pair", (s) => s.nominated && s.state === "succeeded") ?? {};
    const seconds = pair.currentRoundTripTime ?? outbound.roundTripTime;
    const past = this.past ?? inbound;
    this.past = inbound;
    const lost = inbound.packetsLost - past.packetsLost;
    const received = inbound.packetsReceived - past.packetsReceived;
    return {
      roundTripMilliseconds: seconds === undefined ? null : seconds * 1000,
      jitterMilliseconds: inbound.jitter === undefined ? null : inbound.jitter * 1000,
      lossPercent: received + lost > 0 ? Math.max(0, 100 * lost / (received + lost)) : null,
      packetsReceived: inbound.packetsReceived ?? 0,
      packetsLost: inbound.packetsLost ?? 0,
      srtpCipher: transport.srtpCipher ?? null,
    };
  }

  /** Hangs up on both sides: there first, so that the server hears of it from us. */
  async hangUp() {
    if (this.leaving || this.state === "ended") return;
    this.leaving = true;
    if (this.id) {
      await reach(`/v1/realtime/calls/${this.id}/hangup`, {
        method: "POST", signal: AbortSignal.timeout(hangUpMilliseconds),
      }).catch(() => {});
    }
    this.end(null);
  }

  /** Hung up before the server had answered: now its call has a name to be ended by. */
  abandonLate() {
    sendLate(`/v1/realtime/calls/${this.id}/hangup`);
    throw new Error("hung up while connecting");
  }

  /** For a page that is being closed: the hang-up still leaves. */
  abandon() {
    if (this.id && this.state !== "ended" && !this.leaving) {
      sendLate(`/v1/realtime/calls/${this.id}/hangup`);
    }
  }

  end(trouble) {
    if (this.state === "ended") return;
    this.stopFollowing?.();
    this.peer?.close();
    this.stopWaiting?.();
    this.setState("ended", this.leaving ? null : trouble);
  }

  setState(state, trouble = null) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state, trouble);
  }
}

/** The backends that this server offers, its own choice first. */
export async function offeredBackends() {
  const reply = await reach("/v1/martlet/backends", {});
  return reply.ok ? (await reply.json()).backends : [];
}

function noWay() {
  return new Trouble("No voice gets through",
    "The server answered, but its media port cannot be reached. Something between here and there "
    + "blocks UDP, or the server announces an address that this machine cannot reach.");
}

/** A request that leaves although the page goes. Beacons carry no key. */
function sendLate(url) {
  if (key) reach(url, { method: "POST", keepalive: true }).catch(() => {});
  else navigator.sendBeacon(url);
}

async function reach(url, options) {
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  try {
    return await fetch(url, { ...options, headers });
  } catch {
    throw new Trouble("The server cannot be reached",
      "Is martlet still running? Look at the terminal that it was started in.");
  }
}
