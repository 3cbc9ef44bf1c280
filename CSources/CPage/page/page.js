// Joins the button, the call and the pictures.

import { Call } from "./call.js";
import { runCheck } from "./check.js";
import { FigureChart, RoutePicture, VoicesPicture } from "./picture.js";
import { LevelMeter, Trouble, openMicrophone } from "./sound.js";

const find = (id) => document.getElementById(id);

const meterIds = ["level-you", "level-answer"];

const labels = {
  idle: "Start talking", asking: "Waiting for you", connecting: "Cancel", connected: "Hang up",
};

const words = {
  echo: "Say something: it comes straight back.",
  parrot: "Say something, then pause: it is said back to you.",
};

class Page {
  constructor() {
    this.voices = new VoicesPicture(find("voices"));
    this.route = new RoutePicture(document);
    this.charts = {
      roundTripMilliseconds: new FigureChart(find("figure-roundtrip"), { floor: 5, digits: 1 }),
      jitterMilliseconds: new FigureChart(find("figure-jitter"), { floor: 5, digits: 1 }),
      lossPercent: new FigureChart(find("figure-loss"), { floor: 2, digits: 1 }),
    };
    this.backends = [...document.querySelectorAll("[name=backend]")];
    find("call").addEventListener("click", () => (this.call ? this.stop() : this.start()));
    addEventListener("pagehide", () => this.call?.abandon());
  }

  get backend() {
    return this.backends.find((input) => input.checked).value;
  }

  set backend(name) {
    for (const input of this.backends) input.checked = input.value === name;
  }

  /** Makes a call with the microphone, or with what `open` gives; true when it is up. */
  async start(open = openMicrophone) {
    this.trouble(null);
    this.clear();
    this.show("asking", "Asking for the microphone …");
    let call = null;
    try {
      this.context = new AudioContext();
      this.stream = await open(this.context);
      call = this.call = new Call({
        backend: this.backend,
        stream: this.stream,
        onState: (state, trouble) => this.stateChanged(state, trouble),
        onStream: (stream) => this.hear(stream),
      });
      this.context.resume();
      this.own = new LevelMeter(this.context, this.stream);
      this.draw();
      await call.start();
      return true;
    } catch (error) {
      // Hung up while connecting, or told already.
      if (call?.state === "ended") return false;
      this.finish(error instanceof Trouble ? error
        : new Trouble("The call did not start", `The browser says: ${error.message}`));
      return false;
    }
  }

  async stop() {
    find("call").disabled = true;
    find("status").textContent = "Hanging up …";
    await this.call?.hangUp();
  }

  stateChanged(state, trouble) {
    if (state === "connecting") this.show("connecting", "Connecting …");
    if (state === "interrupted") this.show("connected", "Nothing comes back just now; waiting …");
    if (state === "connected") {
      const { connectMilliseconds } = this.call;
      this.show("connected", `Connected in ${connectMilliseconds} ms. ${words[this.backend]}`);
      this.timer ??= setInterval(() => this.measure(), 500);
      this.measure();
    }
    if (state === "ended") this.finish(trouble);
  }

  /** The answer's stream: to the ear and to the meter. */
  hear(stream) {
    find("ear").srcObject = stream;
    this.answer = new LevelMeter(this.context, stream);
    this.answerStream = stream;
  }

  /** Reads the figures of both sides; the transceiver's every other time. */
  async measure() {
    const { call } = this;
    this.turn = (this.turn ?? 0) + 1;
    try {
      const figures = await call.figures();
      if (call !== this.call) return;
      for (const [name, chart] of Object.entries(this.charts)) chart.add(figures[name]);
      if (this.turn % 2) {
        const server = await call.serverFigures();
        if (!server || call !== this.call) return;
        this.route.show(server);
        this.facts(figures, server);
      }
    } catch (error) {
      // One missed look is no reason to end a call whose voice may still flow.
      if (error instanceof Trouble && call === this.call) find("status").textContent = error.title;
    }
  }

  facts(figures, server) {
    const held = server.buffer_ms;
    const rows = [
      ["Packets heard", figures.packetsReceived],
      ["lost", figures.packetsLost],
      ["Packets at the server", server.packets_received],
      ["lost", server.packets_lost],
      ["Held back against jitter", held === null ? null : `${Math.round(held)} ms`],
      ["Encryption", server.srtp_profile ?? figures.srtpCipher],
      ["Call", server.id],
    ];
    find("facts").replaceChildren(...rows.filter(([, value]) => value !== null).map(fact));
  }

  /** The levels, once per frame of the screen. */
  draw() {
    if (!this.own) return;
    const levels = [this.own.read(), this.answer?.read() ?? -90];
    this.voices.add(...levels, performance.now());
    meterIds.forEach((id, index) => {
      const level = Math.round(levels[index]);
      find(id).textContent = level <= -60 ? "quiet" : `${level} dB`;
      find(id).setAttribute("aria-valuenow", Math.max(-60, level));
    });
    requestAnimationFrame(() => this.draw());
  }

  /** Back to where a call can be started; with a trouble, it is told. */
  finish(reason) {
    clearInterval(this.timer);
    const trouble = this.call?.leaving ? null : reason;
    this.call?.end(trouble);
    this.own?.close();
    this.answer?.close();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.context?.close();
    this.call = this.own = this.answer = this.stream = this.context = this.timer = null;
    this.lastTrouble = trouble;
    this.trouble(trouble);
    this.route.clear();
    for (const id of meterIds) find(id).textContent = "–";
    this.show("idle", trouble ? "No call." : "The call has ended. Start another when you like.");
  }

  clear() {
    this.voices.clear();
    this.turn = 0;
    this.lastTrouble = null;
    for (const chart of Object.values(this.charts)) chart.clear();
    find("facts").replaceChildren();
  }

  show(state, text) {
    find("main").dataset.state = state;
    find("status").textContent = text;
    find("call-label").textContent = labels[state];
    find("call").disabled = state === "asking";
    document.querySelector("fieldset").disabled = state !== "idle";
  }

  trouble(trouble) {
    find("trouble").hidden = !trouble;
    find("trouble-title").textContent = trouble?.title ?? "";
    find("trouble-text").textContent = trouble?.message ?? "";
  }
}

function fact([name, value]) {
  const row = document.createElement("div");
  const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = name;
  detail.textContent = value;
  row.append(term, detail);
  return row;
}

const page = new Page();
const parameters = new URLSearchParams(location.search);
if (parameters.has("backend")) page.backend = parameters.get("backend");
if (parameters.get("autostart") === "1") runCheck(page, parameters);
