// Read a picture as course_utils does: load_image's rules, then prepare's square of 224 x 224.
// LIMITS and SENTENCES come from course_utils/picture_limits.py; tools/try_page.py puts them here.

const SIDE = 224;
const PIECE = 2 ** 18; // pixels that are handled at a time, in a few milliseconds

function sentence(key, values) {
  return SENTENCES[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// ------------------------------------------------------------------ what a file says about itself

// A file's format by its first bytes, whatever its name ends in. TIFF isn't here: browsers can't.
const SIGNATURES = {
  PNG: /^\x89PNG\r\n\x1a\n/,
  JPEG: /^\xff\xd8\xff/,
  WEBP: /^RIFF[^]{4}WEBPVP8[ LX]/,
  GIF: /^GIF8[79]a/,
  BMP: /^BM/,
  AVIF: /^[^]{4}ftyp(?:[^]{4}){0,16}avi[fs]/,
};

const text = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));

// Each walk returns the picture's size as it's stored, which parts to leave out, and where its EXIF
// is. Without EXIF and colour profile, every browser decodes the plain numbers, as Pillow does; the
// parts of an animated PNG go, too, and leave its first picture.
const WALKS = {
  PNG(bytes, view, add) {
    const parts = [];
    let exif = null;
    let ended = false;
    for (let at = 8; at + 8 <= bytes.length && !ended; ) {
      const [size, kind] = [view.getUint32(at), text(bytes, at + 4, at + 8)];
      const end = at + 12 + size;
      add(1, kind === "IDAT" || kind === "fdAT" ? 0 : size);
      if (kind === "eXIf") exif = [at + 8, end - 4];
      if (/eXIf|iCCP|gAMA|cHRM|sRGB|cICP|acTL|fcTL|fdAT/.test(kind)) parts.push([at, end]);
      ended = kind === "IEND";
      at = end;
    }
    return { width: view.getUint32(16), height: view.getUint32(20), parts, exif, ended };
  },

  JPEG(bytes, view, add) {
    const found = { parts: [], exif: null, ended: false };
    let scans = 0;
    for (let at = 2; (at = bytes.indexOf(0xff, at)) >= 0 && at + 1 < bytes.length; ) {
      const marker = bytes[at + 1];
      if (marker === 0xff) at += 1;
      else if (marker === 0 || (marker >= 0xd0 && marker <= 0xd8) || marker === 1) at += 2;
      else if (marker === 0xd9) {
        found.ended = scans > 0; // phones append videos
        break;
      } else {
        const end = at + 2 + Math.max(2, view.getUint16(at + 2));
        if (marker === 0xda) scans += 1;
        else add(1, end - at);
        if (scans > LIMITS.scans) throw new Error(sentence("scans", found));
        if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
          found.height = view.getUint16(at + 5);
          found.width = view.getUint16(at + 7);
        }
        const name = text(bytes, at + 4, at + 15);
        if (marker === 0xe1 && name.startsWith("Exif\0\0")) found.exif = [at + 10, end];
        if ((marker === 0xe1 && found.exif?.[1] === end) || name === "ICC_PROFILE")
          found.parts.push([at, end]);
        at = end;
      }
    }
    return found;
  },

  WEBP(bytes, view, add) {
    const found = { parts: [], exif: null, ended: 8 + view.getUint32(4, true) <= bytes.length };
    for (let at = 12; at + 8 <= bytes.length; ) {
      const [kind, size] = [text(bytes, at, at + 4), view.getUint32(at + 4, true)];
      const pixels = /VP8[ LX]|ALPH|ANMF/.test(kind);
      add(1, pixels ? 0 : size);
      // Its header says how long the file is, so nothing may go: another name hides a part.
      if (kind === "EXIF") found.exif = [at + 8, at + 8 + size];
      if (kind === "EXIF" || kind === "ICCP") bytes.set([0x73, 0x6b, 0x69, 0x70], at);
      at += 8 + size + (size % 2);
    }
    const kind = text(bytes, 12, 16);
    if (kind === "VP8X") {
      bytes[20] &= ~0x28; // nor does the header promise them
      found.width = 1 + (view.getUint32(24, true) & 0xffffff);
      found.height = 1 + (view.getUint32(26, true) >>> 8);
    } else if (kind === "VP8L") {
      found.width = 1 + (view.getUint32(21, true) & 0x3fff);
      found.height = 1 + ((view.getUint32(21, true) >>> 14) & 0x3fff);
    } else {
      found.width = view.getUint16(26, true) & 0x3fff;
      found.height = view.getUint16(28, true) & 0x3fff;
    }
    return found;
  },

  GIF(bytes, view, add) {
    const colours = (flags) => (flags & 128 ? 3 * 2 ** (1 + (flags & 7)) : 0);
    const blocks = (at) => {
      while (view.getUint8(at)) at += 1 + bytes[at]; // beyond the end, it throws
      return at + 1;
    };
    let at = 13 + colours(bytes[10]);
    while (view.getUint8(at) === 0x21) {
      const end = blocks(at + 2);
      add(1, end - at);
      at = end;
    }
    const ended = bytes[at] === 0x2c && blocks(at + 11 + colours(bytes[at + 9])) > 0;
    return { width: view.getUint16(6, true), height: view.getUint16(8, true), parts: [], ended };
  },

  BMP(bytes, view) {
    const [width, height] = [view.getInt32(18, true), Math.abs(view.getInt32(22, true))];
    return { width, height, parts: [], ended: view.getUint32(10, true) < bytes.length };
  },

  AVIF(bytes, view) {
    const found = { width: 0, height: 0, parts: [], ended: true };
    const head = text(bytes, 0, Math.min(bytes.length, 2 ** 16));
    for (const { index } of head.matchAll(/ispe/g)) {
      found.width = Math.max(found.width, view.getUint32(index + 8));
      found.height = Math.max(found.height, view.getUint32(index + 12));
    }
    return found;
  },
};

// EXIF's number for how to turn a picture; 1 if it doesn't say.
function orientation(bytes, [from, to]) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, to - from);
  const little = view.getUint8(0) === 0x49;
  const entries = view.getUint32(4, little);
  for (let i = 0; i < view.getUint16(entries, little); i++) {
    const at = entries + 2 + 12 * i;
    if (view.getUint16(at, little) === 0x0112) return view.getUint16(at + 8, little);
  }
  return 1;
}

// Check a file before anything decodes it: { width, height, turn, kept }, the parts to decode.
function inspect(bytes, name) {
  if (!bytes.length) throw new Error(sentence("empty", { name }));
  const head = text(bytes, 0, 80);
  const format = Object.keys(SIGNATURES).find((each) => SIGNATURES[each].test(head));
  const formats = Object.keys(SIGNATURES).join(", ");
  if (!format) throw new Error(sentence("format", { name, formats }));
  let metadata = 0;
  const add = (parts, size) => {
    metadata += 100 * parts + size;
    if (metadata > LIMITS.metadata) throw new Error(sentence("metadata", { name }));
  };
  const broken = (why) => new Error(sentence("damaged", { name, why }));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let found;
  try {
    found = WALKS[format](bytes, view, add);
  } catch (error) {
    if (error instanceof RangeError) throw broken(`its ${format} header contradicts itself`);
    throw new Error(error.message.replace("undefined", name));
  }
  const { width, height, parts, exif, ended } = found;
  if (!(width > 0 && height > 0)) throw broken(`its ${format} header is incomplete`);
  const size = `${width} x ${height}`;
  if (width * height > LIMITS.pixels) throw new Error(sentence("pixels", { name, size }));
  if (!ended) throw broken("its end is missing");
  let turn = 1;
  try {
    if (exif) turn = orientation(bytes, exif);
  } catch {
    throw broken("its EXIF contradicts itself");
  }
  const kept = [];
  let start = 0;
  for (const [from, to] of [...parts, [bytes.length]]) {
    kept.push(bytes.subarray(start, from));
    start = to;
  }
  return { width, height, turn, kept, broken };
}

// ------------------------------------------------------------------------------ from file to input

// For each new pixel: the first old one that it averages, and the weights. It's Pillow's BILINEAR.
function averages(from, to) {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach + 0.5), from);
    const weights = Float64Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / reach)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((each) => each / sum) };
  });
}

// Average along one side of a (rows, columns, channels) array, within `out`, from one of its rows on.
function acrossRows(values, columns, stored, rows, new_, out, top) {
  const wide = new_.length * 3;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < new_.length; i++) {
      const { first, weights } = new_[i];
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        let at = (row * columns + first) * stored + channel;
        for (let k = 0; k < weights.length; k++, at += stored) sum += weights[k] * values[at];
        out[(top + row) * wide + i * 3 + channel] = sum;
      }
    }
  }
}

// How to draw a stored picture of w x h upright: EXIF's number -> a canvas's transformation.
const TURNS = {
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (w, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (w, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
};

const pause = () => new Promise((go) => setTimeout(go));

// The centre square of a decoded picture, upright, on white, as float32 (224, 224, 3) in 0..255: in
// pieces, between which the page can do something else, and first the rows, then the columns.
async function shrink(bitmap, turn) {
  const stored = [bitmap.width, bitmap.height];
  const [width, height] = turn in TURNS && turn > 4 ? [...stored].reverse() : stored;
  const side = Math.min(width, height);
  const [left, top] = [Math.floor((width - side) / 2), Math.floor((height - side) / 2)];
  const rows = Math.min(side, Math.ceil(PIECE / side));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [side, rows];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  const weights = averages(side, SIDE);
  const narrow = new Float32Array(side * SIDE * 3);
  for (let row = 0; row < side; row += rows) {
    const count = Math.min(rows, side - row);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "white";
    context.fillRect(0, 0, side, rows);
    context.translate(-left, -top - row);
    if (TURNS[turn]) context.transform(...TURNS[turn](...stored));
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, side, count);
    acrossRows(data, side, 4, count, weights, narrow, row);
    await pause();
  }
  const pixels = new Float32Array(SIDE * SIDE * 3);
  const wide = SIDE * 3;
  for (let i = 0; i < SIDE; i++) {
    const { first, weights: these } = weights[i];
    for (let column = 0; column < wide; column++) {
      let sum = 0;
      for (let k = 0; k < these.length; k++) sum += these[k] * narrow[(first + k) * wide + column];
      pixels[i * wide + column] = sum;
    }
    if (i % 32 === 31) await pause();
  }
  return pixels;
}

// A file or Blob as float32 (224, 224, 3) in 0..255, not rounded. An Error's message says what's
// wrong with it, in a sentence.
async function readPicture(file, name) {
  const size = `${Math.round(file.size / 1e6)} MB`;
  if (file.size > LIMITS.bytes) throw new Error(sentence("bytes", { name, size }));
  const content = await file.arrayBuffer().catch(() => null);
  if (!content) throw new Error(SENTENCES.noFile);
  const { width, height, turn, kept, broken } = inspect(new Uint8Array(content), name);
  let bitmap;
  try {
    // The decoder of WebP multiplies by alpha less exactly than the canvas does.
    const plain = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    bitmap = await createImageBitmap(new Blob(kept), plain);
  } catch {
    if (width * height < LIMITS.large) throw broken("your browser can't decode it");
    throw new Error(sentence("memory", { name, size: `${width} x ${height}` }));
  }
  try {
    return await shrink(bitmap, turn);
  } catch {
    throw new Error(sentence("memory", { name, size: `${width} x ${height}` }));
  } finally {
    bitmap.close();
  }
}
