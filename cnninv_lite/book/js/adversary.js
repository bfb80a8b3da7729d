// Beat the adversary: place a code's entries so that the transpose changes its energy as much as possible.

function render({ model, el }) {
  const w = numbers(model.get("filters")), D = model.get("D"), size = sizes(model.get("filters"), D), { K, M, n } = size;
  const counts = model.get("counts"), edges = model.get("edges"), found = model.get("found"), total = counts.reduce((a, b) => a + b);
  const beat = model.get("beat"), k = found.length;
  let code = model.get("start").map((e) => [...e]), best = 0, seed = 1; // entries [filter, position, value]
  const figure = host(el, "adversary", `<svg></svg><div class="controls">
    <button type="button" class="values">Best values here</button><button type="button" class="random">A random code</button>
    <button type="button" class="found">What the search found</button></div><p class="says" aria-live="polite"></p>`);
  const CELL = 25, LEFT = 4, TOP = 20, paper = drawing(figure, 400, "A board of filters and positions with the entries of a code, energies of random codes, and the signal");
  const X = (q) => LEFT + (q + 0.5) * step(), wide = () => paper.width > 640, step = () => (wide() ? 0.5 : 1) * (paper.width - 2 * LEFT) / n, Y = (i) => TOP + (i + 0.5) * CELL;
  const knobs = code.map((_, j) => handle(paper.svg, `entry ${j + 1}: arrow keys move it, space changes its sign`, "var(--z)", {
    drag: (x, y) => move(j, Math.floor((y - TOP) / CELL), Math.floor((x - LEFT) / step())),
    key: (dx, dy) => (dx || dy ? move(j, code[j][0] + dy, code[j][1] + dx, dy) : flip(j)),
  }));
  knobs.forEach(({ knob }, j) => knob.addEventListener("dblclick", () => flip(j)));
  function flip(j) { code[j][2] *= -1; draw(); }
  function move(j, i, q, jump = 0) { // a filter is active once: keys jump over rows that are taken
    const taken = (row) => code.some((e, other) => other !== j && e[0] === row);
    while (jump && taken(i)) i += jump;
    if (i < 0 || i >= K || taken(i)) i = code[j][0];
    code[j] = [i, clamp(q, 0, n - 1), code[j][2]];
    draw();
  }
  const random = () => { seed = (seed * 48271) % 2147483647; return seed / 2147483647; };
  const spread = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());

  function paintings() { // the placed filters of the code, one by one
    return code.map(([i, q]) => { const z = new Float64Array(K * n); z[i * n + q] = 1; return synthesise1(w, size, z); });
  }
  const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  function bestValues() { // the leading eigenvector of the Gram matrix, by its powers
    const a = paintings(), G = a.map((u) => a.map((v) => dot(u, v)));
    let v = code.map((e) => e[2]);
    for (let round = 0; round < 500; round++) {
      v = G.map((row) => dot(row, v));
      const norm = Math.sqrt(dot(v, v));
      v = v.map((e) => e / norm);
    }
    code.forEach((e, j) => { e[2] = v[j]; });
    draw();
  }

  function draw() {
    const a = paintings(), norm = Math.sqrt(code.reduce((sum, e) => sum + e[2] ** 2, 0)), v = code.map((e) => e[2] / norm);
    const x = a[0].map((_, r) => a.reduce((sum, u, j) => sum + v[j] * u[r], 0)), energy = dot(x, x);
    const own = a.reduce((sum, u, j) => sum + v[j] ** 2 * dot(u, u), 0), s = step();
    const left = wide() ? n * s + 40 : LEFT, right = paper.width - 14, floor = wide() ? 135 : TOP + K * CELL + 140;
    best = Math.max(best, energy);
    let html = `<text x="0" y="12">filter ↓, position →</text>`;
    for (let i = 0; i < K; i++) for (let q = 0; q < n; q++)
      html += `<rect x="${X(q) - s / 2}" y="${Y(i) - CELL / 2}" width="${s}" height="${CELL}" fill="none" stroke="var(--edge)"/>`;
    code.forEach(([i, q], j) => knobs[j].to(X(q), Y(i), q, `filter ${i}, position ${q}, value ${v[j].toFixed(2)}`));
    // the histogram, and the line of this code
    const low = edges[0], high = Math.max(2.2, edges.at(-1)), H = (e) => left + ((e - low) / (high - low)) * (right - left), most = Math.max(...counts);
    counts.forEach((c, i) => { html += `<rect x="${H(edges[i])}" width="${H(edges[i + 1]) - H(edges[i])}" y="${floor - (90 * c) / most}" height="${(90 * c) / most}" fill="var(--h)"/>`; });
    html += `<line x1="${left}" x2="${right}" y1="${floor}" y2="${floor}" stroke="var(--ink)"/>`;
    for (let e = 0.6; e < high; e += 0.2) html += `<text x="${H(e)}" y="${floor + 16}" text-anchor="middle">${e.toFixed(1)}</text>`;
    html += `<text x="${left}" y="${floor + 34}">energy ‖Wᵀz‖² of codes with norm 1</text><line x1="${H(beat)}" x2="${H(beat)}" y1="${floor - 90}" y2="${floor}" stroke="var(--ink)" stroke-dasharray="4 3"/>
      <text x="${H(beat) + 4}" y="${floor - 80}">beat ${beat.toFixed(1)}</text>
      <line x1="${H(energy)}" x2="${H(energy)}" y1="${floor - 100}" y2="${floor + 3}" stroke="var(--z)" stroke-width="3"/>
      <text class="now" x="${H(energy)}" y="${floor - 104}" text-anchor="middle">${energy.toFixed(2)}</text>`;
    const cell = (right - left) / D, top = floor + 62, largest = Math.max(...x.map(Math.abs));
    html += `<text x="${left}" y="${top - 8}">signal Wᵀz, ${M} channels: red +, blue −</text>`;
    x.forEach((v, r) => { html += `<rect x="${left + (r % D) * cell}" y="${top + 13 * Math.floor(r / D)}" width="${cell}" height="13" fill="${v > 0 ? "#d6453d" : "#3b78c4"}" opacity="${Math.abs(v) / largest}"/>`; });
    paper.svg.setAttribute("height", Math.max(TOP + K * CELL, top + 13 * M) + 8);
    paper.show(html);
    knobs.forEach(({ knob }, j) => {
      const circle = knob.lastChild, r = 4 + 7 * Math.abs(v[j]);
      circle.setAttribute("r", r);
      circle.setAttribute("fill", v[j] < 0 ? "var(--paper)" : "var(--z)");
      circle.setAttribute("stroke", v[j] < 0 ? "var(--z)" : "var(--paper)");
      circle.setAttribute("stroke-width", v[j] < 0 ? 3 : 2);
    });
    const below = counts.reduce((sum, c, i) => sum + (edges[i + 1] <= energy ? c : 0), 0), f = (e) => e.toFixed(2).replace("-", "−");
    figure.querySelector(".says").textContent = `Energy ${f(energy)}: ${f(own)} from the single filters and ${f(energy - own)} from the inner products of their pairs. `
      + (below === total ? `None of ${thousands(total)} random codes has so much.` : `At least ${thousands(below)} of ${thousands(total)} random codes have less.`)
      + (energy >= beat ? ` You beat ${beat.toFixed(1)}.` : "") + ` Your largest energy so far is ${f(best)}.`;
    Object.assign(figure, { result: { x, energy } });
  }
  figure.querySelector(".values").addEventListener("click", bestValues);
  figure.querySelector(".found").addEventListener("click", () => { code = found.map((e) => [...e]); draw(); });
  figure.querySelector(".random").addEventListener("click", () => {
    const rows = Array.from({ length: K }, (_, i) => [random(), i]).sort((a, b) => a[0] - b[0]).slice(0, k);
    code = rows.map(([, i]) => [i, Math.floor(random() * n), spread()]);
    draw();
  });
  draw();
  return onLook(figure, draw);
}

export default { render };
