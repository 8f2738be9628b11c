"""The network in a browser: it computes what Python computes, or says in a sentence why it can't.

`pytest -m "" -rP` with this file prints how far each picture's maps are from Python's.
"""

import base64
import os

import numpy as np
import pytest

from course_utils import load_image
from course_utils.attribution import grad_cam, smoothgrad, vanilla_gradients
from course_utils.efficientnet_lite0 import STAGES
from course_utils.images import centre_square, example_images, resize_picture
from tools import browser_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.patient,
    pytest.mark.xdist_group("network_in_browser"),
]

EVERY = pytest.mark.skipif(
    "COURSE_EVERY_ANSWER" not in os.environ, reason="weekly: .ci/run answers"
)
PICTURES = [
    name if name == "cat" else pytest.param(name, marks=EVERY) for name in sorted(example_images())
]
SEEDS = range(4)
# Two samples have an average and an error. More would show nothing new, because Python gets the
# worker's own noise and must find the same map, and each of them takes seconds without a GPU.
SAMPLES, NOISE = 2, 0.15

PAGE = """<!doctype html><meta charset="utf-8"><title>Test</title>
<script>
let engine, said = [], hear = () => {};
const Text = Blob;
function begin(added) { // the worker, with a text added at its end
  self.Blob = function (parts, options) { return new Text([...parts, "\\n", added], options); };
  engine = startEngine();
  engine.addEventListener("message", ({ data }) => {
    said.push({ ...data, at: performance.now() });
    hear();
  });
}
function numbers(text) {
  return new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}
function text(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
// Send questions; return what was said until as many of these came, or something failed. That may
// have been before: a worker that can't start says so at once.
async function ask(questions, type, count) {
  const asked = performance.now();
  for (const question of questions) {
    if (question.type === "load") question.weights = self.weights;
    if (question.picture) question.picture = numbers(question.picture);
    engine.postMessage(question);
  }
  const has = (type) => said.filter((message) => (message.method ?? message.type) === type).length;
  while (has(type) < count && !has("failed")) await new Promise((resolve) => { hear = resolve; });
  return said.splice(0).map((message) => {
    const coded = { ...message, at: message.at - asked };
    for (const name of ["values", "logits"]) if (coded[name]) coded[name] = text(coded[name]);
    return coded;
  });
}
</script>
"""
# What only a test asks a worker, in its turn among the other questions.
ADDED = """
const answered = self.onmessage;
self.onmessage = (event) => {
  const { type } = event.data;
  if (type === "facts") {
    queue = queue.then(() => postMessage({ type: "facts", STAGES, ...tf.memory() }));
  } else if (type === "noise") {
    const [shape, { k }] = [[224, 224, 3], event.data];
    postMessage({ type: "noise", shape, values: tf.tidy(() => normal(0, k, shape).dataSync()) });
  } else if (type === "lose") {
    const { gl } = tf.backend().getGPGPUContext();
    gl.getExtension("WEBGL_lose_context").loseContext();
  } else answered(event);
};
"""


class Engine:
    """A page that was opened from a disk, and its worker."""

    def __init__(self, page, added=ADDED):
        self.page = page
        page.evaluate("added => begin(added)", added)

    def ask(self, *questions, until, count=1):
        """Return what the worker says after questions, up to the last of `count` messages."""
        said = self.page.evaluate("args => ask(...args)", [list(questions), until, count])
        for message in said:
            for name in {"values", "logits"} & message.keys():
                values = np.frombuffer(base64.b64decode(message[name]), np.float32)
                message[name] = values.reshape(message.get("shape", -1))
        return said

    def load(self, backend=None):
        return self.ask({"type": "load", "backend": backend}, until="ready")[-1]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("try")
    browser_page.write(folder)
    scripts = ["engine.js", *sorted(path.name for path in folder.glob("weights-*.js"))]
    tags = "".join(f'<script src="{name}"></script>\n' for name in scripts)
    (folder / "index.html").write_text(PAGE + tags, encoding="utf-8")
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def open_page(chromium, address):
    """Open a page like the site's, from a disk; all are closed at the end."""
    pages = []

    def open_one():
        pages.append(chromium.new_page())
        pages[-1].set_default_timeout(600_000)
        pages[-1].goto(address)
        assert pages[-1].evaluate("location.protocol") == "file:"
        return pages[-1]

    yield open_one
    for page in pages:
        page.close()


@pytest.fixture(scope="module", params=["cpu", "webgl"])
def engine(open_page, request):
    engine = Engine(open_page())
    assert engine.load(request.param)["backend"] == request.param
    yield engine
    engine.page.evaluate("engine.terminate()")


@pytest.fixture(scope="module")
def python(classifier):
    """What Python computes for a picture, once: logits and maps of its top class."""
    known = {}

    def compute(name):
        if name not in known:
            model, x = classifier.model, classifier.prepare(load_image(name))
            scores = classifier.score_model.predict(x, verbose=0)[0]
            c = int(scores.argmax())
            maps = [
                smoothgrad(model, x, c, samples=SAMPLES, noise=NOISE, seed=seed)[0]
                for seed in SEEDS
            ]
            cam, w = grad_cam(model, x, c)[0], vanilla_gradients(model, x, c)[0]
            known[name] = x, scores, c, cam, w, maps
        return known[name]

    return compute


def picture(name):
    """Return a picture as the page sends it."""
    square = resize_picture(centre_square(load_image(name)), (224, 224))
    return base64.b64encode(square.astype("<f4").tobytes()).decode()


def explain(name, c=None, id=1):
    return {"type": "explain", "id": id, "picture": picture(name), "c": c}


def smooth(name, c=None, n=SAMPLES, id=2):
    question = {"type": "smoothgrad", "id": id, "picture": picture(name), "c": c}
    return question | {"n": n, "noise": NOISE, "seed": 0}


def cosine(a, b):
    return np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)


def correlation(a, b):
    return cosine(a - a.mean(), b - b.mean())


@pytest.mark.parametrize("name", PICTURES)
def test_it_computes_what_python_computes(engine, python, classifier, name, request):
    x, S, c, L, w, Ms = python(name)
    scores, cam, vanilla = engine.ask(explain(name), until="vanilla_gradients")
    assert [m["id"] for m in (scores, cam, vanilla)] == [1, 1, 1]
    assert cam["method"] == "grad_cam"
    assert (cam["c"], cam["shape"], vanilla["shape"]) == (c, [7, 7], [224, 224, 3])
    off = abs(scores["logits"] - S).max()
    cam_off = abs(cam["values"] - L).max() / L.max()

    averages = engine.ask(smooth(name), until="smoothgrad", count=SAMPLES)
    assert [m["n"] for m in averages] == list(range(1, SAMPLES + 1))
    M = averages[-1]["values"]
    asked = [{"type": "noise", "k": k} for k in range(1, SAMPLES + 1)]
    z = np.stack([m["values"] for m in engine.ask(*asked, until="noise", count=SAMPLES)])
    samples = vanilla_gradients(classifier.model, x + np.float32(NOISE) * np.ptp(x) * z, c)
    # How close one draw of the noise is to others: the browser's to Python's, Python's to Python's.
    close = np.mean([correlation(M, M_s) for M_s in Ms])
    among = [np.mean([correlation(a, b) for b in Ms if b is not a]) for a in Ms]
    print(
        f"{request.node.callspec.id:>16}  logits {off:.1e}  Grad-CAM {cam_off:.1e}  "
        f"vanilla 1 - cosine {1 - cosine(vanilla['values'], w):.1e}  SmoothGrad, same noise "
        f"{1 - cosine(M, samples.mean(axis=0)):.1e}, other noise {close:.3f}, two seeds "
        f"{min(among):.3f} to {max(among):.3f}  after {scores['at'] / 1000:.1f}, "
        f"{cam['at'] / 1000:.1f}, {vanilla['at'] / 1000:.1f} s"
    )
    assert off < 0.01
    assert cam_off < 1e-4
    assert cosine(vanilla["values"], w) >= 0.9999
    assert cosine(M, samples.mean(axis=0)) >= 0.999
    assert abs(z.mean(axis=(1, 2, 3))).max() < 0.02
    assert z.std(axis=(1, 2, 3)) == pytest.approx(1, abs=0.02)
    assert abs(correlation(*z[:2])) < 0.02
    assert close > min(among) - 2 * np.ptp(among)
    error = (samples.std(axis=0, ddof=1) / SAMPLES**0.5).mean()
    assert averages[0]["standardError"] is None
    assert averages[-1]["standardError"] == pytest.approx(error, rel=0.01)


def test_its_layers_are_those_of_the_course_and_its_memory_does_not_grow(engine):
    (before,) = engine.ask({"type": "facts"}, until="facts")
    assert before["STAGES"] == [list(row) for row in STAGES]
    engine.ask(explain("cat"), smooth("coffee", 504, n=1), until="smoothgrad")
    (after,) = engine.ask({"type": "facts"}, until="facts")
    assert {k: after[k] for k in ("numTensors", "numBytes")} == {
        "numTensors": 100,
        "numBytes": before["numBytes"],
    }


def test_of_several_questions_at_once_the_newest_is_answered(engine):
    asked = [explain("cat", c, id=c) for c in range(5)]
    said = engine.ask(*asked, {"type": "facts"}, until="facts")
    answered = [m["id"] for m in said if m.get("method") == "vanilla_gradients"]
    assert answered in ([4], [0, 4])  # the first may be at work before the others come


@pytest.mark.parametrize(
    "question", [{"type": "stop"}, explain("cat", id=3)], ids=["stop", "explain"]
)
def test_a_question_ends_smoothgrad_after_the_sample_at_work(engine, question):
    engine.page.evaluate("question => { self.next = question }", question)
    engine.page.evaluate(
        """if (next.picture) next.picture = numbers(next.picture);
        engine.addEventListener("message", function ask({ data }) {
          if (data.method !== "smoothgrad") return;
          engine.removeEventListener("message", ask);
          engine.postMessage(next);
          engine.postMessage({ type: "facts" });
        })"""
    )
    said = engine.ask(smooth("cat", n=50), until="facts")
    assert 1 <= sum(message.get("method") == "smoothgrad" for message in said) <= 2
    assert sum(message.get("method") == "vanilla_gradients" for message in said) == (
        question["type"] == "explain"
    )


@pytest.fixture
def fresh(open_page):
    """Start a worker in a page of its own, with a text added to the worker's."""
    pages = []

    def start(added=ADDED):
        pages.append(open_page())
        return Engine(pages[-1], added)

    yield start
    for page in pages:
        page.close()


def test_without_webgl_it_runs_on_the_processor(fresh):
    engine = fresh("delete self.OffscreenCanvas;")
    (failed,) = engine.ask(explain("cat"), until="failed")
    assert "isn't loaded" in failed["sentence"]
    assert engine.load()["backend"] == "cpu"


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)", "cpu"),
        ("llvmpipe (LLVM 19.1.7, 256 bits)", "cpu"),
        ("ANGLE (NVIDIA Corporation, NVIDIA H200/PCIe/SSE2, OpenGL ES 3.2)", "webgl"),
    ],
)
def test_a_program_is_no_graphics_processor(fresh, name, backend):
    renamed = """
    const { prototype } = WebGL2RenderingContext;
    const before = prototype.getParameter;
    prototype.getParameter = function (number) {
      const asked = this.getExtension("WEBGL_debug_renderer_info").UNMASKED_RENDERER_WEBGL;
      return number === asked ? "NAME" : before.call(this, number);
    };"""
    assert fresh(renamed.replace("NAME", name)).load()["backend"] == backend


def test_when_the_graphics_processor_is_lost_the_processor_takes_over(fresh, python):
    engine = fresh()
    assert engine.load("webgl")["backend"] == "webgl"
    progress, ready, *answer = engine.ask(
        {"type": "lose"}, explain("cat"), until="vanilla_gradients"
    )
    assert "takes over" in progress["text"]
    assert ready["backend"] == "cpu"
    _, S, _, _, w, _ = python("cat")
    assert abs(answer[0]["logits"] - S).max() < 0.01
    assert correlation(answer[-1]["values"], w) > 0.9999


@pytest.mark.parametrize(
    ("added", "sentence"),
    [
        ("let =", "too old"),
        (
            "tf.setBackend = () => { throw new RangeError('Array buffer allocation failed') }",
            "memory",
        ),
        ("readWeights = () => { throw new Error('Unable to create WebGLTexture.') }", "memory"),
        ("build = () => { throw new Error('unreachable') }", "unreachable"),
    ],
)
def test_what_cannot_run_says_so_in_a_sentence(fresh, added, sentence):
    failed = fresh(added).load()
    assert failed["type"] == "failed"
    assert sentence in failed["sentence"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"c": 1000}, "no class 1000"),
        ({"c": 2.5}, "no class 2.5"),
        ({"picture": ""}, "224"),
        ({"n": 0}, "0 samples"),
        ({"noise": -0.1}, "-0.1"),
    ],
)
def test_a_wrong_question_gets_a_sentence(engine, change, sentence):
    (failed,) = engine.ask(smooth("cat", c=0) | change, until="failed")
    assert failed["id"] == 2
    assert sentence in failed["sentence"]


def test_the_page_stays_awake(engine):
    """Its own work is to pass on a question: the rest is the worker's."""
    longest, whole = engine.page.evaluate(
        """(question) => new Promise((resolve) => {
          question.picture = numbers(question.picture);
          const start = performance.now();
          let [longest, last] = [0, start];
          const ticks = setInterval(() => {
            longest = Math.max(longest, performance.now() - last);
            last = performance.now();
          });
          engine.addEventListener("message", function hear({ data }) {
            if (data.method !== "vanilla_gradients") return;
            engine.removeEventListener("message", hear);
            clearInterval(ticks);
            resolve([longest, last - start]);
          });
          engine.postMessage(question);
        })""",
        explain("cat"),
    )
    print(f"the page's longest wait: {longest:.0f} ms of {whole:.0f} ms")
    assert longest < max(100, whole / 10)  # on a busy computer, everything waits
