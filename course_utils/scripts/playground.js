// The playground's page, as far as it needs no kernel: files that are dropped, pasted or too big,
// the fade, and the focus on new maps.

if (window.playgroundIsSetUp) return;
window.playgroundIsSetUp = true;

const inputs = new WeakMap(); // upload button -> its file input, which isn't on the page

function findInput(button) {
  const press = HTMLInputElement.prototype.click;
  HTMLInputElement.prototype.click = function () {
    inputs.set(button, this);
  };
  button.click();
  HTMLInputElement.prototype.click = press;
  inputs.get(button)?.addEventListener("change", refuseTooBig, true);
}

function refuse(root, said) {
  root.querySelector(".playground-too-big").textContent = said;
}

// A notebook server drops the connection at a message above 10 MB: such a file must not be sent.
function refuseTooBig(event) {
  const [file] = event.target.files;
  for (const button of document.querySelectorAll(".playground .widget-upload")) {
    if (inputs.get(button) !== event.target) continue;
    const root = button.closest(".playground");
    const { limit, said } = root.querySelector(".playground-too-big").dataset;
    const tooBig = file?.size > Number(limit);
    if (tooBig) event.stopImmediatePropagation();
    const size = (file?.size / 1e6).toFixed(1);
    const before = root.querySelector(".playground-drop .widget-html-content").innerText.trim();
    const words = { name: `'${file?.name}'`, size, before };
    refuse(root, tooBig ? said.replace(/{(\w+)}/g, (_, word) => words[word]) : "");
  }
}

async function give(root, [file, ...more]) {
  if (more.length) return refuse(root, `Those were ${more.length + 1} files: give one picture.`);
  const readable = await file?.slice(0, 1).arrayBuffer().catch(() => null);
  const input = inputs.get(root.querySelector(".widget-upload"));
  if (!readable || !input) {
    return refuse(root, "That was no picture file: save the picture, then drop its file here.");
  }
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
}

// Under Voila, the playground is the whole page; elsewhere, it's one cell among others.
const isPage = document.body.dataset.voila !== undefined;

// Voila draws all its pages in one theme. Where the system is dark, JupyterLab's dark one is added.
if (isPage) {
  const url = `${document.body.dataset.baseUrl}static/theme-dark.css`;
  const link = `<link rel="stylesheet" media="(prefers-color-scheme: dark)" href="${url}">`;
  document.head.insertAdjacentHTML("beforeend", link);
}

function rootAt(target) {
  return target.closest?.(".playground") ?? (isPage && document.querySelector(".playground"));
}

for (const kind of ["dragover", "dragleave", "drop", "paste"]) {
  const listen = (event) => {
    const root = rootAt(event.target);
    const given = event.dataTransfer ?? event.clipboardData;
    const isText = kind === "paste" || event.target.matches?.("input, textarea, [contenteditable]");
    if (!root || (isText && given.types.includes("text/plain")) || !given.types.length) return;
    event.preventDefault(); // or the browser would leave this page to show the file
    event.stopPropagation();
    root.classList.toggle("playground-dragged", kind === "dragover");
    if (kind === "drop" || kind === "paste") give(root, given.files);
  };
  window.addEventListener(kind, listen, true);
}

window.addEventListener("click", (event) => {
  const root = event.target.closest?.(".playground");
  if (root) refuse(root, "");
});

// Cancel goes once there's nothing to cancel, and takes the focus along: it goes to the maps.
let last = null;
window.addEventListener("focusin", (event) => (last = event.target));

function keepFocus() {
  if (!last?.disabled || !last.closest(".playground-progress")) return;
  last.closest(".playground").querySelector(".playground-focus")?.focus({ preventScroll: true });
  last = null;
}

function fade(slider) {
  const stops = [...slider.closest(".playground").querySelectorAll(".playground-stops span")];
  const from = Math.min(1, Math.floor(slider.value));
  const share = Math.round(100 * (slider.value - from));
  const parts = [`${100 - share}% ${stops[from].innerText}`, `${share}% ${stops[from + 1].innerText}`];
  slider.setAttribute("aria-valuetext", parts.filter((part) => !part.startsWith("0%")).join(", "));
  slider.closest(".playground").style.setProperty("--fade", slider.value);
}

window.addEventListener("input", (event) => {
  if (event.target.matches?.(".playground-fade")) fade(event.target);
});

// Such a page doesn't notice that its server was stopped, or that it slept until its kernel ended.
async function askForKernel() {
  const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").text);
  const answer = await fetch(`${baseUrl}api/kernels/${kernelId}`).catch(() => null);
  for (const root of document.querySelectorAll(".playground")) {
    root.classList.toggle("playground-lost", !answer?.ok);
  }
}
if (isPage) setInterval(askForKernel, 5000);

function update() {
  keepFocus();
  for (const button of document.querySelectorAll(".playground .widget-upload")) {
    if (!inputs.has(button)) findInput(button);
    const count = button.lastChild; // "Upload (0)": it says how many files, and there's always one
    if (count?.data) count.data = count.data.replace(/ \(\d+\)$/, "");
  }
  for (const group of document.querySelectorAll(".playground .widget-toggle-buttons")) {
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", group.querySelector("label")?.textContent);
    for (const button of group.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
    }
  }
  for (const heading of document.querySelectorAll(".playground-focus:not([data-seen])")) {
    heading.dataset.seen = "true";
    fade(heading.parentElement.querySelector(".playground-fade"));
    heading.focus();
    heading.scrollIntoView();
  }
}

const watched = { childList: true, subtree: true, attributeFilter: ["class", "disabled"] };
new MutationObserver(update).observe(document.body, watched);
