// "Throw it away, get it back": one layer with ReLU and max pooling, and back by the transpose, on a picture.

/** The computation. It closes over nothing: a worker is made from its text. */
function engine() {
  /** h[k, p, q] = sum over a, b of w[k, a, b] x[p + a, q + b], for x of D by D and K filters of l by l. */
  function analyse(x, D, w, l) {
    const n = D - l + 1, K = w.length / (l * l), h = new Float64Array(K * n * n);
    for (let k = 0; k < K; k++) {
      for (let p = 0; p < n; p++) {
        const out = h.subarray((k * n + p) * n, (k * n + p + 1) * n);
        for (let a = 0; a < l; a++) {
          const row = (p + a) * D, tap = (k * l + a) * l;
          let b = 0;
          for (; b + 3 < l; b += 4) { // four taps at a time: the result is loaded and stored a quarter as often
            const w0 = w[tap + b], w1 = w[tap + b + 1], w2 = w[tap + b + 2], w3 = w[tap + b + 3];
            for (let q = 0, i = row + b; q < n; q++, i++) {
              out[q] += w0 * x[i] + w1 * x[i + 1] + w2 * x[i + 2] + w3 * x[i + 3];
            }
          }
          for (; b < l; b++) for (let q = 0, i = row + b; q < n; q++, i++) out[q] += w[tap + b] * x[i];
        }
      }
    }
    return h;
  }

  /** The largest entry of each window of g by g, after ReLU, and its place in the block of n by n. */
  function pool(h, n, K, g) {
    const m = Math.ceil(n / g), values = new Float64Array(K * m * m), places = new Int32Array(K * m * m);
    for (let k = 0, o = 0; k < K; k++) {
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < m; c++, o++) {
          const bottom = Math.min(n, (r + 1) * g), right = Math.min(n, (c + 1) * g);
          let best = -1;
          for (let i = r * g; i < bottom; i++) {
            for (let j = c * g; j < right; j++) {
              const v = Math.max(0, h[(k * n + i) * n + j]);
              if (v > best) { best = v; places[o] = i * n + j; }
            }
          }
          values[o] = best;
        }
      }
    }
    return { values, places };
  }

  /** The code of K by n by n: each value at its place, in the middle of its window, or spread over the window. */
  function unpool(values, places, n, K, g, way) {
    const m = Math.ceil(n / g), z = new Float64Array(K * n * n), middle = g >> 1;
    for (let k = 0, o = 0; k < K; k++) {
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < m; c++, o++) {
          const block = k * n * n, v = values[o];
          if (way === "fixed") z[block + Math.min(r * g + middle, n - 1) * n + Math.min(c * g + middle, n - 1)] = v;
          else if (way === "spread") {
            const bottom = Math.min(n, (r + 1) * g), right = Math.min(n, (c + 1) * g);
            const each = v / Math.sqrt((bottom - r * g) * (right - c * g));
            for (let i = r * g; i < bottom; i++) z.fill(each, block + i * n + c * g, block + i * n + right);
          } else z[block + places[o]] = v;
        }
      }
    }
    return z;
  }

  /** W^T z. */
  function synthesise(z, D, w, l) {
    const n = D - l + 1, K = z.length / (n * n), x = new Float64Array(D * D);
    for (let k = 0, at = 0; k < K; k++) {
      for (let p = 0; p < n; p++) {
        for (let q = 0; q < n; q++, at++) {
          const v = z[at];
          if (v === 0) continue;
          for (let a = 0; a < l; a++) {
            const row = (p + a) * D + q, tap = (k * l + a) * l;
            for (let b = 0; b < l; b++) x[row + b] += v * w[tap + b];
          }
        }
      }
    }
    return x;
  }

  let D, cos, sin, band; // of the Fourier transform, by its definition: D is 96, no power of two
  function prepare(size) {
    if (D === size) return;
    D = size;
    cos = Float64Array.from({ length: D }, (_, i) => Math.cos((2 * Math.PI * i) / D));
    sin = Float64Array.from({ length: D }, (_, i) => Math.sin((2 * Math.PI * i) / D));
    const edges = Array.from({ length: 14 }, (_, i) => 0.01 * 71 ** (i / 13)), f = (i) => Math.min(i, D - i) / D;
    band = new Int32Array(D * (D / 2 + 1));
    for (let i = 0, o = 0; i < D; i++)
      for (let j = 0; j <= D / 2; j++, o++) band[o] = edges.filter((e) => Math.hypot(f(i), f(j)) >= e).length;
  }
  /** Multiplies by exp(-+ 2 pi i j k / D) along the rows, in place. */
  function columns(re, im, half, sign) {
    const a = new Float64Array(D), b = new Float64Array(D);
    for (let j = 0; j < half; j++) {
      for (let i = 0; i < D; i++) { a[i] = re[i * half + j]; b[i] = im[i * half + j]; }
      for (let k = 0; k < D; k++) {
        let u = 0, v = 0;
        for (let i = 0, t = 0; i < D; i++, t = (t + k) % D) {
          const s = sign * sin[t];
          u += a[i] * cos[t] - b[i] * s;
          v += a[i] * s + b[i] * cos[t];
        }
        re[k * half + j] = u;
        im[k * half + j] = v;
      }
    }
  }
  /** The Fourier transform of a real picture: the half of it that determines the other. */
  function forward(x) {
    const half = D / 2 + 1, re = new Float64Array(D * half), im = new Float64Array(D * half);
    for (let i = 0; i < D; i++) {
      for (let k = 0; k < half; k++) {
        let u = 0, v = 0;
        for (let j = 0, t = 0; j < D; j++, t = (t + k) % D) { u += x[i * D + j] * cos[t]; v -= x[i * D + j] * sin[t]; }
        re[i * half + k] = u;
        im[i * half + k] = v;
      }
    }
    columns(re, im, half, -1);
    return { re, im };
  }
  function backward({ re, im }) {
    const half = D / 2 + 1, x = new Float64Array(D * D);
    columns(re, im, half, 1);
    for (let i = 0; i < D; i++) {
      for (let j = 0; j < D; j++) {
        let v = 0;
        for (let k = 0, t = 0; k < half; k++, t = (t + j) % D) {
          v += (k % (D / 2) ? 2 : 1) * (re[i * half + k] * cos[t] - im[i * half + k] * sin[t]);
        }
        x[i * D + j] = v / (D * D);
      }
    }
    return x;
  }

  /** The result scaled by the best factors; for the places of another picture, to the energies of x. */
  function scale(back, x, perBand, energies) {
    prepare(Math.sqrt(x.length));
    const B = forward(back), X = forward(x), half = D / 2 + 1;
    const xx = new Float64Array(15), xb = new Float64Array(15), bb = new Float64Array(15);
    const which = (o) => (perBand ? band[o] : 0);
    for (let o = 0; o < band.length; o++) {
      const twice = (o % half) % (D / 2) ? 2 : 1, i = which(o);
      xx[i] += twice * (X.re[o] ** 2 + X.im[o] ** 2);
      xb[i] += twice * (X.re[o] * B.re[o] + X.im[o] * B.im[o]);
      bb[i] += twice * (B.re[o] ** 2 + B.im[o] ** 2);
    }
    const gain = bb.map((e, i) => (e > 0 ? (energies ? Math.sqrt(xx[i] / e) : xb[i] / e) : 0));
    for (let o = 0; o < band.length; o++) { B.re[o] *= gain[which(o)]; B.im[o] *= gain[which(o)]; }
    return backward(B);
  }

  function compare(a, b) { // the relative error of a to b, and their cosine
    let aa = 0, ab = 0, bb = 0, dd = 0;
    for (let i = 0; i < a.length; i++) { aa += a[i] ** 2; ab += a[i] * b[i]; bb += b[i] ** 2; dd += (a[i] - b[i]) ** 2; }
    return { error: Math.sqrt(dd / (bb || 1)), cosine: ab / (Math.sqrt(aa * bb) || 1) };
  }

  const kept = {}; // the last hidden units of each of the two pictures: a new window does not convolve again
  function hidden(slot, x, D, w, l) {
    const k = kept[slot];
    if (!k || k.x !== x || k.w !== w) kept[slot] = { x, w, h: analyse(x, D, w, l) };
    return kept[slot].h;
  }

  /** There and back: { x, other, w, l, K, g, way, perBand } -> the result, what was kept, how near it is. */
  function run({ x, other, w, l, K, g, way, perBand }) {
    const D = Math.sqrt(x.length), n = D - l + 1;
    const { values, places } = pool(hidden("x", x, D, w, l), n, K, g);
    const put = way === "other" ? pool(hidden("other", other, D, w, l), n, K, g).places : places;
    const z = unpool(values, put, n, K, g, way), used = w.subarray(0, K * l * l);
    const back = scale(synthesise(z, D, used, l), x, perBand, way === "other");
    const own = compare(back, x);
    return { back, values, map: z.slice(0, n * n), n, ...own, toOther: compare(back, other).cosine };
  }
  return { analyse, pool, unpool, synthesise, scale, run };
}

const WAYS = [["known", "its place"], ["fixed", "the middle of its window"], ["spread", "all of its window"], ["other", "a place of another picture"]];
const LAYER_STYLE = `
.live-layer .pictures { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: .8rem; }
.live-layer .pictures canvas { width: 100%; aspect-ratio: 1; display: block; border: 1px solid var(--edge); }
.live-layer.over .before { outline: 3px dashed var(--accent); }
.live-layer .pad { touch-action: none; cursor: crosshair; }
.live-layer input[type=file] { position: absolute; inset: 0; opacity: 0; width: 100%; cursor: pointer; }
.live-layer .file { position: relative; display: inline-block; border: 1px solid var(--edge); border-radius: .3rem; padding: .2rem .7rem; }
.live-layer .file:has(input:focus-visible) { outline: 3px solid var(--pst-color-accent, var(--accent)); outline-offset: 2px; }
.live-layer .way label { min-height: 2.9em; }
@container (max-width: 520px) {
  .live-layer .pictures { grid-template-columns: 1fr 1fr; }
  .live-layer .kept { order: 3; grid-column: 1 / -1; display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; }
}`;
let made = 0;

async function render({ model, el }) {
  const given = model.get("names"), names = [...given], start = model.get("setting");
  const D = model.get("pictures").shape[1], all = numbers(model.get("pictures"));
  const pictures = names.map((_, i) => all.slice(i * D * D, (i + 1) * D * D).map((v) => v / 255));
  const banks = {};
  for (const [name, w] of Object.entries(model.get("banks"))) banks[name] = { w: numbers(w), l: w.shape[2] };
  const id = `live-layer-${++made}`, computer = calculator(engine), pad = document.createElement("canvas");
  pad.width = pad.height = D;
  let current = names.indexOf(start.picture), lender = names.indexOf(start.other);

  const radios = (name, options, chosen) => options.map(([value, words]) => `<label><input type="radio" name="${id}-${name}"
    value="${value}" ${value === chosen ? "checked" : ""}>${words}${name === "way" ? "<small></small>" : ""}</label>`).join("");
  const figure = host(el, "layer", `<style>${LAYER_STYLE}</style>
  <div class="controls">
    <fieldset><legend>Picture</legend><div class="choice picture"></div></fieldset>
    <div><div class="label">Your own (it stays on this page)</div>
      <span class="file"><input type="file" accept="image/*" aria-label="Choose or drop a picture">Choose or drop</span>
      <button type="button" class="draw" aria-pressed="false">Draw</button></div>
  </div>
  <div class="pictures">
    <figure><canvas class="before" role="img"></canvas><figcaption></figcaption></figure>
    <figure class="kept"><canvas class="maps" role="img"></canvas><figcaption></figcaption></figure>
    <figure><canvas class="after" role="img"></canvas><figcaption></figcaption></figure>
  </div>
  <p class="says" aria-live="polite"></p>
  <div class="controls">
    <fieldset><legend>Write each kept value to</legend><div class="choice way">${radios("way", WAYS, start.places)}</div></fieldset>
    <fieldset class="lender" hidden><legend>The places of</legend><div class="choice other"></div></fieldset>
    <div><label class="label" for="${id}-g">Window</label> <output class="g"></output><br>
      <input id="${id}-g" class="window" type="range" min="1" max="16" value="${start.window}"></div>
    <div><label class="label" for="${id}-K">Filters</label> <output class="K"></output><br>
      <input id="${id}-K" class="count" type="range" min="1" max="64" value="${start.K}"></div>
    <fieldset><legend>The filters are</legend><div class="choice bank">${radios("bank", [["random", "random"], ["cosine", "cosines"],
      ["VGG-16", "the first ones of VGG-16"]], start.bank)}</div></fieldset>
    <fieldset><legend>Brightness</legend><div class="choice factor">${radios("factor", [["bands", "a factor for each band"],
      ["one", "one factor"]], start.per_band ? "bands" : "one")}</div></fieldset>
  </div>
`);
  const at = (selector) => figure.querySelector(selector), chosen = (name) => at(`.${name} input:checked`).value;
  const before = at(".before"), after = at(".after"), maps = at(".maps"), pencil = at(".draw");
  const tell = (canvas, words) => { canvas.setAttribute("aria-label", words); canvas.nextElementSibling.textContent = words; };

  function paint(canvas, values) {
    if (canvas.width !== D) canvas.width = canvas.height = D;
    const pen = canvas.getContext("2d"), image = pen.createImageData(D, D);
    values.forEach((v, i) => image.data.set([255 * v, 255 * v, 255 * v, 255], 4 * i)); // clamped
    pen.putImageData(image, 0, 0);
  }

  /** The choices of a picture, and of the one whose places are taken. */
  function thumbnails() {
    for (const [kind, index, take] of [["picture", current, (i) => { current = i; }], ["other", lender, (i) => { lender = i; }]]) {
      at(`.${kind}`).replaceChildren(...names.map((name, i) => {
        const label = document.createElement("label"), input = document.createElement("input"), canvas = document.createElement("canvas");
        Object.assign(input, { type: "radio", name: `${id}-${kind}`, checked: i === index });
        input.setAttribute("aria-label", name);
        input.addEventListener("change", () => { take(i); if (kind === "picture") draws(false); redraw(); });
        paint(canvas, pictures[i]);
        label.title = name;
        label.append(input, canvas);
        return label;
      }));
    }
  }
  /** The reader's picture, after those of the book; there is one at a time. */
  function own(name, picture) {
    refusal = "";
    names[given.length] = name;
    pictures[given.length] = picture;
    current = given.length;
    thumbnails();
    return redraw();
  }

  /** What a canvas of D by D shows, as grey values in [0, 1]. */
  function grey(canvas) {
    const rgba = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, D, D).data;
    return Float64Array.from({ length: D * D }, (_, i) => (rgba[4 * i] + rgba[4 * i + 1] + rgba[4 * i + 2]) / 765);
  }
  async function take(blob) {
    if (!blob) return;
    let bitmap;
    try { bitmap = await createImageBitmap(blob); } catch { at(".says").textContent = refusal = `The file must be a picture, but got ${blob.name}.`; return; }
    const side = Math.min(bitmap.width, bitmap.height), canvas = Object.assign(document.createElement("canvas"), { width: D, height: D });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = "#fff"; // under what is transparent
    pen.fillRect(0, 0, D, D);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, D, D);
    draws(false);
    await own("your picture", grey(canvas));
  }

  // Drawing: with a mouse, a finger, or the arrow keys and the space bar.
  const cursor = { x: D / 2, y: D / 2, down: false };
  function draws(on) {
    const was = pencil.getAttribute("aria-pressed") === "true";
    pencil.setAttribute("aria-pressed", on);
    before.classList.toggle("pad", on);
    before.setAttribute("role", on ? "application" : "img");
    if (!on) { before.removeAttribute("tabindex"); return; }
    before.tabIndex = 0;
    cursor.down = false;
    if (was) return;
    const pen = pad.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, D, D);
    own("your drawing", grey(pad));
  }
  function stroke(x, y, down) {
    if (down) {
      const pen = pad.getContext("2d", { willReadFrequently: true });
      Object.assign(pen, { lineWidth: 5, lineCap: "round", strokeStyle: "#000" });
      pen.beginPath();
      pen.moveTo(cursor.x, cursor.y);
      pen.lineTo(x, y);
      pen.stroke();
      pictures[given.length] = grey(pad);
    }
    Object.assign(cursor, { x, y });
    redraw();
  }
  const spot = (event) => { const box = before.getBoundingClientRect(); return [((event.clientX - box.left) / box.width) * D, ((event.clientY - box.top) / box.height) * D]; };
  const drawing = () => pencil.getAttribute("aria-pressed") === "true";
  before.addEventListener("pointerdown", (event) => {
    if (!drawing()) return;
    before.setPointerCapture(event.pointerId);
    [cursor.x, cursor.y] = spot(event);
    stroke(cursor.x, cursor.y + 0.01, true);
  });
  before.addEventListener("pointermove", (event) => { if (drawing() && before.hasPointerCapture(event.pointerId)) stroke(...spot(event), true); });
  before.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-3, 0], ArrowRight: [3, 0], ArrowUp: [0, -3], ArrowDown: [0, 3] }[event.key], inside = (v) => Math.min(D, Math.max(0, v));
    if (!drawing() || !(step || event.key === " ")) return;
    event.preventDefault();
    if (step) stroke(inside(cursor.x + step[0]), inside(cursor.y + step[1]), cursor.down);
    else { cursor.down = !cursor.down; stroke(cursor.x, cursor.y + 0.01, cursor.down); }
  });
  pencil.addEventListener("click", () => { draws(!drawing()); if (drawing()) before.focus({ preventScroll: true }); else redraw(); });

  /** The first map of the code: the windows, and in the colour of codes what stands in them. */
  function showMap() {
    const { map: z, n } = result, size = Math.round(maps.clientWidth * devicePixelRatio) || 300, unit = size / n;
    maps.width = maps.height = size;
    const pen = maps.getContext("2d"), colour = (name) => getComputedStyle(figure).getPropertyValue(name), g = +at(".window").value;
    pen.strokeStyle = colour("--edge");
    pen.lineWidth = 0.7;
    for (let i = g; i < n && g > 1; i += g) {
      pen.strokeRect(i * unit, -1, 0, size + 2);
      pen.strokeRect(-1, i * unit, size + 2, 0);
    }
    pen.fillStyle = colour("--z");
    const most = z.reduce((a, b) => Math.max(a, b), 0), dot = chosen("way") === "spread" ? unit : Math.max(unit, Math.min(5 * devicePixelRatio, (g * unit) / 3));
    for (let i = 0; i < n * n; i++) {
      if (!z[i]) continue;
      pen.globalAlpha = 0.15 + (0.85 * z[i]) / most;
      pen.fillRect(((i % n) + 0.5) * unit - dot / 2, (Math.floor(i / n) + 0.5) * unit - dot / 2, dot, dot);
    }
    pen.globalAlpha = 1;
  }

  /** The sentence that tells what this setting shows. */
  function says(way, { error, cosine, toOther }, errors) {
    const f = (v) => v.toFixed(2), mine = names[current], theirs = names[lender];
    if (way === "other") {
      if (lender === current) return "Choose another picture for the places.";
      const near = toOther > cosine;
      return `The values come from “${mine}”, the places from “${theirs}”. The result is nearer to “${near ? theirs : mine}”: its cosine with `
        + `“${theirs}” is ${f(toOther)}, with “${mine}” ${f(cosine)}. ${near ? "So the places decide here more than the values." : "With this setting the values decide more."}`;
    }
    if (!errors.known || !errors.fixed || !errors.spread) return `The relative error is ${f(error)}. An error of 1 means a uniformly grey picture.`;
    const blind = Math.min(errors.fixed, errors.spread), rounded = f(errors.known) === f(blind);
    const numbers = `With the places the relative error is ${f(errors.known)}. With the same values and no places it is ${f(errors.fixed)} (middle) or ${f(errors.spread)} (all of the window). `;
    if (+at(".window").value === 1) return numbers + "In windows of one position there is no place to lose.";
    if (rounded || errors.known > blind) {
      return numbers + (chosen("factor") === "one"
        ? "Here the places do not lower the error. A blur has the slow changes of brightness, which hold most of the energy; the edges need the places. Give each band of frequencies its own factor, and compare again."
        : "Here the places do not lower the error: most of the energy of this picture is in slow changes of brightness, which a blur has too. Look at the edges.");
    }
    return `${numbers}So the places hold a${blind - errors.known > 0.1 ? " large" : ""} part of the picture.`;
  }

  const errors = {};
  let refusal = ""; // stays until the reader chooses anew
  figure.addEventListener("input", () => { refusal = ""; }, true);
  let result, key, x, other, timer, turn = 0;
  function ask(way) {
    const less = (picture) => { const mean = picture.reduce((a, b) => a + b) / picture.length; return picture.map((v) => v - mean); };
    if (key?.[0] !== pictures[current]) x = less(pictures[current]);
    if (key?.[1] !== pictures[lender]) other = less(pictures[lender]);
    key = [pictures[current], pictures[lender]];
    return computer.ask({ x, other, ...banks[chosen("bank")], K: +at(".count").value, g: +at(".window").value, way, perBand: chosen("factor") === "bands" });
  }
  function report(way) {
    at(".says").textContent = refusal || says(way, result, errors);
    for (const input of figure.querySelectorAll(".way input")) {
      const error = errors[input.value];
      input.nextSibling.nextSibling.textContent = error === undefined || input.value === "other" ? "" : `error ${error.toFixed(2)}`;
    }
  }
  const redraw = latest(async () => {
    clearTimeout(timer);
    const now = ++turn, way = chosen("way"), g = at(".window").value, K = at(".count").value, started = performance.now();
    at(".g").value = `${g} × ${g}`;
    at(".window").setAttribute("aria-valuetext", `${g} by ${g}`);
    at(".K").value = K;
    at(".lender").hidden = way !== "other";
    const picture = pictures[current], mean = picture.reduce((a, b) => a + b) / picture.length;
    paint(before, picture);
    if (drawing()) { // where the keys would draw
      const pen = before.getContext("2d");
      pen.fillStyle = cursor.down ? "#000" : "#cb5200";
      pen.fillRect(cursor.x - 1.5, cursor.y - 1.5, 3, 3);
    }
    result = await ask(way);
    paint(after, result.back.map((v) => v + mean));
    showMap();
    tell(before, drawing() ? "Draw here: with a finger or a mouse, or with the arrow keys (space sets the pen down)" : `${names[current]}: ${thousands(picture.length)} pixels`);
    const kept = result.values.length, whole = K * result.n ** 2;
    const where = { known: "each with its place", other: `at places of “${names[lender]}”` }[way] ?? "without their places";
    tell(maps, `Kept: ${thousands(kept)} of ${thousands(whole)} numbers, ${where}${chosen("factor") === "bands" ? ", and 14 factors" : ""} (shown: the first of ${K} maps)`);
    tell(after, way === "other" ? "What comes back" : `What comes back: relative error ${result.error.toFixed(2)}`);
    for (const each of Object.keys(errors)) delete errors[each];
    errors[way] = result.error;
    report(way);
    Object.assign(figure.dataset, { ms: (performance.now() - started).toFixed(1), way, error: result.error }); // for the tests
    figure.result = result;
    const rest = ["known", "fixed", "spread"].filter((each) => each !== way);
    const next = async () => { // the other errors, once the reader's hand rests
      const each = rest.shift(), { error } = await ask(each);
      if (now !== turn) return;
      errors[each] = error;
      if (rest.length) timer = setTimeout(next);
      else { report(way); figure.dataset.errors = JSON.stringify(errors); }
    };
    delete figure.dataset.errors;
    timer = setTimeout(next, 200);
  });

  figure.addEventListener("input", (event) => { if (event.target.closest(".window, .count, .way, .bank, .factor")) redraw(); });
  at("input[type=file]").addEventListener("change", (event) => take(event.target.files[0]));
  figure.addEventListener("dragover", (event) => { event.preventDefault(); figure.classList.add("over"); });
  figure.addEventListener("dragleave", () => figure.classList.remove("over"));
  figure.addEventListener("drop", (event) => { event.preventDefault(); figure.classList.remove("over"); take(event.dataTransfer.files[0]); });
  thumbnails();
  await redraw(); // an error here reaches who called render: the page then keeps the still picture
  const forget = onLook(figure, showMap);
  return () => { forget(); clearTimeout(timer); computer.stop(); };
}

export { engine };
export default { render };
