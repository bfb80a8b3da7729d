// What the live figures share. cnninv_lite/book/live.py puts this text before that of each figure, so that a module
// imports nothing: it can then run from a Blob, on a page that was opened as a file.

/** The numbers of an array that Python wrote as base64 of uint8 or of little-endian float32. */
function numbers({ dtype, data }) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return Float64Array.from(dtype === "uint8" ? bytes : new Float32Array(bytes.buffer));
}

/** An element from its HTML, appended to the figure; with what every figure looks like. */
function host(el, name, html) {
  const figure = document.createElement("div");
  figure.className = `live-figure live-${name}`;
  figure.innerHTML = `<style>${STYLE}</style>${html}`;
  el.append(figure);
  return figure;
}

const STYLE = `
.live-figure { --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, #222)); --paper: var(--pst-color-background, var(--jp-layout-color1, #fff));
  --edge: var(--pst-color-border, var(--jp-border-color1, #bbb)); --accent: var(--pst-color-primary, var(--jp-brand-color1, #06c));
  --quiet: var(--pst-color-text-muted, var(--jp-ui-font-color2, #555));
  --x: var(--book-x, #0072b2); --h: var(--book-h, #767676); --z: var(--book-z, #cb5200); --back: var(--book-x-hat, #00805e); --w: #8a4a9e;
  color: var(--ink); font-size: .95rem; line-height: 1.45; margin: .5rem 0; text-align: left; container-type: inline-size; }
:is([data-theme=dark], [data-jp-theme-light=false]) .live-figure { --x: #6cb8ea; --h: #a9a9a9; --z: #ff9a57; --back: #4fd0a8; --w: #c79ad6; }
.live-figure fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
.live-figure legend, .live-figure .label { float: none; width: auto; font-size: .85rem; font-weight: 600; margin: 0 0 .2rem; padding: 0; }
.live-figure .controls { display: flex; flex-wrap: wrap; gap: .7rem 1.3rem; align-items: flex-start; margin: .7rem 0; }
.live-figure .choice { display: flex; flex-wrap: wrap; gap: .25rem; }
.live-figure .choice label { position: relative; display: block; border: 1px solid var(--edge); border-radius: .3rem; padding: .2rem .6rem; min-height: 24px;
  min-width: 24px; cursor: pointer; line-height: 1.3; }
.live-figure .choice input { position: absolute; inset: 0; opacity: 0; margin: 0; width: 100%; height: 100%; cursor: pointer; }
.live-figure .choice label:has(input:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.live-figure .choice label:has(input:focus-visible), .live-figure button:focus-visible, .live-figure canvas:focus-visible,
.live-figure input[type=range]:focus-visible { outline: 3px solid var(--pst-color-accent, var(--accent)); outline-offset: 2px; }
.live-figure .choice small { display: block; color: var(--quiet); font-variant-numeric: tabular-nums; font-size: .85em; }
.live-figure .choice canvas { display: block; width: 48px; height: 48px; border-radius: .15rem; }
.live-figure .choice label:has(canvas) { padding: 2px; }
.live-figure button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--edge); border-radius: .3rem; padding: .2rem .7rem;
  min-height: 32px; min-width: 32px; margin: 0 .1rem .3rem 0; cursor: pointer; }
.live-figure button[aria-pressed=true] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.live-figure button:disabled { opacity: .5; cursor: default; }
.live-figure input[type=range] { accent-color: var(--accent); width: min(13rem, 60cqw); height: 28px; margin: 0; vertical-align: middle; }
.live-figure output, .live-figure .number { font-variant-numeric: tabular-nums; }
.live-figure figure { margin: 0; min-width: 0; } .live-figure figure figcaption { font: inherit; padding: 0; font-size: .9em; color: var(--ink); margin-top: .2rem; }
.live-figure canvas { box-sizing: border-box; max-width: 100%; }
.live-figure svg { display: block; width: 100%; overflow: visible; } .live-figure svg text { fill: var(--ink); font-size: 12px; }
.live-figure .knob { cursor: grab; touch-action: none; outline: none; } .live-figure .knob:focus-visible circle:first-child { stroke: var(--pst-color-accent, var(--accent)); stroke-width: 3; }
.live-figure .says { border-left: 3px solid var(--back); padding-left: .8rem; margin: .8rem 0 0; min-height: 3em; }
@media print { .live-figure .controls, .live-figure button { display: none; } }`;

/** What computes: ask(problem) -> Promise of engine().run(problem), in a worker if there can be one, else on the page.
    Arrays of the problem that the worker already has are not sent to it again. */
function calculator(engine) {
  const waiting = new Map();
  let here, worker, id = 0, sent = {};
  const on_page = (problem, done, failed) => { try { done((here ||= engine()).run(problem)); } catch (error) { failed(error); } };
  const serve = `const E = (${engine})(), had = {};
    onmessage = ({ data: { id, ...problem } }) => {
      for (const key in problem) if (problem[key]?.length) had[key] = problem[key];
      postMessage({ id, result: E.run({ ...had, ...problem }) });
    };`;
  try {
    const url = URL.createObjectURL(new Blob([serve], { type: "text/javascript" }));
    worker = new Worker(url); // a classic one: from a file, Chromium starts no module worker
    URL.revokeObjectURL(url);
    worker.onmessage = ({ data }) => { waiting.get(data.id)[1](data.result); waiting.delete(data.id); };
    worker.onerror = (event) => { // a page whose policy forbids workers says so later
      event.preventDefault();
      worker = null;
      for (const job of waiting.values()) on_page(...job);
      waiting.clear();
    };
  } catch { worker = null; }
  return {
    ask: (problem) => new Promise((done, failed) => {
      if (!worker) return on_page(problem, done, failed);
      waiting.set(++id, [problem, done, failed]);
      const known = ([key, value]) => !(value?.length && sent[key] === value);
      worker.postMessage({ id, ...Object.fromEntries(Object.entries(problem).filter(known)) });
      sent = { ...sent, ...problem };
    }),
    stop: () => worker?.terminate(),
  };
}

/** A function that runs `work`, and while it runs remembers only that it was asked again. */
function latest(work) {
  let busy = null, again = false;
  return () => {
    again = true;
    return (busy ||= (async () => {
      try { while (again) { again = false; await work(); } } finally { busy = null; }
    })());
  };
}

/** Calls `draw` when the figure's width or the page's theme changes: canvases do not follow them. */
function onLook(figure, draw) {
  const sizes = new ResizeObserver(draw), themes = new MutationObserver(draw);
  sizes.observe(figure);
  themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => { sizes.disconnect(); themes.disconnect(); };
}

/** A drawing in pixels, as wide as the figure, whose parts are put in anew, and handles that stay. */
function drawing(figure, height, label) {
  const svg = figure.querySelector("svg"), parts = make("g", {}, svg);
  for (const [key, value] of Object.entries({ height, role: "group", "aria-label": label })) svg.setAttribute(key, value);
  return {
    show: (html) => { parts.innerHTML = html; },
    svg,
    get width() { return svg.clientWidth || 700; },
  };
}
function make(name, attributes, parent) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent.appendChild(node);
}

/** A handle for mouse, finger and keys: drag(x, y) gets pixels, key(dx, dy, event) the arrows' directions, or 0, 0. */
function handle(svg, name, colour, { drag, key }) {
  const knob = make("g", { class: "knob", tabindex: 0, role: "slider", "aria-label": name }, svg);
  make("circle", { r: 14, fill: "transparent" }, knob);
  make("circle", { r: 7, fill: colour, stroke: "var(--paper)", "stroke-width": 2 }, knob);
  knob.addEventListener("pointerdown", (event) => { event.preventDefault(); knob.focus(); knob.setPointerCapture(event.pointerId); });
  knob.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    if (knob.hasPointerCapture(event.pointerId)) drag(event.clientX - box.left, event.clientY - box.top);
  });
  knob.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0] }[event.key];
    if (way) { event.preventDefault(); key(...way); }
  });
  return {
    knob,
    to(x, y, now, text) {
      knob.setAttribute("transform", `translate(${x},${y})`);
      knob.setAttribute("aria-valuenow", now);
      knob.setAttribute("aria-valuetext", text);
    },
  };
}

const line = (values, X, Y) => Array.from(values, (v, i) => `${i ? "L" : "M"}${X(i).toFixed(1)},${Y(v).toFixed(1)}`).join("");
const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

/** W x for x of M channels by D samples and filters of M channels by l taps, and W^T z; at stride t. */
function analyse1(w, { K, M, l, t, n, D }, x) {
  const h = new Float64Array(K * n);
  for (let i = 0; i < K; i++) for (let p = 0; p < n; p++) for (let m = 0; m < M; m++)
    for (let j = 0, at = m * D + p * t, tap = (i * M + m) * l; j < l; j++) h[i * n + p] += w[tap + j] * x[at + j];
  return h;
}
function synthesise1(w, { K, M, l, t, n, D }, z) {
  const x = new Float64Array(M * D);
  for (let i = 0; i < K; i++) for (let p = 0; p < n; p++) if (z[i * n + p]) for (let m = 0; m < M; m++)
    for (let j = 0, at = m * D + p * t, tap = (i * M + m) * l; j < l; j++) x[at + j] += z[i * n + p] * w[tap + j];
  return x;
}
function sizes(w, D, t = 1) {
  const [K, M, l] = w.shape;
  return { K, M, l, t, D, n: Math.floor((D - l) / t) + 1 };
}

const thousands = (n) => n.toLocaleString("en");
