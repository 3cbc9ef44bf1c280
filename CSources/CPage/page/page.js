// Joins the button, the call and the pictures.

import { Call, offeredBackends } from "./call.js";
import { runCheck } from "./check.js";
import { AnswersPicture, EventList, SetUpPicture } from "./latency.js";
import { FigureChart, RoutePicture, VoicesPicture } from "./picture.js";
import { LevelMeter, Trouble, openMicrophone } from "./sound.js";

const find = (id) => document.getElementById(id);

const meterIds = ["level-you", "level-answer"];

const labels = {
  idle: "Start talking", asking: "Waiting for you", connecting: "Cancel", connected: "Hang up",
};

// Of each backend: its name, what it is, and what to do once it is on the line.
const backendWords = {
  echo: ["Echo", "Your voice comes straight back.", "Say something: it comes straight back."],
  parrot: ["Parrot", "Waits until you pause, then says it back. Interrupt it: it stops.",
    "Say something, then pause: it is said back to you."],
  realtime: ["Voice service", "The AI service that this server was given.",
    "Talk to it; interrupt it as you like."],
  audiosocket: ["AudioSocket", "The service behind this server’s AudioSocket.", "Talk to it."],
};

class Page {
  constructor() {
    this.voices = new VoicesPicture(find("voices"));
    this.route = new RoutePicture(document);
    this.charts = {
      roundTripMilliseconds: new FigureChart(find("figure-roundtrip"), { floor: 5, digits: 1 }),
      jitterMilliseconds: new FigureChart(find("figure-jitter"), { floor: 5, digits: 1 }),
      lossPercent: new FigureChart(find("figure-loss"), { floor: 2, digits: 1 }),
      bufferMilliseconds: new FigureChart(find("figure-buffer"), { floor: 40, digits: 0 }),
      pacerMilliseconds: new FigureChart(find("figure-pacer"), { floor: 100, digits: 0 }),
    };
    this.setUp = new SetUpPicture(find("timeline"));
    this.answers = new AnswersPicture(find("answers"), find("answers-now"));
    this.events = new EventList(find("events"));
    this.backends = [];
    find("call").addEventListener("click", () => (this.call ? this.stop() : this.start()));
    addEventListener("pagehide", () => this.call?.abandon());
  }

  get backend() {
    return this.backends.find((input) => input.checked)?.value ?? this.wanted;
  }

  /** Offers the backends that the server has; the first is its own choice. */
  async offerBackends(wanted) {
    const names = await offeredBackends().catch(() => []);
    this.wanted = wanted ?? names[0] ?? "echo";
    const choices = names.map((name) => backendChoice(name, name === this.wanted));
    this.backends = choices.map((choice) => choice.querySelector("input"));
    find("backends").replaceChildren(...choices);
    document.querySelector("fieldset").hidden = !names.length;
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
        onEvent: (...event) => this.events.add(...event),
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
      this.show("connected", `Connected in ${connectMilliseconds} ms. ${hint(this.backend)}`);
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
      const server = this.turn % 2 ? await call.serverFigures() : null;
      if (call !== this.call) return;
      this.server = server ?? this.server;
      figures.bufferMilliseconds = this.server?.buffer_ms ?? null;
      figures.pacerMilliseconds = this.server?.pacer_ms ?? null;
      for (const [name, chart] of Object.entries(this.charts)) chart.add(figures[name]);
      if (this.server) this.showServer(figures, this.server);
    } catch (error) {
      // One missed look is no reason to end a call whose voice may still flow.
      if (error instanceof Trouble && call === this.call) find("status").textContent = error.title;
    }
  }

  showServer(figures, server) {
    this.route.show(server);
    this.setUp.show(server.latency);
    this.answers.show(server.latency);
    this.facts(figures, server);
  }

  facts(figures, server) {
    const held = server.buffer_target_ms;
    const agreed = this.call.sessionMilliseconds;
    const { channels } = server;
    const passed = channels && `${channels.events_received} in, ${channels.events_sent} out`;
    const bytes = channels?.message_bytes_received + channels?.message_bytes_sent;
    const rows = [
      ["Session confirmed after", agreed === null ? null : `${agreed} ms`],
      ["Packets heard", figures.packetsReceived],
      ["lost", figures.packetsLost],
      ["Packets at the server", server.packets_received],
      ["lost", server.packets_lost],
      ["Held back against jitter", held === null ? null : `${Math.round(held)} ms`],
      ["Events at the server", channels && (channels.lost ?? passed)],
      ["bytes in them", channels && bytes],
      ["Sent so, for the network’s sake", sent(this.call.sendings.at(-1))],
      ["Encryption", server.srtp_profile ?? figures.srtpCipher],
      ["Call", server.id],
    ];
    find("facts").replaceChildren(...rows.filter(([, value]) => value !== null).map(fact));
  }

  /** What the pictures of the call's times show just now, in words: for tests. */
  shown() {
    const texts = (list) => [...find(list).children].map((row) =>
      [...row.children].map((part) => part.textContent).filter(Boolean));
    const chart = ({ number, values }) => ({ now: number.textContent, most: Math.max(...values) });
    const bars = [...find("answers").children].filter((bar) => bar.title);
    return {
      backends: this.backends.map((input) => input.value),
      setUp: Object.fromEntries(texts("timeline")),
      events: texts("events"),
      answers: bars.map((bar) => ({ title: bar.title, height: bar.clientHeight })),
      answerNow: find("answers-now").querySelector("b").textContent,
      buffer: chart(this.charts.bufferMilliseconds),
      pacer: chart(this.charts.pacerMilliseconds),
    };
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
    this.server = null;
    this.setUp.show({});
    this.answers.show({});
    this.events.clear();
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

function hint(backend) {
  return backendWords[backend]?.[2] ?? "";
}

/** A backend to choose, as one of a row of cards. */
function backendChoice(name, isChosen) {
  const choice = document.createElement("label");
  const [input, text, title] = ["input", "span", "strong"].map((n) => document.createElement(n));
  Object.assign(input, { type: "radio", name: "backend", value: name, checked: isChosen });
  const [called, what] = backendWords[name] ?? [name, ""];
  title.textContent = called;
  text.append(title, ` ${what}`);
  choice.append(input, text);
  return choice;
}

/** How voice is sent, in a few words; null where the network has asked for nothing. */
function sent(sending) {
  if (!sending) return null;
  const { bitsPerSecond, packetMilliseconds, red } = sending;
  return `${bitsPerSecond / 1000} kbit/s, ${packetMilliseconds} ms a packet${red ? ", twice" : ""}`;
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
await page.offerBackends(parameters.get("backend"));
if (parameters.get("autostart") === "1") runCheck(page, parameters);
