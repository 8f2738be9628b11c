"""The playground: any picture, class and method, side by side, and a card to take home.

`notebooks/playground.ipynb` shows it, in JupyterLab or as its own page with Voila.
"""

from __future__ import annotations

import base64
import difflib
import functools
import html
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import ipywidgets as widgets
import matplotlib
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from course_utils import display, scripts
from course_utils.apps.card import card_figure, card_html, percent
from course_utils.apps.controls import VIEW, Worker, figure_html, problem_html
from course_utils.attribution import (
    grad_cam,
    gradient_times_input,
    integrated_gradients,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.display import as_png, img, maps_figure
from course_utils.images import example_images, load_image
from course_utils.models import APPLICATIONS, Classifier, load_classifier

__all__ = ["METHODS", "Playground", "close_classes", "explain", "find_classes", "uploaded"]

METHODS: dict[str, Callable] = {
    "Vanilla gradients": vanilla_gradients,
    "Gradient x input": gradient_times_input,
    "Integrated gradients": functools.partial(integrated_gradients, steps=64),
    "Grad-CAM": grad_cam,
    "SmoothGrad": functools.partial(smoothgrad, samples=50, noise=0.15, seed=0),
}
"""The methods to choose from, each called as method(model, inputs, class_index)."""

MAX_BYTES = 8_000_000
"""Of an uploaded file. A notebook server drops the connection at messages above 10 MB."""

TOO_BIG = (
    "The file {name} has {size} MB, but the limit is "
    f"{MAX_BYTES / 1e6:.0f} MB. Make the picture smaller: the network looks at 224 x 224 pixels."
)
"""What the page says before it sends such a file. Without the page's script, `uploaded` says it."""

BEFORE = "The picture is still: {before}."

# ----------------------------------------------------------------------- without any widget


def uploaded(value) -> tuple[str, bytes]:
    """Return (name, content) of a FileUpload's file; ipywidgets 7 and 8 store it differently.

    Raises:
        ValueError: nothing was uploaded, or more than `MAX_BYTES`.
    """
    if isinstance(value, Mapping):  # ipywidgets 7: name -> {"metadata", "content"}
        files = [(name, file["content"]) for name, file in value.items()]
    else:
        files = [(file["name"], file["content"]) for file in value]
    if not files:
        raise ValueError("No file was uploaded: choose one picture.")
    name, content = files[-1]
    if len(content) > MAX_BYTES:
        raise ValueError(TOO_BIG.format(name=repr(name), size=f"{len(content) / 1e6:.1f}"))
    return name, bytes(content)


def find_classes(classifier: Classifier, words: str) -> list[int]:
    """Return the classes whose names have all these words, in alphabetical order.

    Whole words count first: "cat" finds "tiger cat". Only if no name has them, the beginning of a
    word is enough ("retr" finds the retrievers), then any part. A number finds the class with that
    index. If nothing is found, the list is empty.
    """
    wanted = words.lower().replace("_", " ").split()
    if len(wanted) == 1 and wanted[0].isdecimal() and int(wanted[0]) < len(classifier.labels):
        return [int(wanted[0])]
    names = [label.lower() for label in classifier.labels]
    order = sorted(range(len(names)), key=names.__getitem__)
    for pattern in (" {} ", " {}", "{}"):
        parts = [pattern.format(word) for word in wanted]
        if found := [c for c in order if all(part in f" {names[c]} " for part in parts)]:
            return found
    return []


def close_classes(classifier: Classifier, words: str, most: int = 5) -> list[int]:
    """Return the classes with the most similar names, such as tabby for "tabyb"; maybe none."""
    judge = difflib.SequenceMatcher()
    likeness = dict.fromkeys(range(len(classifier.labels)), 0.0)
    for wanted in {words.lower(), *words.lower().split()}:
        judge.set_seq2(wanted)
        for c, label in enumerate(classifier.labels):
            for part in {label.lower(), *label.lower().split()}:
                judge.set_seq1(part)
                if judge.real_quick_ratio() > likeness[c] and judge.quick_ratio() > likeness[c]:
                    likeness[c] = max(likeness[c], judge.ratio())
    close = [c for c, value in likeness.items() if value >= 0.7]
    return sorted(close, key=lambda c: -likeness[c])[:most]


def explain(
    classifier: Classifier, inputs: ArrayLike, classes: Sequence[int], methods: Sequence[str]
) -> Iterator[tuple[float, dict[str, np.ndarray]]]:
    """Explain one picture by several methods, in steps between which it can be stopped.

    Args:
        classifier: from `load_classifier`.
        inputs: one prepared picture, (1, H, W, 3).
        classes: indices.
        methods: names from `METHODS`.

    Yields:
        The share that is done, and a method's maps, class -> map, once it has all of them; before
        that, {}.
    """
    if not methods:
        raise ValueError("No method was chosen: tick at least one.")
    done = 0
    for name in methods:
        maps = {}
        for c in classes:
            maps[f"{classifier.labels[c]} ({c})"] = METHODS[name](classifier.model, inputs, c)[0]
            done += 1
            complete = len(maps) == len(classes)
            yield done / (len(methods) * len(classes)), maps if complete else {}


# --------------------------------------------------------------------------------- the app

OFFERED = 10
"""How many classes a search offers at once: each is a button, and a stop of the Tab key."""

NO_MAPS = "<h2>3. The maps</h2><p>Choose a class, then Explain: the maps will appear here.</p>"

GONE = (
    "<strong>The kernel has stopped:</strong> the Python process that computes the maps is gone, "
    "so the controls no longer do anything. To go on, reload this page; in JupyterLab, run all "
    "cells again. If the page doesn't load, its server was stopped, too: start it again. You can "
    "still read, and download, what was computed before."
)


class Playground(widgets.VBox):
    """Choose a picture, a network, a class and methods; see the maps; download the card.

    Long jobs run in steps next to the kernel, so Cancel works, and a new job replaces the queued
    one. If something goes wrong, a sentence next to the control says what.

    What needs no kernel is in scripts/playground.js and .css: files that are dropped, pasted or too
    big, the fade, the focus on new maps, and what the page says once its kernel is gone.
    """

    def __init__(self) -> None:
        self._worker = Worker()
        # No lists: in JupyterLab, the arrow keys would move to another cell instead.
        self.example = widgets.ToggleButtons(
            options=[(name.replace("_", " "), name) for name in example_images()],
            description="Example",
        )
        self.upload = widgets.FileUpload(
            accept="image/*", multiple=False, description="Upload a picture: press, drop or paste"
        )
        self.network = widgets.ToggleButtons(
            options=["efficientnet-lite0", *APPLICATIONS], description="Network"
        )
        self.search = widgets.Text(description="Search a class", placeholder="such as: cat")
        self.label = widgets.ToggleButtons(description="Class", options=[])
        self.methods = [
            widgets.Checkbox(name in ("Grad-CAM", "SmoothGrad"), description=name, indent=False)
            for name in METHODS
        ]
        self.go = widgets.Button(button_style="primary")
        self.cancel = widgets.Button(description="Cancel", disabled=True)
        self.progress = widgets.FloatProgress(max=1, description="Progress")
        self.seen, self.refused, self.found, self.bars, self.problem = (
            widgets.HTML() for _ in range(5)
        )
        self.heading, self.said, self.card = (widgets.HTML() for _ in range(3))
        self.layers, self.figures = widgets.Box(), widgets.VBox()

        self._classifier = load_classifier()
        self._read_example()
        for _ in self._looking():
            pass

        self.example.observe(lambda c: c.new and self._new_picture(self._read_example), "value")
        self.upload.observe(lambda c: c.new and self._new_picture(self._read_upload), "value")
        self.network.observe(self._new_network, "value")
        self.search.observe(lambda _: self._show_classes(), "value")
        self.label.observe(lambda _: self._name_class(), "value")
        self.go.on_click(lambda _: self._worker.submit(self._explaining(self.label.value)))
        self.cancel.on_click(lambda _: self._worker.cancel())

        limit = f'data-limit="{MAX_BYTES}" data-said="{html.escape(f"{TOO_BIG} {BEFORE}")}"'
        controls = [
            widgets.HTML("<h2>1. A picture</h2>"),
            _as("drop", widgets.Box([self.seen, self.upload])),
            widgets.HTML(f'<p role="alert" class="playground-too-big" {limit}></p>'),
            self.refused,
            self.example,
            self.network,
            widgets.HTML("<h2>2. A class, and methods</h2>"),
            self.search,
            self.found,
            self.bars,
            _as("classes", self.label),
            _as("methods", widgets.Box(self.methods)),
            self.go,
            self.problem,
        ]
        computed = [
            self.heading,
            _as("progress", widgets.Box([self.progress, self.cancel])),
            self.said,
            _as("layers", self.layers),
            self.figures,
            self.card,
        ]
        style = Path(scripts.__file__).with_name("playground.css").read_text(encoding="utf-8")
        page = f'<style>{style}</style><p role="alert" class="playground-gone">{GONE}</p>'
        columns = widgets.Box([widgets.VBox(controls), widgets.VBox(computed)])
        super().__init__([widgets.HTML(page), _as("columns", columns)])
        self.add_class("playground")

    def wait(self, timeout: float = 120) -> bool:
        """Wait until nothing is being computed; for tests and scripts."""
        return self._worker.wait(timeout)

    def _ipython_display_(self, **_) -> None:
        from IPython.display import HTML
        from IPython.display import display as show

        # In a widget's own HTML, they wouldn't run.
        show(HTML(scripts.script("playground") + scripts.script("maps")))
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        show({VIEW: view, "text/plain": "The playground: run this cell to see it."}, raw=True)

    # ------------------------------------------------------------------- the picture, the network

    def _read_example(self) -> None:
        name = str(self.example.value)
        self._picture, self._name = load_image(name), name.replace("_", " ")
        self._described = example_images()[name]

    def _read_upload(self) -> None:
        value = self.upload.value
        self.upload.set_trait("value", type(value)())  # or the same file wouldn't count again
        name, content = uploaded(value)
        try:
            self._picture = load_image(content)
        except ValueError as error:
            raise ValueError(str(error).replace("the given bytes", repr(name))) from None
        self._name, self._described = name, f"An uploaded picture, {name}."
        self.example.value = None

    def _new_picture(self, read: Callable[[], None]) -> None:
        try:
            read()
        except Exception as error:
            self.refused.value = problem_html(error, BEFORE.format(before=self._name))
        else:
            self._look()

    def _new_network(self, change) -> None:
        if change.new != self._classifier.name:  # or it was set back, because the other didn't load
            self._look()

    def _look(self) -> None:
        self.label.disabled = self.go.disabled = True  # until the classes are this picture's
        self._worker.submit(self._looking())

    def _looking(self) -> Iterator[None]:
        """Load the network, and show which classes it finds most probable."""
        self._clear()
        try:
            if self._classifier.name != self.network.value:
                self._say(f"Loading {self.network.value} ...")
                yield
                self._classifier = load_classifier(str(self.network.value))
            classifier = self._classifier
            self._inputs = classifier.prepare(self._picture)
            self._predictions = classifier.predict(self._picture, top=len(classifier.labels))[0]
            self._show_picture()
            self.search.value = ""
            self._show_classes(self._predictions[0].class_index)
            yield
        except Exception as error:
            self.refused.value = problem_html(error)
            self.network.value = self._classifier.name  # which still works
            self._show_classes(self.label.value)

    def _clear(self) -> None:
        for place in (self.refused, self.problem, self.said, self.card):
            place.value = ""
        self.heading.value, self.layers.children, self.figures.children = NO_MAPS, (), ()

    def _show_picture(self) -> None:
        picture = self._classifier.restore(self._inputs)[0]
        alt_text = f"{self._described} The centre square, as the network sees it."
        self.seen.value = f"{img(_png_of(picture), alt_text)}<div>{html.escape(self._name)}</div>"

    # ------------------------------------------------------------------------------- the classes

    def _show_classes(self, chosen: int | None = None) -> None:
        """Offer the classes that match the search or, without a search, the most probable ones.

        None of them is chosen, unless `chosen` is one of them.
        """
        words, labels = self.search.value.strip(), self._classifier.labels
        if not words:
            found = [p.class_index for p in self._predictions[:5]]
            said = f"The most probable of {len(labels)} classes. Choose one, or search for another."
        elif found := find_classes(self._classifier, words):
            first = f"; these are the first {OFFERED}" if len(found) > OFFERED else ""
            said = f"{_count(len(found))} {words!r}{first}. Choose one."
        elif found := close_classes(self._classifier, words):
            said = f"No class has the name {words!r}. These are similar: choose one, or try again."
        else:
            said = (
                f"No class has the name {words!r} or a similar one. Try another word or a number "
                f"from 0 to {len(labels) - 1}, or clear the field to see the most probable classes."
            )
        found = found[:OFFERED]
        probability = {p.class_index: p.probability for p in self._predictions}
        self.label.options = [(f"{self._named(c)} {percent(probability[c])}", c) for c in found]
        self.label.value = chosen if chosen in found else None
        self.label.layout.display = None if found else "none"  # or the page would keep the last
        bars = "".join(
            f".playground-classes button:nth-child({i}) {{ --bar: {probability[c]:.1%} }}\n"
            for i, c in enumerate(found, 1)
        )
        self.bars.value = f"<style>{bars}</style>"
        self.label.disabled = False
        self._name_class()
        self._say(said)

    def _name_class(self) -> None:
        c = self.label.value
        self.go.description = (
            "Explain (choose a class)" if c is None else f"Explain {self._named(c)}"
        )
        self.go.disabled = c is None or self.label.disabled

    def _named(self, c: int) -> str:
        return f"{self._classifier.labels[c]} ({c})"

    def _say(self, text: str) -> None:
        self.found.value = f'<p role="status">{html.escape(text)}</p>'

    # -------------------------------------------------------------------------------- the maps

    def _explaining(self, c: int | None) -> Iterator[None]:
        """Compute the maps of class c and its strongest rival, one method per step."""
        self._clear()
        self.progress.value, self.cancel.disabled = 0, False
        maps: dict[str, dict[str, np.ndarray]] = {}
        picture, said = self._classifier.restore(self._inputs)[0], "Cancelled."
        try:
            if c is None:
                raise ValueError("No class was chosen: press one of the classes' buttons first.")
            rival = next(p.class_index for p in self._predictions if p.class_index != c)
            methods = [box.description for box in self.methods if box.value]
            if methods:
                self.heading.value = _heading(self._named(c), self._named(rival))
            for share, found in explain(self._classifier, self._inputs, [c, rival], methods):
                self.progress.value = share
                if found:
                    name = methods[len(maps)]
                    maps[name] = found
                    self._show_maps(name, picture, found)
                yield
            self._offer_card(picture, maps, c, rival)
            said = "The maps and the card are complete."
        except Exception as error:
            said = ""
            self.problem.value = problem_html(error)
        finally:
            self.cancel.disabled = True
            self.said.value = f'<p role="status">{said}</p>'

    def _show_maps(self, name: str, picture: np.ndarray, maps: Mapping[str, np.ndarray]) -> None:
        """Add a method's maps, on top of the picture and as a figure.

        They share one colour scale per method: the units of two methods differ. A map of all zeros,
        which Grad-CAM's ReLU may leave, is said to be one, below the figure.
        """
        every = sum(map(np.size, maps.values()))  # nothing is saved, so they may be many
        figure = maps_figure(picture, maps, title=name, shared_scale=True, linked=every)
        layers = widgets.HTML(_layers(name, picture, maps))
        self.layers.children = (*self.layers.children, layers)
        self.figures.children = (*self.figures.children, widgets.HTML(figure_html(figure)))

    def _offer_card(self, picture: np.ndarray, maps: Mapping, c: int, rival: int) -> None:
        shown = [p for i, p in enumerate(self._predictions) if i < 5 or p.class_index == c]
        title = f"What matters for {self._classifier.labels[c]!r}?"
        facts = {
            "Picture": f"{self._name}. {self._described}",
            "Network": self._classifier.name,
            "Prediction": ", ".join(f"{p.label} {percent(p.probability)}" for p in shown),
            "Classes": f"{self._named(c)}, and its rival {self._named(rival)}",
            "Methods": "; ".join(map(_settings, maps)),
        }
        whole = card_figure(title, picture, shown, maps, facts)
        drawn = card_figure("", picture, shown, maps)  # on the page, the facts are text
        page = card_html(title, as_png(drawn), drawn.alt_text, facts).encode()
        self.card.value = (
            "<h2>4. The card</h2><p>"
            + _download("explanation_card.html", "text/html", page, "Download the card as a page")
            + ", or "
            + _download("explanation_card.png", "image/png", as_png(whole), "as a picture")
            + ".</p>"
        )


def _as(name: str, widget: widgets.DOMWidget) -> widgets.DOMWidget:
    """Give a widget its name in playground.css."""
    widget.add_class(f"playground-{name}")
    return widget


def _count(n: int) -> str:
    return "1 class matches" if n == 1 else f"{n} classes match"


def _heading(name: str, rival: str) -> str:
    """Return what's above the maps, with the control that fades from the picture to them."""
    stops = "".join(f"<span>{html.escape(stop)}</span>" for stop in ("picture", name, rival))
    return (
        f'<h2 class="playground-focus" tabindex="-1">3. The maps of {html.escape(name)}</h2>'
        f"<p>Its most probable rival is {html.escape(rival)}. The maps of one method share one "
        "colour scale; different methods have different units.</p>"
        '<label>Fade from the picture to the maps <input type="range" class="playground-fade" '
        'min="0" max="2" step="0.05" value="0.5"></label>'
        f'<div class="playground-stops" aria-hidden="true">{stops}</div>'
    )


def _layers(name: str, picture: np.ndarray, maps: Mapping[str, np.ndarray]) -> str:
    """Return the picture with the maps on top, one pixel per value; playground.css fades them."""
    values = [display.map_values(values) for values in maps.values()]
    low, high = display.color_limits(np.stack(values), 99)
    colours = matplotlib.colormaps[display.DIVERGING if low < 0 else display.SEQUENTIAL]
    drawn = [colours((v - low) / ((high - low) or 1), bytes=True)[..., :3] for v in values]
    layers = "".join(img(_png_of(layer), "") for layer in (picture, *drawn))
    said = html.escape(f"{name}, on top of the picture: the figure below has its description.")
    return (
        f'<figure><div role="img" aria-label="{said}">{layers}</div>'
        f"<figcaption>{html.escape(name)}</figcaption></figure>"
    )


def _png_of(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="png")
    return file.getvalue()


def _settings(name: str) -> str:
    settings = getattr(METHODS[name], "keywords", {})
    return " ".join([name, *(f"{key} {value}" for key, value in settings.items())])


def _download(name: str, kind: str, content: bytes, text: str) -> str:
    data = base64.b64encode(content).decode("ascii")
    return f'<a download="{name}" href="data:{kind};base64,{data}">{html.escape(text)}</a>'
