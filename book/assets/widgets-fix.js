// Repairs that make ipywidgets work, and speak, on a page with no kernel behind it. Loaded before the other scripts.

// Font Awesome would go on to replace the <i> elements inside the widgets.
window.FontAwesomeConfig = { observeMutations: false };

// Paper is white: the light theme is printed.
let theme;
window.addEventListener("beforeprint", () => {
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
window.addEventListener("afterprint", () => { document.documentElement.dataset.theme = theme; });

document.addEventListener("DOMContentLoaded", () => {
  // HTML widgets ask MathJax 2 to typeset them; the page has MathJax 3.
  const mathjax = window.MathJax;
  if (mathjax && mathjax.startup && !mathjax.Hub) {
    mathjax.Hub = {
      Queue: (job) => job && job[2] && mathjax.startup.promise.then(() => mathjax.typesetPromise([job[2]])),
    };
  }

  // A slider's handle has no name, and tells an index for its value: take the label and the value that are shown.
  // A label of one letter is set as in formulas.
  const name = () => {
    for (const handle of document.querySelectorAll(".jupyter-widgets .noUi-handle")) {
      const slider = handle.closest(".widget-slider");
      const text = (selector) => (slider.querySelector(selector) || {}).textContent || "";
      slider.classList.toggle("letter", text(".widget-label").length === 1);
      for (const [attribute, value] of [
        ["aria-label", text(".widget-label")],
        ["aria-valuetext", text(".widget-readout")],
      ]) {
        if (value && handle.getAttribute(attribute) !== value) handle.setAttribute(attribute, value);
      }
    }
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true, characterData: true });
});
