// Painting: the entries of a code lay down placed filters; a window on their sum is a row of the matrix.

function render({ model, el }) {
  const w = numbers(model.get("filters")), D = model.get("D"), size = sizes(model.get("filters"), D), { K, l, n } = size;
  const place = [...model.get("places")], value = [...model.get("values")];
  let p = 0, row = 0;
  const figure = host(el, "painting", `<svg></svg><div class="controls"><fieldset><legend>The window holds filter</legend>
    <div class="choice">${place.map((_, i) => `<label><input type="radio" name="live-painting" value="${i}" ${i ? "" : "checked"}>i = ${i}</label>`).join("")}</div>
    </fieldset></div><p class="says" aria-live="polite"></p>`);
  const STRIP = 78, SUM = K * STRIP + 8, ROW = SUM + 84, UNITS = ROW + 74, LEFT = 6;
  const paper = drawing(figure, UNITS + 92, "A code, its placed filters, their sum, and the hidden units");
  const X = (i) => LEFT + (i + 0.5) * ((paper.width - LEFT - 8) / D), at = (x) => Math.round(((x - LEFT) * D) / (paper.width - LEFT - 8) - 0.5);
  const UNIT = 26, base = (i) => i * STRIP + 48;
  const knobs = place.map((_, i) => handle(paper.svg, `entry of filter ${i}: arrow keys move it and change its value`, "var(--z)", {
    drag: (x, y) => set(i, at(x), (base(i) - y) / UNIT), key: (dx, dy) => set(i, place[i] + dx, value[i] - dy / 10),
  }));
  const frame = handle(paper.svg, "position of the window", "var(--w)", {
    drag: (x) => slide(at(x) - Math.floor(l / 2)), key: (dx, dy) => slide(p + dx - dy),
  });
  function set(i, q, v) {
    place[i] = clamp(q, 0, n - 1);
    value[i] = Math.round(clamp(v, -1.2, 1.2) * 20) / 20;
    draw();
  }
  function slide(q) { p = clamp(q, 0, n - 1); draw(); }

  function draw() {
    const z = new Float64Array(K * n);
    place.forEach((q, i) => { z[i * n + q] = value[i]; });
    const x = synthesise1(w, size, z), h = analyse1(w, size, x), taps = (i) => w.slice(i * l, (i + 1) * l);
    const axis = (y) => `<line x1="${LEFT}" x2="${paper.width - 8}" y1="${y}" y2="${y}" stroke="var(--edge)"/>`;
    const curve = (values, from, y, unit, colour) => `<path d="${line(values, (i) => X(from + i), (v) => y - unit * v)}" fill="none" stroke="${colour}" stroke-width="2"/>`;
    const name = (y, words) => `<text x="${paper.width - 8}" y="${y}" text-anchor="end">${words}</text>`, tall = 60, y = SUM + 50, yr = ROW + 38, yu = UNITS + 48;
    let html = "";
    for (let i = 0; i < K; i++) {
      html += axis(base(i)) + name(base(i) - 28, `code and placed filter, i = ${i}`) + curve(taps(i).map((v) => v * value[i]), place[i], base(i), tall, "var(--w)")
        + `<line x1="${X(place[i])}" x2="${X(place[i])}" y1="${base(i)}" y2="${base(i) - UNIT * value[i]}" stroke="var(--z)" stroke-width="2.5"/>`;
      knobs[i].to(X(place[i]), base(i) - UNIT * value[i], place[i], `position ${place[i]}, value ${value[i].toFixed(2)}`);
    }
    html += `<rect x="${X(p) - 4}" width="${X(p + l - 1) - X(p) + 8}" y="${SUM + 14}" height="${ROW - SUM + 56}" fill="var(--w)" opacity=".14"/>`
      + axis(y) + name(SUM + 8, "sum x = Wᵀz") + curve(x, 0, y, tall, "var(--back)")
      + axis(yr) + name(ROW + 12, `row (${row}, ${p}) of W`) + curve(taps(row), p, yr, 50, "var(--w)")
      + axis(yu) + name(UNITS + 16, `hidden units h = Wx, i = ${row}`);
    for (let q = 0; q < n; q++) {
      const v = h[row * n + q], big = q === p;
      html += `<line x1="${X(q)}" x2="${X(q)}" y1="${yu}" y2="${yu - UNIT * v}" stroke="var(--h)" stroke-width="${big ? 3 : 1.5}"/><circle cx="${X(q)}" cy="${yu - UNIT * v}" r="${big ? 6 : 2.5}" fill="var(--h)"/>`;
    }
    paper.show(html);
    frame.to(X(p + (l - 1) / 2), SUM + 14, p, `position ${p}`);
    const unit = h[row * n + p], code = z[row * n + p], f = (v) => v.toFixed(2).replace("-", "−");
    figure.querySelector(".says").textContent = `Row (${row}, ${p}) times x gives h = ${f(unit)}. ` + (code
      ? `The code has ${f(code)} at this place. The difference, ${f(unit - code)}, comes from the other placed filters where they overlap.`
      : place.some((q) => Math.abs(q - p) < l) ? "The code has no entry at this place: h shows how much the filters there overlap with the row." : "No placed filter overlaps with the window, so h is 0.");
    figure.result = { x, h };
  }
  figure.addEventListener("input", (event) => { row = +event.target.value; draw(); });
  p = place[0];
  draw();
  return onLook(figure, draw);
}

export default { render };
