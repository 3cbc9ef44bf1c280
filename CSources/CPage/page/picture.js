// The pictures: two voices over time, the route, and a minute of each figure.

const voiceSeconds = 8;
const voicesPerSecond = 25;
const chartPoints = 120;
const chartPointsMin = 30;

/** Loudness of both voices, scrolling: yours above the line, the answer below. */
export class VoicesPicture {
  constructor(canvas) {
    this.canvas = canvas;
    this.bars = [];
    this.due = 0;
    addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  /** Takes levels in dB below full scale; draws one bar at most every 40 ms. */
  add(you, answer, now) {
    if (now < this.due) return;
    this.due = now + 1000 / voicesPerSecond;
    this.bars.push([height(you), height(answer)]);
    if (this.bars.length > voiceSeconds * voicesPerSecond) this.bars.shift();
    this.draw();
  }

  clear() {
    this.bars = [];
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const scale = devicePixelRatio || 1;
    const [width, tall] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * scale;
    canvas.height = tall * scale;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    pen.scale(scale, scale);
    const middle = tall / 2;
    const step = width / (voiceSeconds * voicesPerSecond);
    const bar = Math.max(1.5, step * 0.6);
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(0, middle - 0.5, width, 1);
    if (this.bars.every((pair) => pair[0] + pair[1] < 0.02)) this.drawRest(pen, middle, step, bar);
    const left = width - this.bars.length * step;
    for (const [index, name] of ["--you", "--answer"].entries()) {
      pen.fillStyle = style.getPropertyValue(name);
      this.bars.forEach((pair, place) => {
        const long = pair[index] * (middle - 4);
        if (long < 0.5) return;
        const x = left + place * step;
        pen.beginPath();
        pen.roundRect(x, index ? middle + 2 : middle - 2 - long, bar, long, bar / 2);
        pen.fill();
      });
    }
  }

  /** Before the first sound: a faint ripple, so that the empty picture tells what it is for. */
  drawRest(pen, middle, step, bar) {
    for (let place = 0; place < voiceSeconds * voicesPerSecond; place++) {
      const swell = Math.sin(place / 9) * Math.sin(place / 31) ** 2;
      const long = 3 + 16 * Math.abs(swell) * (0.7 + 0.3 * Math.sin(place * 1.7));
      const top = swell > 0 ? middle - 2 - long : middle + 2;
      pen.beginPath();
      pen.roundRect(place * step, top, bar, long, bar / 2);
      pen.fill();
    }
  }
}

/** A level as a share of the picture: -60 dB is nothing, -6 dB is all. */
function height(level) {
  return Math.min(1, Math.max(0, (level + 60) / 54)) ** 1.4;
}

/** One figure: its number, and a minute of it as a line. */
export class FigureChart {
  constructor(element, { floor, digits }) {
    this.number = element.querySelector("b");
    this.line = element.querySelector(".line");
    this.area = element.querySelector(".area");
    this.floor = floor;
    this.digits = digits;
    this.clear();
  }

  clear() {
    this.values = [];
    this.number.textContent = "–";
    this.line.setAttribute("d", "");
    this.area.setAttribute("d", "");
  }

  /** Takes the next value; null when there is none (yet). */
  add(value) {
    if (value === null && !this.values.length) return;
    this.values.push(value ?? this.values.at(-1));
    if (this.values.length > chartPoints) this.values.shift();
    this.number.textContent = this.values.at(-1).toFixed(this.digits);
    this.draw();
  }

  draw() {
    const top = Math.max(this.floor, ...this.values) * 1.15;
    const step = 240 / (Math.max(this.values.length, chartPointsMin) - 1);
    const left = 240 - (this.values.length - 1) * step;
    const points = this.values.map((value, index) =>
      `${(left + index * step).toFixed(1)} ${(58 - 54 * value / top).toFixed(1)}`);
    this.line.setAttribute("d", `M${points.join("L")}`);
    this.area.setAttribute("d", `M${left.toFixed(1)} 60L${points.join("L")}L240 60Z`);
  }
}

/** The route: which relay and worker, which transceiver and shard. */
export class RoutePicture {
  constructor(document) {
    this.parts = ["browser", "relay", "worker", "transceiver", "shard", "note"]
      .map((name) => document.getElementById(`route-${name}`));
    this.words = this.parts.map((part) => part.textContent);
  }

  clear() {
    this.parts.forEach((part, index) => { part.textContent = this.words[index]; });
  }

  /** Takes what the transceiver says of the call. */
  show({ route, backend }) {
    const [browser, relay, worker, transceiver, shard, note] = this.parts;
    const known = (value) => value !== null && value !== undefined;
    if (known(route.client)) browser.textContent = `seen as ${route.client}`;
    if (known(route.relay)) relay.textContent = `Relay ${route.relay}`;
    const port = route.relay_worker;
    if (known(port)) worker.textContent = `worker at trunk port ${port}`;
    transceiver.textContent = `Transceiver ${route.transceiver_node}`;
    shard.textContent = `shard ${route.transceiver_shard}, ${backend}`;
    note.textContent = "as this call takes it";
  }
}
