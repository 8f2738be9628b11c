// What the course's own controls need in JupyterLab, set up once per page.
const OURS = `.course-guess, .course-prediction, .course-quiz, .course-explorer, .live-explorer,
  .playground`;
const WIDGETS = ".course-guess, .live-explorer, .playground";

// Letters and arrow keys are its commands: an arrow would leave the cell, and D, D would delete it.
// What you press with Control, and Shift + Enter, stay JupyterLab's.
function ownKeys({ target, key, shiftKey, ctrlKey, metaKey, altKey }) {
  const theirs = ctrlKey || metaKey || altKey || (shiftKey && key === "Enter");
  // JupyterLab looks for this on the element that has the focus.
  if (target.closest?.(OURS)) target.toggleAttribute("data-lm-suppress-shortcuts", !theirs);
}

// Widgets hear of a kernel that restarts, but not of one that was shut down.
function noteKernel([{ target }]) {
  if (!/unknown|dead/.test(target.dataset.status)) return;
  for (const widget of target.closest(".jp-NotebookPanel")?.querySelectorAll(WIDGETS) ?? []) {
    widget.classList.add("jupyter-widgets-disconnected");
  }
}

// ipywidgets gives a slider's handle no name: it's that of the field beside it.
function nameSliders() {
  for (const handle of document.querySelectorAll(".live-explorer .noUi-handle:not([aria-label])")) {
    const name = handle.closest(".widget-box").querySelector("label")?.textContent;
    if (name) handle.setAttribute("aria-label", name);
  }
}

if (!window.courseIsSetUp) {
  window.courseIsSetUp = true;
  window.addEventListener("keydown", ownKeys, true);
  const watched = { subtree: true, attributeFilter: ["data-status"] };
  new MutationObserver(noteKernel).observe(document.body, watched);
  new MutationObserver(nameSliders).observe(document.body, { childList: true, subtree: true });
}
