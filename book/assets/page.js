// What a reader can do with a page: hide or open all code, look closely at a figure, read what a search found; and
// formulas of sentences that are wider than a phone.

// Formulas as words, for the excerpts of a search: "\hat z" is "ẑ", "\mathcal M_k" is "M_k".
const LETTERS = {
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", eta: "η", kappa: "κ", lambda: "λ", mu: "μ", nu: "ν",
  pi: "π", rho: "ρ", sigma: "σ", tau: "τ", varphi: "φ", phi: "φ", Sigma: "Σ", Lambda: "Λ", Phi: "Φ", ell: "ℓ",
  le: "≤", leq: "≤", ge: "≥", geq: "≥", ne: "≠", approx: "≈", times: "×", cdot: "·", top: "ᵀ", in: "in", sum: "sum",
  sqrt: "√", infty: "∞", pm: "±", ldots: "…", dots: "…", langle: "⟨", rangle: "⟩", to: "→", mid: "|", cup: "∪",
};
function words(tex) {
  return tex
    .replace(/\\[([)\]]/g, "")
    .replace(/\\textcolor\{\w+\}/g, "")
    .replace(/\\(?:begin|end)\{\w+\*?\}(?:\{[^}]*\})?/g, " ")
    .replace(/\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}/g, "($1)/($2)")
    .replace(/\\hat\s*\{?(\w)\}?/g, "$1\u0302")
    .replace(/\\\|/g, "‖")
    .replace(/\\([A-Za-z]+)/g, (_, name) => LETTERS[name] || (/^(log|exp|max|min|sup|inf|arg)/.test(name) ? name : ""))
    .replace(/\\[,;:! ]|[{}&~]|\\\\/g, " ")
    .replace(/\s+/g, " ");
}

if (typeof Search !== "undefined") {
  Search.htmlToText = (source, anchor) => {
    const page = new DOMParser().parseFromString(source, "text/html");
    const text = page.querySelector("article.bd-article") || page.body;
    const wanted = (anchor && text.querySelector(anchor)) || text;
    wanted.querySelectorAll("script, style, .headerlink, .cell_input, .toctree-wrapper").forEach((e) => e.remove());
    wanted.querySelectorAll(".math").forEach((e) => { e.textContent = words(e.textContent); });
    return wanted.textContent;
  };
}

document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector("article.bd-article");
  const title = article && article.querySelector("h1");
  if (!title) return;

  // One switch for all code: it hides the code that is shown, then opens the code that is folded, too.
  const cells = article.querySelectorAll("div.cell_input");
  if (cells.length > 1) {
    const button = document.createElement("button");
    button.className = "all-code";
    const show = (shown) => {
      button.textContent = shown ? "Hide all code" : "Show all code";
      document.documentElement.classList.toggle("no-code", !shown);
    };
    button.addEventListener("click", () => {
      const shown = document.documentElement.classList.contains("no-code");
      show(shown);
      article.querySelectorAll("div.cell details.hide").forEach((e) => { e.open = shown; });
    });
    show(true);
    title.after(button);
  }

  // A formula in a sentence that is wider than the column gets a line of its own, which scrolls.
  const fit = () => {
    for (const formula of article.querySelectorAll("mjx-container:not([display])")) {
      if (formula.closest("td, th")) continue;  // tables scroll
      const part = formula.closest(".unbroken") || formula;
      part.classList.remove("long");
      const room = part.closest("p, li, dd, figcaption, div").clientWidth;
      part.classList.toggle("long", formula.getBoundingClientRect().width > room);
    }
  };
  window.addEventListener("load", () => {
    if (window.MathJax?.startup?.promise) MathJax.startup.promise.then(fit);
    window.addEventListener("resize", fit);
  });

  // A figure that is drawn smaller than it is opens in its own size.
  const look = document.createElement("dialog");
  look.className = "look";
  look.setAttribute("aria-label", "The figure, larger");
  look.addEventListener("click", () => look.close());
  for (const image of article.querySelectorAll("div.cell_output img, figure img")) {
    if (image.closest(".jupyter-widgets, .live, button, a, noscript")) continue;
    const open = document.createElement("button");
    open.className = "enlarge";
    image.replaceWith(open);
    open.append(image);
    open.addEventListener("click", () => {
      const large = image.cloneNode();
      const close = document.createElement("button");
      close.textContent = "Close";
      look.replaceChildren(close, large);
      if (image.closest(".tag_photo")) large.classList.add("photo");
      document.body.append(look);
      look.showModal();
    });
  }
});
