// In JupyterLab, letters and arrow keys are commands: an arrow would leave the cell, and D, D would
// delete it. But not where the focus is on one of the course's own controls. What you press with
// Control, and Shift + Enter, stay JupyterLab's.
const OURS = `.course-guess, .course-prediction, .course-quiz, .course-explorer, .live-explorer,
  .playground`;

if (!window.courseKeysAreSetUp) {
  window.courseKeysAreSetUp = true;
  const own = ({ target, key, shiftKey, ctrlKey, metaKey, altKey }) => {
    const theirs = ctrlKey || metaKey || altKey || (shiftKey && key === "Enter");
    // JupyterLab looks for this on the element that has the focus.
    if (target.closest?.(OURS)) target.toggleAttribute("data-lm-suppress-shortcuts", !theirs);
  };
  window.addEventListener("keydown", own, true);
}
