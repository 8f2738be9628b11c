// The engine of "Try it in the browser": a worker around network.js, so that the page stays awake.
//
// tools/browser_page.py puts this file, network.js and TensorFlow.js into one text, because a page
// that was opened from a disk can't start a worker from a file. It writes two kinds of scripts:
//
//   engine.js         startEngine() returns the worker; weightFiles lists the scripts below.
//   weights-1.js ...  each adds some of the network's weights to the array self.weights, as
//                     {name, shape, float16: ArrayBuffer, adler32}. Load them after engine.js.
//
// What the page says. A picture is a Float32Array of 224 * 224 * 3 values, 0 to 255, row by row,
// three to a pixel: what resize_picture(centre_square(load_image(...)), (224, 224)) returns. The
// rest of Classifier.prepare is network.js's prepare. A class c of null means the one with the
// highest score. n is a number of samples, noise a share of the picture's range (0.15, say), and
// seed a whole number.
//
//   {type: "load", weights, backend}             backend: null for the best, or "webgl" or "cpu"
//   {type: "explain", id, picture, c}            only the newest is answered
//   {type: "smoothgrad", id, picture, c, n, noise, seed}    ends at the next message of any type
//   {type: "stop"}
//
// What the worker says. id is that of the question, and null if nobody asked.
//
//   {type: "ready", backend}                     a second time if it has to go on without WebGL
//   {type: "progress", text}
//   {type: "scores", id, logits}                 Float32Array(1000)
//   {type: "map", id, method, shape, values, c}  method: "grad_cam", then "vanilla_gradients"
//   {type: "map", id, method: "smoothgrad", shape, values, c, n, standardError}  after each sample
//   {type: "failed", id, sentence}
//
// The first answer takes seconds longer, because WebGL compiles a program for each kind of step. A
// rehearsal before "ready" would only make the first Grad-CAM wait for the gradients' programs.
//
// SmoothGrad says n, how many samples there have been, and standardError: the standard error
// of their average, averaged over the map, in the map's own unit; null if n is 1.

let weights, W, network;

// One question at a time, in their order.
let questions = 0;
let newest; // of those to explain something
let queue = Promise.resolve();

self.onmessage = ({ data }) => {
  const mine = ++questions;
  if (data.type === "explain") newest = data;
  queue = queue.then(() => answer(data, () => mine !== questions));
};

async function answer(question, isOver) {
  const run = { load, explain, smoothgrad: smooth, stop() {} }[question.type];
  const say = (type, rest) => {
    if (type !== "failed" && isLost()) throw new Error("lost"); // what it computed isn't a map
    postMessage({ type, id: question.id ?? null, ...rest });
  };
  const wrong = objection(question);
  if (wrong) return say("failed", { sentence: wrong });
  try {
    try {
      await run(question, say, isOver);
    } catch (error) {
      if (tf.getBackend() !== "webgl") throw error;
      const text = "The graphics processor gave up, so the processor takes over, more slowly.";
      postMessage({ type: "progress", text });
      await load({ weights, backend: "cpu" }, say);
      if (run !== load) await run(question, say, isOver);
    }
  } catch (error) {
    say("failed", { sentence: sentence(error) });
  }
}

async function load({ weights: stored, backend }, say) {
  weights = stored; // kept, in case the graphics processor loses its copy
  tf.dispose(W);
  const hasWebGL = backend !== "cpu" && (await tf.setBackend("webgl"));
  // With the 16 bits of some phones, small gradients would become zero.
  const isExact = hasWebGL && tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED");
  if (!isExact || (backend === null && isProgram())) await tf.setBackend("cpu");
  W = readWeights(weights);
  network = build(W);
  say("ready", { backend: tf.getBackend() });
}

async function explain(question, say) {
  await new Promise((resolve) => setTimeout(resolve)); // lets the next question in
  if (question !== newest) return; // somebody has chosen again
  let { picture, c } = question;
  tf.tidy(() => {
    const map = (method, values) =>
      say("map", { method, shape: values.shape.slice(1), values: values.dataSync(), c });
    // The gradient's own forward pass has all that the other answers need.
    const S_c = (x) => {
      const A = network.maps(x);
      const S = network.scores(A);
      say("scores", { logits: S.dataSync() });
      c ??= S.argMax(1).dataSync()[0];
      map("grad_cam", gradCam(network, A, c));
      return ofClass(S, c);
    };
    map("vanilla_gradients", vanillaGradients(S_c, prepare(picture)));
  });
}

async function smooth({ picture, c, n, noise, seed }, say, isOver) {
  const x = prepare(picture);
  const S = (x) => network.scores(network.maps(x));
  c ??= tf.tidy(() => S(x).argMax(1).dataSync()[0]);
  const S_c = (x) => ofClass(S(x), c);
  try {
    for (const { M, ...state } of smoothgrad(S_c, x, n, noise, seed)) {
      const map = { shape: x.shape.slice(1), values: Float32Array.from(M), c };
      say("map", { method: "smoothgrad", ...map, ...state });
      await new Promise((resolve) => setTimeout(resolve)); // lets the next question in
      if (isOver()) break;
    }
  } finally {
    x.dispose();
  }
}

// Return whether the graphics processor is a program on the processor. On two cores, it takes longer
// to compile the first picture's programs than TensorFlow.js takes to compute without them.
function isProgram() {
  const { gl } = tf.backend().getGPGPUContext();
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "";
  return /swiftshader|llvmpipe/i.test(name);
}

// ----------------------------------------------------------------------------- what goes wrong

function isLost() {
  return tf.getBackend() === "webgl" && tf.backend().getGPGPUContext().gl.isContextLost();
}

// Return a sentence about what is wrong with a question, or nothing.
function objection({ type, weights, picture, c, n, noise }) {
  if (type === "load" && weights.some(({ float16, adler32 }) => adler32 !== adler(float16)))
    return "The network's file is damaged: load this page again.";
  if (type === "load" || type === "stop") return "";
  if (!network) return "The network isn't loaded yet: send its weights first.";
  if (picture?.length !== 224 * 224 * 3)
    return "A picture is 224 * 224 * 3 numbers from 0 to 255: resize it first.";
  if (c !== null && !(Number.isInteger(c) && 0 <= c && c < 1000))
    return `There's no class ${c}: choose one from 0 to 999.`;
  if (type === "smoothgrad" && !(Number.isInteger(n) && n >= 1))
    return `SmoothGrad can't average ${n} samples: choose a whole number from 1 on.`;
  if (type === "smoothgrad" && !(0 <= noise && noise <= 10))
    return `A noise of ${noise} isn't possible: choose a share of the range, such as 0.15.`;
  return "";
}

// Adler-32, as Python's zlib computes it: damaged weights would give a wrong map without a word.
function adler(buffer) {
  let [a, b] = [1, 0];
  for (const byte of new Uint8Array(buffer)) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

function sentence(error) {
  if (error instanceof RangeError || /memory|alloc|texture/i.test(error.message))
    return "There isn't enough memory: close other tabs and programs, then load this page again.";
  return `The network stopped (${error.message}). Load this page again, or try another browser.`;
}
