// Sound in and out: the microphone or a test tone, loudness, and the measurement of a tone.

/** What went wrong, in words for the person at the page. */
export class Trouble extends Error {
  constructor(title, text) {
    super(text);
    this.title = title;
  }
}

const microphoneTroubles = {
  NotAllowedError: ["The microphone is not allowed",
    "Allow it for this page (the symbol beside the address), then start again."],
  NotFoundError: ["There is no microphone",
    "Plug one in, or choose one in the system’s sound settings, then start again."],
  NotReadableError: ["The microphone is busy",
    "Another program holds it. Close that program, then start again."],
};

/** The person's microphone as a MediaStream; throws Trouble. */
export async function openMicrophone() {
  if (!navigator.mediaDevices) {
    throw new Trouble("This address gives no access to the microphone",
      "Browsers allow it on https and on localhost only. Open this page as http://localhost:PORT.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    const [title, text] = microphoneTroubles[error.name]
      ?? ["The microphone does not open", `The browser says: ${error.message}`];
    throw new Trouble(title, text);
  }
}

/**
 * A sine as a MediaStream, for tests: `hertz` at a peak of a quarter of full scale. With `turns` it
 * is heard so many times, two seconds each, with three seconds of silence before each.
 */
export function openTone(context, hertz, turns = 0) {
  const oscillator = new OscillatorNode(context, { frequency: hertz });
  const gain = new GainNode(context, { gain: turns ? 0 : 0.25 });
  for (let turn = 0; turn < turns; turn++) {
    gain.gain.setValueAtTime(0.25, context.currentTime + 5 * turn + 3);
    gain.gain.setValueAtTime(0, context.currentTime + 5 * turn + 5);
  }
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  return destination.stream;
}

/** Loudness of a stream, asked for as often as a picture is drawn. */
export class LevelMeter {
  constructor(context, stream) {
    this.analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.source = context.createMediaStreamSource(stream);
    this.source.connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  /** Root mean square of the last 20 ms or so, in dB below full scale; -90 for silence. */
  read() {
    this.analyser.getFloatTimeDomainData(this.samples);
    return decibels(this.samples);
  }

  close() {
    this.source.disconnect();
  }
}

function decibels(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.max(-90, 10 * Math.log10(sum / samples.length + 1e-12));
}

/** Measures the strongest tone of a stream by many looks at its spectrum. */
export class ToneMeter {
  constructor(context, stream) {
    this.context = context;
    this.analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    this.source = context.createMediaStreamSource(stream);
    this.source.connect(this.analyser);
    this.spectrum = new Float32Array(this.analyser.frequencyBinCount);
    this.samples = new Float32Array(this.analyser.fftSize);
    this.looks = [];
  }

  /** Takes one look; silent ones are not counted. */
  look() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const level = decibels(this.samples);
    if (level < -70) return;
    this.analyser.getFloatFrequencyData(this.spectrum);
    this.looks.push({ hertz: this.peak(), level });
  }

  /** The peak's place between the bins, by the parabola through it and its neighbours. */
  peak() {
    const bins = this.spectrum;
    let best = 1;
    for (let i = 2; i < bins.length - 1; i++) if (bins[i] > bins[best]) best = i;
    const [left, top, right] = [bins[best - 1], bins[best], bins[best + 1]];
    const bend = left - 2 * top + right;
    const shift = bend ? (left - right) / (2 * bend) : 0;
    return (best + shift) * this.context.sampleRate / this.analyser.fftSize;
  }

  /** The medians of all looks; nulls when there was only silence. */
  result() {
    const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? null;
    return {
      hertz: median(this.looks.map((look) => look.hertz)),
      level: median(this.looks.map((look) => look.level)),
    };
  }
}
