// The page: a picture, what the network says about it, and three maps. What they need comes before
// this text (tools/try_page.py): course_utils/scripts/maps.js, picture.js, and, from Python, LABELS,
// COLOURS, SAMPLES, NOISE and SEED. tooOld is in old.js. The network is in a worker: see worker.js.

const METHODS = ["vanilla_gradients", "grad_cam", "smoothgrad"];
const OFFERED = 10; // classes that a search offers at once

const $ = (id) => document.getElementById(id);
const say = (id, words) => ($(id).textContent = words);
const PALETTE = new Uint32Array(Uint8Array.from(COLOURS).buffer); // a number for each colour
const named = (c) => `${LABELS[c]} (${c})`;

let picture = null; // { name, described, pixels, url }
let engine = null; // the worker, once it has the weights
let smoother = null; // the worker for SmoothGrad: where there's a graphics processor, the same
let job = { id: 0 }; // what was asked last: { id, c, logits, begun }
let readings = 0; // pictures whose reading has begun

// --------------------------------------------------------------------------------- numbers in words

// As figures_html.number: two digits, or all those before the point.
function number(value) {
  if (Math.abs(value) >= 1000) return value.toFixed(0);
  const [digits, exponent] = value.toExponential(1).split("e");
  if (exponent < -4) return `${Number(digits)}e-${exponent.slice(1).padStart(2, "0")}`;
  return String(Number(value.toPrecision(2)));
}

// As card.percent: one that isn't zero never reads 0.0%.
function percent(share) {
  if (share > 0 && share < 0.0005) return "below 0.1%";
  return `${(100 * share).toFixed(1)}%`;
}

function probabilities(logits) {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

// ----------------------------------------------------------------------------------- the picture

function refuse(said) {
  const still = picture ? ` The picture is still: ${picture.name}.` : "";
  say("refused", said && `${said}${still}`);
  if (said) $("refused").scrollIntoView({ block: "nearest" });
}

function pngOf(pixels, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(new ImageData(pixels, side, side), 0, 0);
  return canvas.toDataURL();
}

async function take(file, name, described, said) {
  const mine = ++readings;
  refuse("");
  say("reading", `Reading ${name} ...`);
  try {
    const pixels = await readPicture(file, said);
    if (mine !== readings) return; // somebody was faster
    const rgba = new Uint8ClampedArray(SIDE * SIDE * 4).fill(255);
    for (let i = 0; i < SIDE * SIDE; i++)
      for (let channel = 0; channel < 3; channel++) rgba[4 * i + channel] = pixels[3 * i + channel];
    picture = { name, described, pixels, url: pngOf(rgba, SIDE) };
    for (const img of [$("seen"), panels[0].img, document.querySelector(".wipe img")]) {
      img.src = picture.url;
      img.alt = `${described} The centre square, as the network sees it.`;
    }
    say("name", name);
    for (const button of $("examples").children)
      button.setAttribute("aria-pressed", button.textContent === name);
    $("search").value = "";
    explain(null);
  } catch (error) {
    if (mine === readings) refuse(error.message);
  } finally {
    if (mine === readings) say("reading", "");
  }
}

function takeFile(file, ...more) {
  if (file && !more.length) return take(file, file.name, `Your picture, ${file.name}.`, `'${file.name}'`);
  readings += 1; // whatever is still being read isn't wanted any more
  say("reading", "");
  refuse(file ? `Those were ${more.length + 1} files: give one picture.` : SENTENCES.noFile);
}

const examples = {}; // their files, by name
self.addExample = (name, content) => {
  examples[name] = new Blob([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))]);
};

function loadScript(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `try/${name}`;
    script.onload = resolve;
    script.onerror = () =>
      reject(new Error(`${name} didn't load. Check that you're online, then load this page again.`));
    document.body.append(script);
  });
}

async function takeExample(button) {
  const name = button.dataset.name;
  const mine = ++readings;
  try {
    if (!examples[name]) await loadScript(`example-${name}.js`);
    if (mine === readings)
      await take(examples[name], button.textContent, button.title, button.textContent);
  } catch (error) {
    if (mine === readings) refuse(error.message);
  }
}

function listenForPictures() {
  for (const [button, input] of [
    ["choose", "file"],
    ["photograph", "camera"],
  ]) {
    $(button).addEventListener("click", () => $(input).click());
    $(input).addEventListener("change", () => {
      if ($(input).files.length) takeFile($(input).files[0]);
      $(input).value = ""; // or the same file wouldn't count again
    });
  }
  for (const button of $("examples").children)
    button.addEventListener("click", () => takeExample(button));
  for (const kind of ["dragover", "dragleave", "drop", "paste"]) {
    window.addEventListener(kind, (event) => {
      const given = event.dataTransfer ?? event.clipboardData;
      // Text is for the search. A file may come with its name; what Word copies, with a picture.
      const isText = given.types.includes("text/plain");
      const isSearch = event.target.localName === "input";
      if (!given.types.length || (isText && (isSearch || !given.types.includes("Files")))) return;
      event.preventDefault(); // or the browser would leave this page to show the file
      $("place").classList.toggle("dragged", kind === "dragover");
      if (kind === "drop" || kind === "paste") takeFile(...given.files);
    });
  }
}

// ------------------------------------------------------------------------------------ the classes

// As playground.find_classes: whole words first, then how words begin, then any part.
function findClasses(words) {
  const wanted = words.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
  if (wanted.length === 1 && /^\d+$/.test(wanted[0]) && Number(wanted[0]) < LABELS.length)
    return [Number(wanted[0])];
  const names = LABELS.map((label) => label.toLowerCase());
  const order = [...names.keys()].sort((a, b) => (names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : a - b));
  for (const [before, after] of [[" ", " "], [" ", ""], ["", ""]]) {
    const parts = wanted.map((word) => before + word + after);
    const found = order.filter((c) => parts.every((part) => ` ${names[c]} `.includes(part)));
    if (found.length) return found;
  }
  return [];
}

// How many letters two words share, block by block, the longest first: as Python's difflib.
function shared(a, b) {
  let best = { length: 0 };
  let previous = [];
  for (let i = 0; i < a.length; i++) {
    const row = [];
    for (let j = 0; j < b.length; j++) {
      if (a[i] !== b[j]) continue;
      row[j] = (previous[j - 1] ?? 0) + 1;
      if (row[j] > best.length) best = { length: row[j], i: i + 1, j: j + 1 };
    }
    previous = row;
  }
  const { length, i, j } = best;
  if (!length) return 0;
  return length + shared(a.slice(0, i - length), b.slice(0, j - length)) + shared(a.slice(i), b.slice(j));
}

// As playground.close_classes: those with the most similar names, such as tabby for "tabyb".
function closeClasses(words, most = 5) {
  const split = (name) => [...new Set([name.toLowerCase(), ...name.toLowerCase().split(/\s+/)])];
  const likeness = LABELS.map((label) => {
    let best = 0;
    for (const wanted of split(words)) {
      for (const part of split(label)) {
        const total = wanted.length + part.length;
        if ((2 * Math.min(wanted.length, part.length)) / total <= best) continue;
        best = Math.max(best, (2 * shared(part, wanted)) / total);
      }
    }
    return best;
  });
  const close = [...likeness.keys()].filter((c) => likeness[c] >= 0.7);
  return close.sort((a, b) => likeness[b] - likeness[a] || a - b).slice(0, most);
}

// Offer the classes that match the search or, without a search, the most probable ones.
function showClasses() {
  if (!job.logits) return $("classes").replaceChildren();
  const focused = document.activeElement.dataset.c;
  const words = $("search").value.trim();
  const shares = probabilities(job.logits);
  let found, said;
  if (!words) {
    found = [...shares.keys()].sort((a, b) => shares[b] - shares[a] || a - b).slice(0, 5);
    said = `The most probable of ${LABELS.length} classes. Choose one, or search for another.`;
  } else if ((found = findClasses(words)).length) {
    const count = found.length === 1 ? "1 class matches" : `${found.length} classes match`;
    const first = found.length > OFFERED ? `; these are the first ${OFFERED}` : "";
    said = `${count} '${words}'${first}. Choose one.`;
  } else if ((found = closeClasses(words)).length) {
    said = `No class has the name '${words}'. These are similar: choose one, or try again.`;
  } else {
    said = `No class has the name '${words}' or a similar one. Try another word or a number from 0
      to ${LABELS.length - 1}, or clear the field to see the most probable classes.`;
  }
  say("found", said);
  $("classes").replaceChildren(
    ...found.slice(0, OFFERED).map((c) => {
      const button = document.createElement("button");
      button.textContent = `${named(c)} ${percent(shares[c])}`;
      button.style.setProperty("--bar", `${100 * shares[c]}%`);
      button.dataset.c = c;
      button.setAttribute("aria-pressed", c === job.c);
      button.addEventListener("click", () => explain(c));
      return button;
    }),
  );
  if (focused) $("classes").querySelector(`[data-c="${focused}"]`)?.focus();
}

// --------------------------------------------------------------------------------------- the maps

// A canvas in place of an image: maps change often, and a browser would decode each as a file.
function canvasFor(img, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.className = img.className;
  canvas.style.cssText = img.style.cssText;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", img.alt);
  img.replaceWith(canvas);
  return canvas;
}

// The panels that figures_html drew: each has a name, an image, colours, and its range.
const figure = document.querySelector("figure.maps");
const panels = [...figure.firstElementChild.children].map((panel, i) => {
  const [name, img, bar, range] = panel.children;
  if (i === 0) return { img };
  const side = METHODS[i - 1] === "grad_cam" ? 7 : SIDE;
  const map = { name: name.textContent, rows: side, columns: side };
  const high = bar.lastElementChild;
  return { img: canvasFor(img, side), map, panel, bar, high, range: range.firstElementChild };
});
const layers = [...document.querySelectorAll(".wipe .map")].map((img, i) =>
  canvasFor(img, panels[i + 1].map.rows),
);
const sayAgain = link(figure, panels); // of maps.js

// The value below which a share of the values lie, as NumPy's percentile.
function percentile(values, share) {
  const sorted = values.slice().sort();
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place % 1);
}

// As display.channel_max: the largest |value| of a pixel's channels.
function channelMax(values, [rows, columns, channels]) {
  const largest = new Float32Array(rows * columns);
  for (let i = 0, at = 0; i < largest.length; i++) {
    let most = 0;
    for (let k = 0; k < channels; k++, at++) {
      const size = Math.abs(values[at]);
      if (size > most) most = size;
    }
    largest[i] = most;
  }
  return largest;
}

function range(values) {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return [lowest, highest];
}

// As display.describe_map: in which of nine fields a map is strongest.
function whereStrongest(values, side) {
  const sums = new Float64Array(9);
  const places = averages(side, 72); // 24 rows, or columns, for each field
  places.forEach((down, row) => {
    places.forEach((right, column) => {
      let value = 0;
      for (let i = 0; i < down.weights.length; i++)
        for (let j = 0; j < right.weights.length; j++)
          value +=
            down.weights[i] * right.weights[j] * values[(down.first + i) * side + right.first + j];
      sums[3 * Math.floor(row / 24) + Math.floor(column / 24)] += value;
    });
  });
  const field = sums.indexOf(Math.max(...sums));
  if (field === 4) return "in the centre";
  const vertical = ["upper", "middle", "lower"][Math.floor(field / 3)];
  return `in the ${vertical} ${["left", "centre", "right"][field % 3]}`;
}

function describe(i, words) {
  for (const canvas of [panels[i + 1].img, layers[i]])
    canvas.setAttribute("aria-label", `${panels[i + 1].map.name} for ${nameOfClass()}: ${words}.`);
}

function nameOfClass() {
  return job.c === null ? "this class" : named(job.c);
}

// Take all maps away, so that none stands under the next class's name.
function clear() {
  drawings.clear();
  panels.slice(1).forEach(({ img, map, panel, high, range: below }, i) => {
    for (const canvas of [img, layers[i]])
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    map.values = null;
    high.textContent = below.textContent = "\u2026";
    panel.setAttribute("aria-busy", true);
    describe(i, "not there yet");
  });
  sayAgain();
}

function draw({ method, values: raw, shape, isLast }) {
  const i = METHODS.indexOf(method);
  const { img, map, panel, bar, high: highest, range: below } = panels[i + 1];
  const values = shape.length === 2 ? raw : channelMax(raw, shape);
  const [, largest] = range(values);
  const high = percentile(values, 0.99) || largest;
  const pixels = new ImageData(map.columns, map.rows);
  const colours = new Uint32Array(pixels.data.buffer);
  for (let k = 0; k < values.length; k++)
    colours[k] = PALETTE[Math.min(255, Math.floor((256 * values[k]) / (high || 1)))];
  for (const canvas of [img, layers[i]]) canvas.getContext("2d").putImageData(pixels, 0, 0);
  const ends = range(raw).map(number).join(" to ");
  highest.textContent = `${largest > high ? "\u2265 " : ""}${number(high)}`;
  bar.querySelector("img").alt = `Colours from 0 to ${number(high)}`;
  below.textContent = largest ? `raw: ${ends}` : "zero everywhere";
  if (!isLast) describe(i, "still changing");
  else if (!largest) describe(i, "zero everywhere");
  else describe(i, `strongest ${whereStrongest(values, map.rows)}, from ${ends}`);
  map.values = values;
  panel.setAttribute("aria-busy", false);
  sayAgain();
}

// Ask for the classes' scores, and for the maps of class c; null means the most probable one.
function explain(c) {
  if (!picture || !engine) return; // whichever comes last asks
  job = { id: job.id + 1, c, logits: c === null ? null : job.logits };
  clear();
  showNames();
  smoother.postMessage({ type: "stop" });
  engine.postMessage({ type: "explain", id: job.id, picture: picture.pixels, c });
  say("problem", "");
  say("working", "The network looks at the picture ...");
  if (!job.logits) say("found", "The most probable classes appear here in a moment.");
  say("smooth", "");
  $("curve").setAttribute("hidden", "");
  $("stop").hidden = true;
}

function showNames() {
  for (const place of document.querySelectorAll(".class")) place.textContent = nameOfClass();
  showClasses();
}

function smooth() {
  say("working", `The maps of ${named(job.c)} are here; SmoothGrad goes on.`);
  Object.assign(job, { id: job.id + 1, isSmoothing: true, errors: [], last: null });
  const settings = { n: SAMPLES, noise: NOISE, seed: SEED };
  const { id, c } = job;
  smoother.postMessage({ type: "smoothgrad", id, c, picture: picture.pixels, ...settings });
  say("stop", "Stop SmoothGrad");
  $("stop").hidden = false;
}

function stop() {
  job.isSmoothing = false;
  for (const worker of [engine, smoother]) worker.postMessage({ type: "stop" });
  if (job.last) drawSoon({ ...job.last, isLast: true });
  else panels.at(-1).panel.setAttribute("aria-busy", false);
  endSmoothing(`SmoothGrad was stopped at n = ${job.errors.length}.`);
}

function endSmoothing(said) {
  job.isSmoothing = false;
  say("working", said);
  say("stop", "Run SmoothGrad again");
}

function showSmoothing({ n, standardError }) {
  // The curve of the standard errors so far, the largest of them at the top.
  const known = job.errors.slice(1);
  const error = n > 1 ? `${number(known[0])} at n = 2, now ${number(standardError)}` : "known from n = 2 on";
  say("smooth", `SmoothGrad: n = ${n} of ${SAMPLES} noisy copies, noise ${NOISE}. Standard error: ${error}.`);
  const top = Math.max(...known) || 1; // without noise, they're all zero
  const points = known.map((error, i) => `${(200 * (i + 1)) / (SAMPLES - 1)},${40 - (38 * error) / top}`);
  $("curve").querySelector("polyline").setAttribute("points", points.join(" "));
  $("curve").toggleAttribute("hidden", known.length < 2);
}

const answers = {
  ready({ backend }) {
    $("loading").hidden = true;
    const slow = backend === "cpu" ? " There's no graphics processor for it here, so it takes longer." : "";
    say("engine", `The network is here. Nothing more will be loaded, and you can go offline.${slow}`);
  },
  progress({ text }) {
    say("working", text);
  },
  scores({ logits }) {
    job.logits = logits;
    job.c ??= logits.indexOf(Math.max(...logits));
    showNames();
  },
  map(map) {
    const isSmooth = map.method === "smoothgrad";
    drawSoon({ ...map, isLast: !isSmooth || map.n === SAMPLES });
    if (isSmooth) {
      if (map.n === 1) job.errors = []; // again from the start, if WebGL was lost
      job.errors.push(map.standardError);
      job.last = map;
    }
    if (map.method === "grad_cam") $("results").hidden = false;
    if (map.method === "vanilla_gradients") smooth();
    if (isSmooth && map.n === SAMPLES)
      endSmoothing(`The maps of ${named(job.c)} are complete.`);
  },
  failed({ sentence: said }) {
    $("loading").hidden = true;
    if (!engine) say("engine", "");
    if (job.isSmoothing) stop();
    say("working", "");
    say("problem", said);
  },
};

function listen({ data }) {
  if (data.id != null && data.id !== job.id) return; // about an earlier question
  if (data.method === "smoothgrad" && !job.isSmoothing) return; // one more after it was stopped
  answers[data.type](data);
}

// SmoothGrad may come faster than anybody can see: draw the newest maps ten times per second.
const drawings = new Map();
let isDrawing = false;

function drawSoon(map) {
  drawings.set(map.method, map);
  if (isDrawing) return;
  isDrawing = true;
  setTimeout(drawOne);
}

function drawOne() {
  const [map] = drawings.values();
  isDrawing = Boolean(map);
  if (!map) return;
  drawings.delete(map.method);
  draw(map);
  if (map.method === "smoothgrad") showSmoothing(map);
  setTimeout(drawOne, drawings.size ? 0 : 100);
}

// ------------------------------------------------------------------------------------ the network

async function loadEngine() {
  await loadScript("engine.js");
  let loaded = 0;
  for (const name of weightFiles) {
    const before = self.weights.length;
    await loadScript(name);
    if (self.weights.length === before) throw new Error(`${name} was cut off. Load this page again.`);
    loaded += 1;
    $("loading").value = loaded / weightFiles.length;
  }
  for (const { dataset } of $("examples").children)
    if (!examples[dataset.name]) await loadScript(`example-${dataset.name}.js`); // for going offline
  say("engine", "The network is being prepared ...");
  const worker = startNetwork(null, (event) => {
    const { type, backend } = event.data;
    const isFirst = type === "ready" && !engine;
    if (isFirst) engine = smoother = worker;
    listen(event);
    if (isFirst) explain(null);
    // On the processor, a noisy copy takes seconds, and the next picture would wait for it.
    if (backend === "cpu")
      smoother = startNetwork("cpu", (event) => {
        if (event.data.type !== "ready") listen(event);
      });
  });
}

function startNetwork(backend, hear) {
  const worker = startEngine();
  worker.addEventListener("message", hear);
  worker.postMessage({ type: "load", weights: self.weights, backend });
  return worker;
}

const NEEDED = ["Worker", "OffscreenCanvas", "createImageBitmap", "structuredClone"];

function begin() {
  document.documentElement.dataset.try = "begun"; // old.js looks for it
  const missing = NEEDED.filter((name) => !(name in self));
  if (missing.length) {
    say("problem", `${tooOld} It lacks ${missing.join(", ")}.`);
    return;
  }
  listenForPictures();
  $("search").addEventListener("input", showClasses);
  $("stop").addEventListener("click", () => (job.isSmoothing ? stop() : smooth()));
  takeExample($("examples").firstElementChild)
    .then(loadEngine)
    .catch((error) => {
      $("loading").hidden = true;
      say("engine", "");
      say("problem", error.message);
    });
}

begin();
