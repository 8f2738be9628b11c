"""The frame of every explorer: controls, a picture that follows them, a worker in a thread.

It knows nothing about maps. `explorers` and `playground` give it the controls and a function that
draws.
"""

from __future__ import annotations

import base64
import html
import io
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence

import ipywidgets as widgets
from PIL import Image

from course_utils.display import DescribedFigure

VIEW = "application/vnd.jupyter.widget-view+json"
"""The kind of output in which a live notebook shows a widget."""

# Rows that become several on a phone, labels that are not cut off, nothing wider than the page.
WRAP = {"flex_flow": "row wrap", "align_items": "center"}
_WIDE = {"width": "25em", "max_width": "98%"}
_LABEL = {"description_width": "13em"}


class Worker:
    """Does one piece of work at a time beside the kernel; of what waits, only the newest.

    A kernel handles the messages of widgets one after another. Work that is done right there piles
    up behind a slider that is dragged, and no click on Cancel could get through to it. So the work
    comes as an iterator, whose steps run in a thread, and between two steps newer work takes over.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Iterator | None = None
        self._number = 0  # of the work that counts: what runs under another number is outdated
        self._busy = False

    def submit(self, steps: Iterator) -> None:
        """Run these steps as soon as the step that runs now is done, instead of its others."""
        with self._changed:
            self._number += 1
            self._waiting = steps
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._run, daemon=True).start()

    def cancel(self) -> None:
        """Drop what runs, after its present step, and what waits."""
        with self._changed:
            self._number += 1
            self._waiting = None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs any more, and say whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                steps, self._waiting, number = self._waiting, None, self._number
                if steps is None:
                    self._busy = False
                    self._changed.notify_all()
                    return
            for _ in steps:
                if self._number != number:
                    break


class Explorer(widgets.VBox):
    """Controls above a picture that follows them.

    In a live notebook it is a widget. A reader without a kernel (of a solved notebook, or of the
    course's pages) gets the first picture with its description, and is told that it would move.

    Args:
        draw: called with the controls' values by name; returns a figure, or, where the work takes
            long, an iterator of (share that is done, figure so far).
        controls: name -> a control of `choice`, `switch` or `number`.
        moves: what the picture would follow, to complete "run the cell to ...".

    Whatever draw raises is said below the picture. The first picture is drawn at once, and raises.
    """

    def __init__(self, draw: Callable, controls: Mapping[str, widgets.Box], *, moves: str) -> None:
        # The first widget of each control is the one with the name and the value.
        self._controls = {name: control.children[0] for name, control in controls.items()}
        self._draw, self._worker = draw, Worker()
        self._picture, self._problem = widgets.HTML(), widgets.HTML()
        self._progress = widgets.FloatProgress(max=1, description="Progress")
        self._cancel = widgets.Button(description="Cancel", disabled=True)
        self._cancel.on_click(lambda _: self._worker.cancel())

        *_, (share, figure) = self._pieces()
        self._show(figure)
        note = f"<p><em>This picture moves: run the cell to {html.escape(moves)}.</em></p>"
        self._still = f"<div>{_in_256_colours(figure._repr_html_())}{note}</div>"

        for control in self._controls.values():
            control.observe(self._follow, "value")
        rows = [widgets.Box(list(controls.values()), layout=WRAP)]
        if share is not None:  # the work takes long
            rows.append(widgets.Box([self._progress, self._cancel], layout=WRAP))
        super().__init__([*rows, self._picture, self._problem])

    def wait(self, timeout: float = 60) -> bool:
        """Wait until the picture shows what the controls say; for tests and scripts."""
        return self._worker.wait(timeout)

    def _ipython_display_(self, **_) -> None:
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        bundle = {VIEW: view, "text/plain": f"An explorer: run this cell to see it ({VIEW})."}
        if "google.colab" not in sys.modules:  # keeps widgets in the notebook, needs no still
            bundle["text/html"] = self._still
        display(bundle, raw=True)

    def _follow(self, _) -> None:
        self._worker.submit(self._steps())

    def _steps(self) -> Iterator[None]:
        """Draw what the controls say now, one step at a time."""
        self._problem.value = ""
        try:
            for share, figure in self._pieces():
                self._show(figure)
                if share is not None:
                    self._progress.value, self._cancel.disabled = share, False
                yield
        except Exception as error:  # nobody else would ever see it
            self._problem.value = problem_html(error)
        finally:
            self._cancel.disabled = True

    def _pieces(self) -> Iterator[tuple[float | None, DescribedFigure]]:
        values = {name: control.value for name, control in self._controls.items()}
        drawn = self._draw(**values)
        if isinstance(drawn, Iterator):
            yield from drawn
        else:
            yield None, drawn

    def _show(self, figure: DescribedFigure) -> None:
        self._picture.value = figure_html(figure)


def _in_256_colours(picture: str) -> str:
    """Return an <img> of half the size, which is stored in every solved notebook."""
    before, data, after = re.split(r"(?<=base64,)([^\"]+)", picture, maxsplit=1)
    image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    file = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
    return before + base64.b64encode(file.getvalue()).decode("ascii") + after


def choice(name: str, options: Sequence[str]) -> widgets.Box:
    """Return a control to choose one of a few: a button for each.

    No list to pull down: in JupyterLab the arrow keys would not reach it, but move to another cell.
    """
    buttons = widgets.ToggleButtons(options=options, description=name, style=dict(_LABEL))
    buttons.style.button_width = "auto"
    return widgets.Box([buttons], layout={"max_width": "98%"})


def switch(name: str, value: bool) -> widgets.Box:
    """Return a control that is on or off."""
    return widgets.Box([widgets.Checkbox(value, description=name, **_look())])


def number(
    name: str, value: float, low: float, high: float, step: float, *, slow: bool = False
) -> widgets.Box:
    """Return a field with its name for a number, and a slider for the same number.

    The field is there for precision, and for who cannot see: to a screen reader a slider of
    ipywidgets is just "slider", since its name is not tied to it.

    Args:
        name: with the unit.
        value: at first; whole if all numbers shall be.
        low, high: the range.
        step: of the slider, and of the field's arrow keys.
        slow: whether what follows takes long; then a slider counts only when it is let go.
    """
    whole = all(isinstance(given, int) for given in (value, low, high, step))
    Field = widgets.BoundedIntText if whole else widgets.BoundedFloatText
    Slider = widgets.IntSlider if whole else widgets.FloatSlider
    limits = {"min": low, "max": high, "step": step}
    field = Field(value, description=name, **limits, **_look())
    slider = Slider(value, readout=False, layout={"width": "13em"}, **limits)
    slider.continuous_update = not slow

    def moved(change):
        # A slider moves to its nearest step by itself when it is shown: that was not the reader.
        if abs(change.new - field.value) > 0.51 * step:
            field.value = change.new if whole else float(f"{change.new:.6g}")  # not 0.3000000004

    def typed(change):
        slider.value = change.new

    slider.observe(moved, "value")
    field.observe(typed, "value")
    return widgets.Box([field, slider], layout=WRAP)


def _look() -> dict:
    return {"layout": dict(_WIDE), "style": dict(_LABEL)}


def figure_html(figure: DescribedFigure) -> str:
    """Return a figure with its words below it. On a phone the figure is moved sideways, alone."""
    alone = "width: 0; min-width: 100%; overflow-x: auto"  # does not make the words as wide
    return (
        f'<div style="{alone}">{figure._repr_html_()}</div>'
        f'<p role="status">{html.escape(figure.alt_text)}</p>'
    )


def problem_html(error: Exception) -> str:
    """Return what went wrong as HTML: one sentence, and folded away, where in the code."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    said = str(error) or type(error).__name__
    if not isinstance(error, (ValueError, TypeError, OSError)):
        said = f"{type(error).__name__}: {said}"
    return (
        f'<div role="alert"><strong>This did not work.</strong> {html.escape(said)}'
        f"<details><summary>Where it happened</summary><pre>{html.escape(trace)}</pre></details>"
        "</div>"
    )
