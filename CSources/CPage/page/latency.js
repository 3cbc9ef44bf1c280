// Where a call's time goes: its set-up, the times to an answer, and the events that passed.

const moments = [
  ["first_stun_ms", "First check arrived"],
  ["dtls_ms", "Keys agreed on"],
  ["first_audio_out_ms", "First voice out"],
  ["first_audio_in_ms", "First voice in"],
];
const answersMax = 16;
const eventsMax = 8;

const element = (name, text = "", kind = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = kind;
  return made;
};

/** The set-up as a time line: a row for each moment, in the order of time. */
export class SetUpPicture {
  constructor(list) {
    this.list = list;
    this.show({});
  }

  /** Takes the latency figures of the transceiver. */
  show(latency) {
    const known = moments.map(([name, words]) => [latency[name] ?? null, words]);
    const end = Math.max(1, ...known.map(([at]) => at ?? 0));
    let before = 0;
    this.list.replaceChildren(...known.map(([at, words]) => {
      const row = element("li");
      const bar = element("i");
      const from = at === null ? 0 : Math.min(before, at);
      bar.style.setProperty("--from", `${100 * from / end}%`);
      bar.style.setProperty("--to", `${100 * (at ?? 0) / end}%`);
      row.classList.toggle("unknown", at === null);
      row.append(element("span", words), bar, element("b", at === null ? "–" : String(at)));
      before = at ?? before;
      return row;
    }));
  }
}

/** The last times to an answer, a bar each; beside them the last one as a number. */
export class AnswersPicture {
  constructor(list, line) {
    this.list = list;
    [this.number, this.words] = [line.querySelector("b"), line.querySelector("span")];
    this.show({});
  }

  show({ voice_to_voice_last_ms: times = [], voice_to_voice_mean_ms: mean, answers = 0,
    voice_to_voice_max_ms: longest }) {
    this.number.textContent = times.at(-1) ?? "–";
    this.words.textContent = !answers ? "" : answers === 1 ? "one answer so far"
      : `${answers} answers, mean ${mean}, max ${longest}`;
    const top = Math.max(1, ...times);
    const bars = times.map((time) => {
      const bar = element("li");
      bar.style.setProperty("--height", `${100 * time / top}%`);
      bar.title = `${time} ms`;
      return bar;
    });
    const empty = Array.from({ length: answersMax - bars.length }, () => element("li", "", "none"));
    this.list.replaceChildren(...bars, ...empty);
  }
}

/** The last events of the data channel, the newest first; a run of one kind takes one line. */
export class EventList {
  constructor(list) {
    this.list = list;
    this.clear();
  }

  clear() {
    this.last = null;
    this.list.replaceChildren(element("li", "None yet.", "none"));
  }

  /** `sent`: by this page; `seconds`: since the call was begun. */
  add(event, sent, seconds) {
    if (!this.last) this.list.replaceChildren();
    if (this.last?.type === event.type && this.last.sent === sent) {
      this.last.count += 1;
    } else {
      const row = element("li", "", sent ? "sent" : "received");
      const parts = [element("time"), element("i", sent ? "→" : "←"), element("span")];
      row.append(...parts);
      this.list.prepend(row);
      this.last = { type: event.type, sent, count: 1, parts };
      while (this.list.children.length > eventsMax) this.list.lastChild.remove();
    }
    const { count, parts: [time, , words] } = this.last;
    const detail = event.error?.message ?? event.transcript ?? "";
    const run = count > 1 ? `× ${count}` : "";
    time.textContent = `${seconds.toFixed(2)} s`;
    words.textContent = [event.type, run, detail].filter(Boolean).join(" ");
  }
}
