// Starts the live figures of a page. A page that was opened as a file may load no modules, and no workers from files:
// so each figure's module is a classic script that leaves its source text in liveModules (tools/live_figures.py).
(() => {
  const loaded = {};
  const load = (name) => (loaded[name] ||= (async () => {
    const url = URL.createObjectURL(new Blob([window.liveModules[name]], { type: "text/javascript" }));
    try { return (await import(url)).default; } finally { URL.revokeObjectURL(url); }
  })());

  /** What the modules use of an anywidget model. */
  const modelOf = (state) => ({ get: (key) => state[key], set() {}, save_changes() {}, on() {}, off() {} });

  async function start(figure) {
    const el = document.createElement("div");
    figure.append(el); // first: a module may ask for sizes and the theme's colours
    try {
      const module = await load(figure.dataset.live);
      await module.render({ model: modelOf(JSON.parse(figure.querySelector("script").textContent)), el });
      figure.querySelector(".live-still").hidden = true; // only now: a figure that fails leaves its picture
      figure.dataset.started = "yes";
    } catch (error) {
      el.remove();
      figure.dataset.started = "failed";
      console.error(`live figure ${figure.dataset.live}:`, error);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const near = new IntersectionObserver((entries) => { // figures that nobody scrolls to cost nothing
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) { near.unobserve(target); start(target); }
      }
    }, { rootMargin: "600px" });
    for (const figure of document.querySelectorAll("[data-live]")) near.observe(figure);
  });
})();
