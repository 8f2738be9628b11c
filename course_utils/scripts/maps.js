// Linked reading: one crosshair over the picture and all maps of a figure, and their raw values.
// It sets up each <figure class="maps"> with an <img data-values>, also those that a widget or a
// script draws later. By mouse, touch, or arrow keys.

const HINT = "To read the values: point at a panel, or tap it, or use the arrow keys.";

// The values that a figure brings along: 16-bit integers q, in two halves, all low bytes first. A
// value is unit * q * |q|.
async function read(img) {
  const packed = Uint8Array.from(atob(img.dataset.values), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
  const n = bytes.length / 2;
  const q = Int16Array.from({ length: n }, (_, i) => bytes[i] | (bytes[n + i] << 8));
  const unit = Number(img.dataset.unit);
  return Float64Array.from(q, (each) => unit * each * Math.abs(each));
}

// Where a value ranks by its size, from 1: a range if others are equal.
function rank(map, value) {
  if (map.sorted !== map.values) {
    map.sizes = map.values.map(Math.abs).sort();
    map.sorted = map.values;
  }
  const n = map.sizes.length;
  const above = (isAbove) => {
    let [low, high] = [0, n];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isAbove(map.sizes[middle])) high = middle;
      else low = middle + 1;
    }
    return n - low;
  };
  const size = Math.abs(value);
  const [first, last] = [above((other) => other > size) + 1, above((other) => other >= size)];
  return first === last ? first : `${first} to ${last}`;
}

// The value of a map at a place (x, y), both from 0 to 1. Below a map of the same size, it leaves out
// what would be the same: a phone has room for few words.
function at(map, above, x, y) {
  const row = Math.floor(y * map.rows);
  const column = Math.floor(x * map.columns);
  const value = map.values[row * map.columns + column];
  const said = `${Number(value.toPrecision(3))}, rank ${rank(map, value)}`;
  if (map.rows === above?.rows && map.columns === above.columns) return `${map.name}: ${said}`;
  return `${map.name}: row ${row}, column ${column}, value ${said} of ${map.rows * map.columns}`;
}

// A drawing over a panel that a mouse goes through: black lines with white ones on top.
function cover(img) {
  const place = document.createElement("div");
  Object.assign(place.style, { position: "relative", width: "max-content", cursor: "crosshair" });
  const picture = img.closest("picture") ?? img;
  picture.replaceWith(place);
  place.innerHTML = `<svg aria-hidden="true" style="position: absolute; left: 0; top: 0;
    width: 100%; height: 100%; pointer-events: none"><path fill="none" stroke="black"
    stroke-width="3"/><path fill="none" stroke="white" stroke-width="1"/></svg>`;
  place.prepend(picture);
  img.draggable = false;
  return place.querySelectorAll("path");
}

// The outline of a grid's cell that holds a place, just outside of it.
function cell(grid, x, y, width, height) {
  const [w, h] = [width / grid.columns, height / grid.rows];
  const left = Math.floor(x * grid.columns) * w - 1;
  const top = Math.floor(y * grid.rows) * h - 1;
  return { left, top, right: left + w + 2, bottom: top + h + 2 };
}

function lines(panel, finest, x, y) {
  const { offsetWidth: width, offsetHeight: height } = panel.img;
  const { left, top, right, bottom } = cell(finest, x, y, width, height);
  const [h, v] = [(left + right) / 2, (top + bottom) / 2];
  const cross = `M0 ${v}H${left}M${right} ${v}H${width}M${h} 0V${top}M${h} ${bottom}V${height}`;
  return panel.grids.reduce((drawn, grid) => {
    const c = cell(grid, x, y, width, height);
    return `${drawn}M${c.left} ${c.top}H${c.right}V${c.bottom}H${c.left}Z`;
  }, cross);
}

// Link the panels of a figure, each { img, map }, without a map if it's the picture. A map's values
// may come, and change, later: the function returned says them anew.
function link(figure, panels) {
  const row = figure.querySelector("div");
  const maps = panels.map((panel) => panel.map).filter(Boolean);
  const finest = maps.reduce((a, b) => (b.rows * b.columns > a.rows * a.columns ? b : a));
  for (const panel of panels) {
    panel.grids = panel.map ? [panel.map] : maps; // a picture shows the squares of all maps
    panel.paths = cover(panel.img);
  }
  const said = document.createElement("div");
  said.setAttribute("role", "status");
  said.style.cssText = `padding: 4px 8px; box-sizing: border-box; font-size: 13px;
    line-height: 18px; background: #222; color: #fff; white-space: pre-line`;
  said.textContent = HINT;
  const place = document.createElement("div"); // keeps the room when the line leaves it
  place.style.cssText = `margin-top: 8px; min-height: ${18 * maps.length + 8}px`;
  place.append(said);
  row.after(place);
  // While you read a figure that is taller than the window, the line is at the window's bottom; in
  // JupyterLab and Voila, what's around a figure may be what "fixed" refers to.
  const dock = () => {
    const isBelow = place.getBoundingClientRect().bottom > innerHeight;
    const isSeen = figure.getBoundingClientRect().top < innerHeight - said.clientHeight;
    const isFixed = reading && isBelow && isSeen;
    said.style.position = isFixed ? "fixed" : "static";
    said.style.width = isFixed ? `${place.clientWidth}px` : "auto";
    said.style.bottom = 0;
    if (isFixed) said.style.bottom = `${said.getBoundingClientRect().bottom - innerHeight}px`;
    if (reading && figure.isConnected)
      window.addEventListener("scroll", dock, { capture: true, once: true });
  };

  let [x, y] = [0.5, 0.5];
  let reading = false;
  const say = () => {
    const ready = reading ? maps.filter((map) => map.values) : [];
    const words = ready.map((map, i) => at(map, ready[i - 1], x, y));
    said.textContent = words.join("\n") || HINT;
  };
  const show = () => {
    reading = true;
    for (const panel of panels) {
      const d = lines(panel, finest, x, y);
      for (const path of panel.paths) path.setAttribute("d", d);
    }
    say();
    dock();
  };
  const hide = () => {
    for (const { paths } of panels) for (const path of paths) path.removeAttribute("d");
    reading = false;
    say();
    dock();
  };
  const follow = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const inside = (share) => Math.min(Math.max(share, 0), 1 - 1e-6);
    x = inside((event.clientX - box.left) / box.width);
    y = inside((event.clientY - box.top) / box.height);
    show();
  };
  for (const { img } of panels) {
    img.addEventListener("pointerdown", follow);
    img.addEventListener("pointermove", follow);
  }

  const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  row.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      hide();
      row.blur();
    } else if (steps[event.key]) {
      const [dx, dy] = steps[event.key];
      const moved = (place, n, d) => (Math.min(Math.max(Math.floor(place * n) + d, 0), n - 1) + 0.5) / n;
      x = moved(x, finest.columns, dx);
      y = moved(y, finest.rows, dy);
      show();
    } else return;
    event.preventDefault(); // the page would scroll,
    event.stopPropagation(); // and JupyterLab would go to the next cell
  });
  row.tabIndex = 0;
  row.setAttribute("role", "application");
  row.setAttribute("aria-label", HINT);
  row.dataset.lmSuppressShortcuts = "true"; // as JupyterLab calls it
  row.addEventListener("focus", () => {
    if (!row.matches(":focus-visible")) return;
    row.style.outline = "3px solid #1a73e8";
    row.style.outlineOffset = "3px";
    show();
  });
  row.addEventListener("blur", () => (row.style.outline = "none"));
  return say;
}

function setUp(figure) {
  const panels = [...figure.querySelectorAll("img[data-name]")].map((img) => {
    const [rows, columns] = (img.dataset.shape ?? "").split(" ").map(Number);
    return { img, map: img.dataset.values && { name: img.dataset.name, rows, columns } };
  });
  const say = link(figure, panels); // before the values are unpacked, so that nothing moves later
  for (const { img, map } of panels) {
    if (!map) continue;
    read(img).then((values) => {
      map.values = values;
      say();
    });
  }
}

function setUpAll() {
  for (const figure of document.querySelectorAll("figure.maps:not([data-linked])")) {
    if (!figure.querySelector("img[data-values]")) continue;
    figure.dataset.linked = "";
    setUp(figure);
  }
}

setUpAll();
if (!window.courseMapsAreSetUp) {
  window.courseMapsAreSetUp = true;
  new MutationObserver(setUpAll).observe(document.body, { childList: true, subtree: true });
}
