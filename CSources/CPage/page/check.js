// A call without a person, for tests: the page's address says what to do, e.g.
//   /?autostart=1&tone=440&seconds=10&backend=echo&report=http://127.0.0.1:9000/result
// `tone` sends a sine of so many hertz (without it: the microphone), in `turns` with silence in
// between when that is given, `seconds` is how long the call lasts, `report` is where the result
// goes as a JSON POST.

import { ToneMeter, openMicrophone, openTone } from "./sound.js";

const settleMilliseconds = 1000;
const lookMilliseconds = 100;

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Makes the call, measures what comes back, hangs up, reports. */
export async function runCheck(page, parameters) {
  const hertz = Number(parameters.get("tone"));
  const turns = Number(parameters.get("turns") ?? 0);
  const seconds = Number(parameters.get("seconds") ?? 10);
  const result = emptyResult();
  const open = hertz ? (context) => openTone(context, hertz, turns) : openMicrophone;
  if (await page.start(open)) {
    result.connected = true;
    result.connectMilliseconds = page.call.connectMilliseconds;
    await measure(page, seconds, result);
    result.shown = page.shown();
    result.sessionMilliseconds = page.call?.sessionMilliseconds ?? null;
    if (page.call) await page.stop();
  }
  const trouble = page.lastTrouble;
  result.error = trouble ? `${trouble.title}: ${trouble.message}` : null;
  await report(parameters.get("report"), result);
}

function emptyResult() {
  return {
    connected: false, connectMilliseconds: null, sessionMilliseconds: null,
    toneHertz: null, toneLevelDbfs: null,
    sentLevelDbfs: null, audioContext: null,
    packetsReceived: 0, packetsLost: 0, seconds: 0, roundTripMilliseconds: null,
    jitterMilliseconds: null, srtpCipher: null, callID: null, error: null, shown: null,
    sendings: [],
    userAgent: navigator.userAgent,
  };
}

/** Listens for `seconds`, or until the call ends by itself. */
async function measure(page, seconds, result) {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  result.callID = page.call.id;
  result.sendings = page.call.sendings;
  await pause(Math.min(settleMilliseconds, seconds * 500));
  const meter = page.answerStream && page.context
    ? new ToneMeter(page.context, page.answerStream) : null;
  while (page.call && elapsed() < seconds) {
    await pause(lookMilliseconds);
    if (!page.call) break;
    meter?.look();
    result.sentLevelDbfs = page.own.read();
    result.audioContext = page.context.state;
    const figures = await page.call.figures();
    for (const name of ["packetsReceived", "packetsLost", "roundTripMilliseconds",
      "jitterMilliseconds", "srtpCipher"]) result[name] = figures[name];
  }
  result.seconds = Math.round(elapsed() * 10) / 10;
  const { hertz, level } = meter?.result() ?? {};
  result.toneHertz = hertz ?? null;
  result.toneLevelDbfs = level ?? null;
}

/** POSTs the result; as plain text, so that no preflight is needed at another origin. */
async function report(url, result) {
  document.documentElement.dataset.result = JSON.stringify(result);
  if (!url) return;
  await fetch(url, { method: "POST", mode: "no-cors", body: JSON.stringify(result) });
}
