// Answers in the page: choices of the quiz are judged with their reason, answers to exercises as `check` judges them
// (cnninv_lite/book/exercises.py): the same kinds, rounding, salted hashes and hints. Without scripts the page stays
// as it is.
"use strict";
(() => {
  const [WHOLE, NUMBER, TRUTH, WORD] = ["a whole number", "a number", "True or False", "a word"];

  // SHA-256 of a string, in hexadecimal. The browser's own is missing where a page comes by plain http.
  function sha256(text) {
    const fraction = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
    const primes = [];
    for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
    const k = primes.map((p) => fraction(Math.cbrt(p)));
    const hash = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
    const bytes = new TextEncoder().encode(text);
    const data = new DataView(new ArrayBuffer(((bytes.length + 72) >> 6) << 6));
    [...bytes, 0x80].forEach((byte, i) => data.setUint8(i, byte));
    data.setUint32(data.byteLength - 4, bytes.length * 8);
    const turn = (x, n) => (x >>> n) | (x << (32 - n));
    for (let at = 0; at < data.byteLength; at += 64) {
      const w = Array.from({ length: 16 }, (_, i) => data.getUint32(at + 4 * i));
      let [a, b, c, d, e, f, g, h] = hash;
      for (let i = 0; i < 64; i++) {
        if (i > 15) {
          const [x, y] = [w[i - 15], w[i - 2]];
          const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3), s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
          w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
        }
        const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
        const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
      }
      [a, b, c, d, e, f, g, h].forEach((value, i) => { hash[i] = (hash[i] + value) | 0; });
    }
    return hash.map((x) => (x >>> 0).toString(16).padStart(8, "0")).join("");
  }

  // Python's round: halves go to the even neighbour.
  function round(x) {
    const low = Math.floor(x), rest = x - low;
    return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
  }

  // The number that a text says, such as 12, -0.5, 1e-3 or 3/4; NaN for other texts.
  function number(text) {
    const one = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?";
    const found = new RegExp(`^(${one})(?:\\s*/\\s*(${one}))?$`, "i").exec(text.trim().replace("\u2212", "-"));
    const value = found ? Number(found[1]) / (found[2] === undefined ? 1 : Number(found[2])) : NaN;
    return Number.isFinite(value) ? value : NaN;
  }

  const whole = (x) => Math.abs(x - round(x)) <= 1e-9 * Math.max(1, Math.abs(x));

  // Whether a text is of a kind.
  function fits(text, kind) {
    if (kind === TRUTH) return /^(true|false)$/i.test(text.trim());
    if (kind === WORD) return text.trim() !== "";
    return kind === WHOLE ? whole(number(text)) : !Number.isNaN(number(text));
  }

  // Whether part i of an answer is right.
  function matches(label, i, text, { kinds, sealed, tolerance }) {
    const is = (token) => sha256(`${label}/${i}/${token}`).slice(0, 24) === sealed[i];
    if ([TRUTH, WORD].includes(kinds[i])) return is(text.trim().toLowerCase());
    const value = number(text);
    if (!tolerance) return whole(value) && is(String(BigInt(round(value))));
    return [-1, 0, 1].some((shift) => is(String(BigInt(round(value / tolerance)) + BigInt(shift))));
  }

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // A form below an exercise. `names` are those of the parts in its text.
  function form(label, entry) {
    const box = document.getElementById(label);
    if (!box) return;
    const { kinds, names, sealed, hints } = entry;
    const title = box.querySelector(".admonition-title")?.textContent.trim() || label;
    const fields = names.map((name, i) => {
      const field = kinds[i] === TRUTH
        ? element("select", {}, ...["", "True", "False"].map((v) => element("option", { value: v }, v || "choose")))
        : element("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", size: 10 });
      if (kinds[i] !== TRUTH) field.placeholder = kinds[i];
      field.addEventListener("input", () => { field.removeAttribute("aria-invalid"); said.textContent = ""; });
      return field;
    });
    const labels = names.map((name, i) => element("label", {}, element("span", {}, name), fields[i]));
    const hint = element("button", { type: "button" }, "Hint");
    const said = element("output", { "aria-live": "polite" });
    const buttons = element("span", { class: "buttons" }, element("button", { type: "submit" }, "Check"), hint);
    const made = element("form", { class: "answer-form", "aria-label": `Your answer to ${title}` }, ...labels, buttons, said);
    let misses = 0;
    const say = (text, verdict = "") => { said.textContent = text; said.dataset.verdict = verdict; };
    const nextHint = (verdict = "") => {
      const turn = Math.min(misses++, hints.length - 1);
      say(`${verdict}Hint ${turn + 1} of ${hints.length}: ${hints[turn]}`, verdict && "wrong");
    };
    hint.addEventListener("click", () => nextHint());
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      const texts = fields.map((field) => field.value);
      const odd = texts.findIndex((text, i) => !fits(text, kinds[i]));
      if (odd >= 0) {
        fields[odd].setAttribute("aria-invalid", "true");
        fields[odd].focus();
        const example = kinds[odd] === NUMBER ? ", such as 0.25, 1e-3 or 3/4" : "";
        say(`${names[odd]} must be ${kinds[odd]}${example}, but got ${texts[odd].trim() ? `“${texts[odd].trim()}”` : "nothing"}.`);
        return;
      }
      const right = texts.filter((text, i) => matches(label, i, text, entry)).length;
      if (right === sealed.length) say("Right.", "right");
      else nextHint(sealed.length > 1 ? `Not yet, ${right} of ${sealed.length} parts are right. ` : "Not yet. ");
    });
    box.append(made);
  }

  // A list of choices (a), (b), ... and the answer that follows it, which has a reason for each, "(a) Right. ...".
  function choices(answer) {
    const list = answer.previousElementSibling;
    const reasons = [...answer.querySelectorAll("li")];
    if (list?.tagName !== "UL" || reasons.length !== list.children.length) return;
    list.classList.add("choices");
    const said = element("div", { class: "choice-reason", role: "status" });
    list.after(said);
    [...list.children].forEach((item, i) => {
      const button = element("button", { type: "button", "aria-pressed": "false" }, ...(item.querySelector("p") || item).childNodes);
      item.replaceChildren(button);
      button.addEventListener("click", () => {
        const verdict = /^\s*\(\w\) Right\./.test(reasons[i].textContent) ? "right" : "wrong";
        for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
        button.dataset.verdict = said.dataset.verdict = verdict;
        said.replaceChildren(...[...reasons[i].childNodes].map((node) => node.cloneNode(true)));
      });
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    const stored = document.getElementById("exercise-answers");
    for (const [label, entry] of Object.entries(stored ? JSON.parse(stored.textContent) : {})) form(label, entry);
    document.querySelectorAll(".admonition.answer").forEach(choices);
  });
})();
