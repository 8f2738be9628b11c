"""The playground: any picture, class and method, side by side, and a card to take home.

`notebooks/playground.ipynb` shows it, in JupyterLab or as its own page with Voila.
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from course_utils.apps.card import card_figure, card_html, percent
from course_utils.apps.controls import WRAP, Worker, figure_html, problem_html
from course_utils.attribution import (
    grad_cam,
    gradient_times_input,
    integrated_gradients,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.display import DescribedFigure, as_png, img, maps_figure
from course_utils.images import example_images, load_image
from course_utils.models import APPLICATIONS, Classifier, load_classifier

__all__ = ["METHODS", "Playground", "explain", "find_classes", "uploaded"]

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
        raise ValueError(
            f"The file {name!r} has {len(content) / 1e6:.1f} MB, but the limit is "
            f"{MAX_BYTES / 1e6:.0f} MB. Make the picture smaller: the network looks at "
            "224 x 224 pixels."
        )
    return name, bytes(content)


def find_classes(classifier: Classifier, words: str, most: int = 50) -> list[int]:
    """Return the classes whose name has all these words, those that begin with them first.

    A number finds the class of that index.

    Raises:
        ValueError: there's none; the message gives the closest names.
    """
    wanted = words.lower().replace("_", " ").split()
    if len(wanted) == 1 and wanted[0].isdecimal() and int(wanted[0]) < len(classifier.labels):
        return [int(wanted[0])]
    lower = [label.lower() for label in classifier.labels]
    found = [c for c, label in enumerate(lower) if all(word in label for word in wanted)]
    if not found:
        classifier.class_index(words)  # says that there's none, and names the closest
    found.sort(key=lambda c: (not lower[c].startswith(wanted[0] if wanted else ""), lower[c]))
    return found[:most]


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


class Playground(widgets.VBox):
    """Choose a picture, a network, a class and methods; see the maps; download the card.

    Long jobs run in steps next to the kernel, so Cancel works, and a new job replaces the queued
    one. If something goes wrong, the end of the page says what.
    """

    def __init__(self) -> None:
        wide, narrow = (
            {"width": "30em", "max_width": "98%"},
            {"width": "16em", "max_width": "98%"},
        )
        style = {"description_width": "8em"}
        examples = [(name.replace("_", " "), name) for name in example_images()]
        self._worker = Worker()
        self.example = widgets.Dropdown(
            options=examples, description="Example", layout=wide, style=style
        )
        self.upload = widgets.FileUpload(
            accept="image/*", multiple=False, description="Upload a picture", layout=narrow
        )
        self.network = widgets.Dropdown(
            options=["efficientnet-lite0", *APPLICATIONS],
            description="Network",
            layout=wide,
            style=style,
        )
        self.search = widgets.Text(
            description="Search a class", placeholder="such as: cat", layout=wide, style=style
        )
        self.label = widgets.Select(description="Class", rows=6, layout=wide, style=style)
        self.methods = [
            widgets.Checkbox(name in ("Grad-CAM", "SmoothGrad"), description=name, indent=False)
            for name in METHODS
        ]
        for box in self.methods:
            box.layout = narrow
        self.go = widgets.Button(description="Explain", button_style="primary")
        self.cancel = widgets.Button(description="Cancel", disabled=True)
        self.progress = widgets.FloatProgress(max=1, description="Progress")
        self.seen, self.found, self.problem, self.result, self.card = (
            widgets.HTML() for _ in range(5)
        )

        self._classifier = load_classifier()
        self._read_example()
        for _ in self._looking():
            pass

        self.example.observe(lambda _: self._new_picture(self._read_example), "value")
        self.upload.observe(lambda _: self._new_picture(self._read_upload), "value")
        self.network.observe(self._new_network, "value")
        self.search.observe(lambda _: self._show_classes(), "value")
        self.go.on_click(lambda _: self._worker.submit(self._explaining()))
        self.cancel.on_click(lambda _: self._worker.cancel())

        super().__init__(
            [
                widgets.HTML("<h2>1. A picture</h2>"),
                widgets.Box([self.example, self.upload], layout=WRAP),
                self.network,
                self.seen,
                widgets.HTML("<h2>2. A class, and methods</h2>"),
                self.search,
                self.label,
                self.found,
                widgets.Box(self.methods, layout=WRAP),
                widgets.Box([self.go, self.cancel, self.progress], layout=WRAP),
                self.problem,
                self.result,
                self.card,
            ]
        )

    def wait(self, timeout: float = 120) -> bool:
        """Wait until nothing is being computed; for tests and scripts."""
        return self._worker.wait(timeout)

    # ------------------------------------------------------------------- the picture, the network

    def _read_example(self) -> None:
        name = _chosen(self.example)
        self._picture, self._name = load_image(name), name.replace("_", " ")
        self._described = example_images()[name]

    def _read_upload(self) -> None:
        name, content = uploaded(self.upload.value)
        try:
            self._picture = load_image(content)
        except ValueError as error:
            raise ValueError(str(error).replace("the given bytes", repr(name))) from None
        self._name, self._described = name, f"An uploaded picture, {name}."

    def _new_picture(self, read: Callable[[], None]) -> None:
        self._worker.cancel()
        try:
            read()
        except Exception as error:
            self.problem.value = problem_html(error)
        else:
            self._worker.submit(self._looking())

    def _new_network(self, change) -> None:
        if change.new != self._classifier.name:  # or it was set back, because the other didn't load
            self._worker.submit(self._looking())

    def _looking(self) -> Iterator[None]:
        """Load the network, and show which classes it finds most probable."""
        self.problem.value = self.result.value = self.card.value = ""
        try:
            if self._classifier.name != self.network.value:
                self._say(f"Loading {self.network.value} ...")
                yield
                self._classifier = load_classifier(_chosen(self.network))
            classifier = self._classifier
            self._inputs = classifier.prepare(self._picture)
            self._predictions = classifier.predict(self._picture, top=5)[0]
            self._show_picture()
            self.search.value = ""
            self._show_classes()
            yield
        except Exception as error:
            self.problem.value = problem_html(error)
            self.network.value = self._classifier.name  # which still works
            self._show_classes()

    def _show_picture(self) -> None:
        png = _png_of(Image.fromarray(self._classifier.restore(self._inputs)[0]))
        alt_text = f"{self._described} The centre square, as the network sees it."
        rows = "".join(
            f"<tr><td>{p.probability:.1%}</td>"
            f"<td>{html.escape(p.label)} ({p.class_index})</td></tr>"
            for p in self._predictions
        )
        self.seen.value = (
            f"{img(png, alt_text)}"
            "<table><caption>What the network says</caption><thead><tr><th scope='col'>probability"
            f"</th><th scope='col'>class</th></tr></thead><tbody>{rows}</tbody></table>"
        )

    def _show_classes(self) -> None:
        """Offer the classes that match the search or, without a search, the most probable ones."""
        words = self.search.value.strip()
        try:
            if words:
                found = find_classes(self._classifier, words)
            else:
                found = [p.class_index for p in self._predictions]
        except ValueError as error:
            self._say(str(error))
            return
        labels = self._classifier.labels
        self.label.options = [(f"{labels[c]} ({c})", c) for c in found]
        self.label.value = found[0]
        what = "match" if words else "are the most probable"
        self._say(f"{len(found)} classes {what}. Choose one with the arrow keys.")

    def _say(self, text: str) -> None:
        self.found.value = f'<p role="status">{html.escape(text)}</p>'

    # -------------------------------------------------------------------------------- the maps

    def _explaining(self) -> Iterator[None]:
        """Compute the maps of the class and its strongest rival, one method per step."""
        self.problem.value = self.result.value = self.card.value = ""
        self.progress.value, self.cancel.disabled = 0, False
        maps: dict[str, dict[str, np.ndarray]] = {}
        figures: list[DescribedFigure] = []
        classifier, c = self._classifier, _chosen(self.label)
        picture = classifier.restore(self._inputs)[0]
        try:
            rival = next(p.class_index for p in self._predictions if p.class_index != c)
            methods = [box.description for box in self.methods if box.value]
            for share, found in explain(classifier, self._inputs, [c, rival], methods):
                self.progress.value = share
                if found:
                    # One colour scale per method: the units of two methods differ. A map of all
                    # zeros, which Grad-CAM's ReLU may leave, is said to be one, below it.
                    name = methods[len(maps)]
                    maps[name] = found
                    figures.append(maps_figure(picture, found, title=name, shared_scale=True))
                    self._show_figures(figures, c, rival)
                yield
            self._offer_card(picture, maps, c, rival)
        except Exception as error:
            self.problem.value = problem_html(error)
        finally:
            self.cancel.disabled = True

    def _show_figures(self, figures: Sequence[DescribedFigure], c: int, rival: int) -> None:
        labels = self._classifier.labels
        text = (
            f"{labels[c]} ({c}) and {labels[rival]} ({rival}), its most probable rival. The "
            "maps of one method share one colour scale; different methods have different units."
        )
        drawn = "".join(map(figure_html, figures))
        self.result.value = f"<h2>3. The maps</h2><p>{html.escape(text)}</p>{drawn}"

    def _offer_card(self, picture: np.ndarray, maps: Mapping, c: int, rival: int) -> None:
        labels = self._classifier.labels
        every = self._classifier.predict(self._picture, top=len(labels))[0]
        shown = [p for i, p in enumerate(every) if i < 5 or p.class_index == c]
        title = f"What matters for {labels[c]!r}?"
        facts = {
            "Picture": f"{self._name}. {self._described}",
            "Network": self._classifier.name,
            "Prediction": ", ".join(f"{p.label} {percent(p.probability)}" for p in shown),
            "Classes": f"{labels[c]} ({c}), and its rival {labels[rival]} ({rival})",
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


def _png_of(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="png")
    return file.getvalue()


def _chosen(control: widgets.Dropdown | widgets.Select) -> Any:
    """Return what is chosen. It's never None, because there's always something to choose from."""
    return control.value


def _settings(name: str) -> str:
    settings = getattr(METHODS[name], "keywords", {})
    return " ".join([name, *(f"{key} {value}" for key, value in settings.items())])


def _download(name: str, kind: str, content: bytes, text: str) -> str:
    data = base64.b64encode(content).decode("ascii")
    return f'<a download="{name}" href="data:{kind};base64,{data}">{html.escape(text)}</a>'
