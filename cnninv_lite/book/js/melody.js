// Step by step: iterative hard thresholding finds the places of the notes of a melody; to look at and to listen to.

function render({ model, el }) {
  const { K, ell: l, stride: t, D, rate, low, k } = model.get("sizes"), size = { K, M: 1, l, t, D, n: Math.floor((D - l) / t) + 1 }, { n } = size;
  const w = new Float64Array(K * l);
  for (let i = 0; i < K; i++) { // as the cell of the chapter does
    const pitch = low * 2 ** (i / 12), tone = w.subarray(i * l, (i + 1) * l);
    for (let j = 0; j < l; j++) {
      const s = j / rate, swell = Math.min(1, s / 0.008) * Math.exp(-4 * s) * Math.min(1, (l / rate - s) / 0.03);
      for (let o = 1; o <= 5 && o * pitch < rate / 2; o++) tone[j] += swell * Math.sin(2 * Math.PI * o * pitch * s);
    }
    const norm = Math.sqrt(tone.reduce((sum, v) => sum + v * v, 0));
    tone.forEach((v, j) => { tone[j] = v / norm; });
  }
  const codeOf = (notes) => { const z = new Float64Array(K * n); for (const [i, p, v] of notes) z[i * n + p] = v; return z; };
  const distance = (a, b) => Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / b.reduce((sum, v) => sum + v * v, 0));
  const tunes = model.get("tunes");
  let seed = 7, tune = 0, truth, x, history, j = 0, player, context, playing, mu = 1;
  const random = () => { seed = (seed * 48271) % 2147483647; return seed / 2147483647; };

  /** The projection onto codes with one entry for each filter and k in all. */
  function project(u) {
    const peaks = Array.from({ length: K }, (_, i) => { let at = i * n; for (let p = at; p < (i + 1) * n; p++) if (Math.abs(u[p]) > Math.abs(u[at])) at = p; return at; });
    const z = new Float64Array(K * n);
    for (const at of peaks.sort((a, b) => Math.abs(u[b]) - Math.abs(u[a]) || a - b).slice(0, k)) z[at] = u[at];
    return z;
  }
  function step() { // the next one is computed once; those before it are kept
    const { z, back } = history[j];
    if (!history[j + 1]) {
      const missing = analyse1(w, size, x.map((v, r) => v - back[r])), next = project(z.map((v, i) => v + mu * missing[i]));
      const heard = synthesise1(w, size, next);
      history.push({ z: next, back: heard, error: distance(heard, x) });
    }
    j++;
  }
  function begin() { history = [{ z: new Float64Array(K * n), back: new Float64Array(D), error: 1 }]; j = 0; }
  function compose(notes) { truth = codeOf(notes); x = synthesise1(w, size, truth); begin(); }

  const figure = host(el, "melody", `<div class="controls">
    <div><div class="label">Steps</div><button type="button" class="back">Start over</button> <button type="button" class="step">Step</button>
      <button type="button" class="play" aria-pressed="false">Play</button></div>
    <fieldset><legend>Step size μ</legend><div class="choice"><label><input type="radio" name="live-mu" value="1" checked>1</label>
      <label><input type="radio" name="live-mu" value="0.5">½</label></div></fieldset>
    <div><div class="label">Melody</div><button type="button" class="other">Another one</button></div>
    <div><div class="label">Listen to</div><button type="button" class="hear" value="original">the original</button>
      <button type="button" class="hear" value="now">this step</button> <button type="button" class="hear" value="lost">step 1, places lost</button>
      <button type="button" class="quiet">stop</button></div></div>
    <svg></svg><p class="says" aria-live="polite"></p>`);
  const at = (selector) => figure.querySelector(selector), ROLL = 18, CELL = 8, WAVE = ROLL + K * CELL + 30, ERRORS = WAVE + 92;
  const paper = drawing(figure, ERRORS + 90, "The notes of the melody and those that were found; the signal; the error after each step");

  /** The samples of what can be heard, with the largest at 0.8. */
  function samples(what) {
    let y = what === "original" ? x : history[j].back;
    if (what === "lost") { // the values of one layer, all at the first position
      const z = new Float64Array(K * n), first = project(analyse1(w, size, x));
      for (let i = 0; i < K; i++) z[i * n] = first.subarray(i * n, (i + 1) * n).reduce((sum, v) => sum + v, 0);
      y = synthesise1(w, size, z);
    }
    const peak = y.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-9);
    return Float32Array.from(y, (v) => (0.8 * v) / peak);
  }
  function hush() { try { playing?.stop(); } catch { /* it had not begun */ } playing = null; }
  function hear(what) {
    hush();
    context ||= new AudioContext(); // only now: browsers want a click first
    context.resume();
    const buffer = context.createBuffer(1, D, rate);
    buffer.copyToChannel(samples(what), 0);
    playing = context.createBufferSource();
    playing.buffer = buffer;
    playing.connect(context.destination);
    playing.start();
    figure.dataset.heard = what;
  }

  function draw() {
    const { z, back, error } = history[j], width = paper.width, LEFT = 34, X = (p) => LEFT + (p + 1) * ((width - LEFT - 8) / (n + 1)), Y = (i) => ROLL + (K - i - 0.5) * CELL;
    let html = `<text x="0" y="11">○ a note that is played, ● a note that is found</text>`, right = 0, wrong = 0;
    for (let i = 0; i < K; i++) {
      html += `<line x1="${LEFT}" x2="${width - 8}" y1="${Y(i)}" y2="${Y(i)}" stroke="var(--edge)" stroke-width=".5"/>`;
      for (let p = 0; p < n; p++) {
        const played = truth[i * n + p], v = z[i * n + p];
        if (played) html += `<circle cx="${X(p)}" cy="${Y(i)}" r="6.5" fill="none" stroke="var(--x)" stroke-width="2"/>`;
        if (v) { html += `<circle cx="${X(p)}" cy="${Y(i)}" r="${Math.min(5, 1.5 + 3 * Math.abs(v))}" fill="var(--z)"/>`; if (played) right++; else wrong++; }
      }
    }
    const wave = (y, colour, top) => { // the range of the samples at each pixel
      const each = D / (width - LEFT - 8), most = x.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
      let d = "";
      for (let c = 0; c < width - LEFT - 8; c++) {
        let min = 0, max = 0;
        for (let r = Math.floor(c * each); r < (c + 1) * each && r < D; r++) { min = Math.min(min, y[r]); max = Math.max(max, y[r]); }
        d += `M${LEFT + c},${top - 24 * clamp(max / most, -1, 1)}V${top - 24 * clamp(min / most, -1, 1) + 0.5}`;
      }
      return `<path d="${d}" stroke="${colour}"/>`;
    };
    html += `<text x="0" y="${WAVE + 4}">x</text>${wave(x, "var(--x)", WAVE)}<text x="0" y="${WAVE + 48}">x̂</text>${wave(back, "var(--back)", WAVE + 44)}`;
    const shown = history.slice(0, j + 1), E = (e) => ERRORS + 70 - 16 * clamp(Math.log10(e) + 3, 0, 4.2), S = (i) => LEFT + 12 + i * Math.min(26, (width - LEFT - 30) / Math.max(12, j));
    for (const e of [1, 0.1, 0.01]) html += `<text x="0" y="${E(e) + 4}">${e}</text><line x1="${LEFT}" x2="${width - 8}" y1="${E(e)}" y2="${E(e)}" stroke="var(--edge)" stroke-width=".7"/>`;
    html += `<path d="${line(shown, S, (h) => E(h.error))}" fill="none" stroke="var(--back)" stroke-width="2"/>`
      + shown.map((h, i) => `<circle cx="${S(i)}" cy="${E(h.error)}" r="3.5" fill="var(--back)"/>`).join("") + `<text x="${LEFT}" y="${ERRORS + 86}">relative error after each step</text>`;
    paper.show(html);
    const stuck = j > 1 && Math.abs(history[j - 1].error - error) < 1e-4 * error, count = truth.filter(Boolean).length;
    at(".says").textContent = j === 0 ? "No note has been found yet. The first step is one layer with pooling."
      : `Step ${j}: ${right} of ${count} notes stand at their places${wrong ? `, ${wrong} elsewhere` : ""}; the relative error is ${error < 0.001 ? error.toExponential(0).replace("-", "−") : error.toPrecision(2)}. `
        + (error > 3 ? "The iteration diverges: W does not nearly preserve norms on this support. Try half the step size." : error < 1e-3 ? "The code is found."
          : stuck ? "The iteration has stopped at a wrong code." : j === 1 ? "This step is one layer with pooling, and its transpose." : "");
    at(".step").disabled = error > 100 || j > 60;
    at(".back").disabled = j === 0;
    Object.assign(figure, { result: { z, x, back, error, w, truth }, samples });
    Object.assign(figure.dataset, { step: j, error });
  }
  function pause() { clearInterval(player); player = null; at(".play").setAttribute("aria-pressed", false); at(".play").textContent = "Play"; }
  at(".step").addEventListener("click", () => { pause(); step(); draw(); });
  at(".back").addEventListener("click", () => { pause(); begin(); draw(); });
  at(".play").addEventListener("click", () => {
    if (player) return pause();
    if (at(".step").disabled || history[j].error < 1e-3) begin();
    at(".play").setAttribute("aria-pressed", true);
    at(".play").textContent = "Pause";
    player = setInterval(() => { step(); draw(); if (at(".step").disabled || history[j].error < 1e-3 || j >= 40) pause(); }, 700);
  });
  at(".other").addEventListener("click", () => {
    pause();
    tune++;
    if (tunes[tune]) { compose(tunes[tune]); return draw(); }
    const shuffled = (m) => Array.from({ length: m }, (_, i) => [random(), i]).sort((a, b) => a[0] - b[0]).map(([, i]) => i);
    const times = shuffled(n).slice(0, k).sort((a, b) => a - b);
    compose(shuffled(K).slice(0, k).map((i, c) => [i, times[c], 0.5 + random() / 2]));
    draw();
  });
  figure.addEventListener("input", (event) => { pause(); mu = +event.target.value; begin(); draw(); });
  for (const button of figure.querySelectorAll(".hear")) button.addEventListener("click", () => hear(button.value));
  at(".quiet").addEventListener("click", hush);
  compose(tunes[0]);
  step();
  draw();
  const forget = onLook(figure, draw);
  return () => { forget(); pause(); hush(); context?.close(); };
}

export default { render };
