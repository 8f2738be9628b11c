// What a page can do beyond reading. Without this script, everything is still there.

// The wipe on the front page follows its slider.
for (const slider of document.querySelectorAll(".wipe input[type=range]")) {
  const follow = () => slider.closest(".wipe").style.setProperty("--cut", `${slider.value}%`);
  slider.addEventListener("input", follow);
  follow();
}

// The theme has two sidebars, and doesn't name them.
const SIDEBARS = { ".sidebar-drawer": "All pages", ".toc-drawer": "On this page" };
for (const [sidebar, name] of Object.entries(SIDEBARS)) {
  document.querySelector(sidebar)?.setAttribute("aria-label", name);
}

// What scrolls sideways can be reached with the Tab key, and nothing else can.
const SCROLLERS = ".formula, .table-wrapper, .output, .output pre, .highlight pre";
const reachable = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document.querySelectorAll(SCROLLERS).forEach((place) => reachable.observe(place));

// On paper nothing is folded.
let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("article details:not([open])")];
  for (const fold of folded) fold.open = true;
});
window.addEventListener("afterprint", () => {
  for (const fold of folded) fold.open = false;
});
