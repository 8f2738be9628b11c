// An explorer that needs no kernel: controls above pictures that were drawn ahead.
//
// Without this script it's a still picture with a note. In JupyterLab the output above it is the
// same explorer as a widget. While that widget has its kernel, you see the widget; else, this.
const WIDGET = ".jp-OutputArea-output:not([data-mime-type])"; // all others have the attribute
const LIVE = ":has(.live-explorer:not(.jupyter-widgets-disconnected))";
const STYLE = `
.jp-OutputArea-child${LIVE} + .jp-OutputArea-child:has(.course-explorer),
.jp-OutputArea-child:has(> ${WIDGET}):not(${LIVE}):has(+ .jp-OutputArea-child .course-explorer) {
  display: none;
}
.course-explorer-controls > * { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .75em;
  min-height: 2em; }
.course-explorer-controls > * > :first-child { width: 12em; }
.course-explorer-controls label { display: flex; align-items: center; gap: .35em; margin: 0;
  min-height: 2em; font-weight: normal; cursor: pointer; }
@media (max-width: 500px) {
  .course-explorer-controls > * > :first-child { width: auto; }
  .course-explorer-controls [role=radiogroup] > :first-child { width: 100%; margin-bottom: -.4em; }
  .course-explorer-controls [type=range] { order: 1; width: 100%; height: 1.7em; }
  /* Of three panels, the first is the picture, which never moves. */
  .course-explorer-picture .maps > div > :first-child:nth-last-child(3) { display: none; }
}
.course-explorer-controls input { margin: 0; accent-color: #1a6fb5; cursor: pointer; }
.course-explorer-controls input:not([type=range]) { width: 1.2em; height: 1.2em; }
.course-explorer-controls [type=range] { width: 16em; height: 2em; }
.course-explorer-controls :focus-visible { border-radius: 3px; }
:is(.course-explorer-controls, .live-explorer) :is(button, input, [role=slider]):focus-visible {
  outline: 3px solid currentColor !important; outline-offset: 2px !important; }
.live-explorer .widget-toggle-button.mod-active::before { content: "✓ "; }
.course-explorer-value { min-width: 4em; font-variant-numeric: tabular-nums; }
.course-explorer-picture { overflow-x: auto; margin: .5em 0; }
.course-explorer-picture > div > svg { display: block; width: 100%; height: auto; max-width: 42em;
  background: white; }
`;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const newName = () => `course-explorer-${Math.random()}`;

// Each control returns its element, and calls `moved` with the number of the stop you chose.
const CONTROLS = {
  choice({ name, stops, start }, moved) {
    const group = newName();
    const buttons = stops.map((stop, i) => {
      const button = make("input", { type: "radio", name: group });
      button.checked = i === start;
      button.addEventListener("change", () => moved(i));
      return make("label", {}, button, stop);
    });
    const words = make("span", { "aria-hidden": "true" }, name);
    return make("div", { role: "radiogroup", "aria-label": name }, words, ...buttons);
  },
  switch({ name, start }, moved) {
    const id = newName();
    const box = make("input", { type: "checkbox", id });
    box.checked = start === 1;
    box.addEventListener("change", () => moved(Number(box.checked)));
    return make("div", {}, make("label", { for: id }, name), box);
  },
  number({ name, stops, start }, moved) {
    const id = newName();
    const slider = make("input", { type: "range", min: 0, max: stops.length - 1, id });
    const shown = make("span", { class: "course-explorer-value", "aria-hidden": "true" });
    const say = () => {
      shown.textContent = stops[slider.value];
      slider.setAttribute("aria-valuetext", stops[slider.value]);
    };
    slider.value = start;
    say();
    slider.addEventListener("input", () => {
      say();
      moved(Number(slider.value));
    });
    return make("div", {}, make("label", { for: id }, name), slider, shown);
  },
};

// Drawings: a function of the chosen stops that returns the picture's elements and its text.

function framesDrawnAhead({ controls, images, frames }, still) {
  return (chosen) => {
    const place = chosen.reduce((sum, stop, i) => sum * controls[i].stops.length + stop, 0);
    const [html, text] = frames[place];
    if (!html) return { picture: still, text };
    const picture = make("div");
    picture.innerHTML = html.replace(/"@(\d+)"/g, (_, i) => `"${images[i]}"`);
    return { picture, text };
  };
}

// y = w.x + b: the same drawing as Python's, in which lines, points and words are moved.
function linearModel({ controls, svg, constant, panels, scale, words, texts }) {
  const picture = make("div");
  picture.innerHTML = svg;
  const part = (id) => picture.querySelector(`[id="${id}"]`);
  const write = (id, words) => (part(id).querySelector("text").textContent = words);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  return (chosen) => {
    const values = chosen.map((stop, i) => Number(controls[i].stops[stop]));
    const term = (i) => values[2 * i] * values[2 * i + 1];
    const y = panels.reduce((sum, _, i) => sum + term(i), constant);
    const pixel = (value) => scale.pixel + scale.slope * (value - scale.value);
    const said = panels.map(({ ends, pixels, words: names }, i) => {
      const [slope, x] = values.slice(2 * i, 2 * i + 2);
      const [left, right] = ends.map((end) => pixel(y + slope * (end - x)));
      const across = pixels[0] + ((pixels[1] - pixels[0]) * (x - ends[0])) / (ends[1] - ends[0]);
      part(`line${i}`).querySelector("path").setAttribute("d",
        `M ${pixels[0]} ${left} L ${pixels[1]} ${right}`);
      const point = part(`point${i}`).querySelector("use");
      point.setAttribute("x", across);
      point.setAttribute("y", pixel(y));
      const numbers = { ...names, slope: four(slope, "+"), adds: four(term(i), "+"), x: four(x) };
      for (const id of ["slope", "adds", "x"]) write(`${id}${i}`, fill(texts[id], numbers));
      return fill(texts.said, numbers);
    });
    const title = fill(texts.title, { ...words, y: four(y) });
    write("title", title);
    const text = fill(texts.all, { title, said: said.join("; ") });
    picture.firstElementChild.setAttribute("aria-label", text);
    return { picture, text };
  };
}

// A number as Python's "{:.4g}" writes it, or with a sign, "{:+.4g}".
function four(value, plus = "") {
  const sign = value < 0 || Object.is(value, -0) ? "-" : plus;
  const [digits, exponent] = Math.abs(value).toExponential(3).split("e");
  if (exponent >= -4 && exponent < 4) return sign + Number(Math.abs(value).toPrecision(4));
  return `${sign}${Number(digits)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

for (const explorer of document.querySelectorAll(".course-explorer:not([data-ready])")) {
  explorer.dataset.ready = "";
  const data = JSON.parse(explorer.querySelector("script").textContent);
  const area = explorer.querySelector(".course-explorer-picture");
  const draw = data.svg ? linearModel(data) : framesDrawnAhead(data, area.firstElementChild);
  const words = make("p", { role: "status" });
  const chosen = data.controls.map((control) => control.start);

  let asked = 0;
  let drawn = 0;
  async function show() {
    const number = ++asked;
    const { picture, text } = draw(chosen);
    const images = [...picture.querySelectorAll("img")];
    await Promise.all(images.map((image) => image.decode().catch(() => {}))); // or it would flicker
    if (number < drawn) return;
    drawn = number;
    area.replaceChildren(picture);
    words.textContent = text;
  }

  const controls = data.controls.map((control, i) =>
    CONTROLS[control.kind](control, (stop) => {
      chosen[i] = stop;
      show();
    }));
  explorer.querySelector(".course-explorer-note").remove();
  explorer.prepend(make("style", {}, STYLE),
    make("div", { class: "course-explorer-controls" }, ...controls));
  explorer.append(words);
  show();
}
