"""The frame of every explorer: controls, a picture that follows them, a worker in a thread.

It knows nothing about maps. `explorers` and `playground` pass it the controls and a function that
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
"""The kind of output that shows a widget in a live notebook."""

# Rows wrap on a phone, labels aren't cut off, and nothing is wider than the page.
WRAP = {"flex_flow": "row wrap", "align_items": "center"}
_WIDE = {"width": "25em", "max_width": "98%"}
_LABEL = {"description_width": "13em"}


class Worker:
    """Do one job at a time in a thread next to the kernel; a new job replaces the queued one.

    A kernel handles widget messages in turn. If it did the work itself, jobs would pile up while
    you drag a slider, and a click on Cancel couldn't get through. So a job is an iterator whose
    steps run in a thread, and between two steps a newer job can take over.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Iterator | None = None
        self._number = 0  # of the current job: anything running under another number is outdated
        self._busy = False

    def submit(self, steps: Iterator) -> None:
        """Run these steps once the current step is done, instead of that job's other steps."""
        with self._changed:
            self._number += 1
            self._waiting = steps
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._run, daemon=True).start()

    def cancel(self) -> None:
        """Drop the running job after its current step, and the queued one."""
        with self._changed:
            self._number += 1
            self._waiting = None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is running, and return whether that's so."""
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
    """Controls, with a picture below that follows them.

    In a live notebook it's a widget. Readers without a kernel (of a solved notebook or the course's
    pages) get the first picture with its description, and a note that it would move.

    Args:
        draw: called with the controls' values by name; returns a figure or, if that takes long,
            an iterator of (share done, figure so far).
        controls: name -> a control of `choice`, `switch` or `number`.
        moves: what you can do with the picture; it completes "run the cell to ...".

    An error in draw is shown below the picture. The first picture is drawn at once, and raises.
    """

    def __init__(self, draw: Callable, controls: Mapping[str, widgets.Box], *, moves: str) -> None:
        # The first widget of each control has the name and the value.
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
        if share is not None:  # it takes long
            rows.append(widgets.Box([self._progress, self._cancel], layout=WRAP))
        super().__init__([*rows, self._picture, self._problem])

    def wait(self, timeout: float = 60) -> bool:
        """Wait until the picture has caught up with the controls; for tests and scripts."""
        return self._worker.wait(timeout)

    def _ipython_display_(self, **_) -> None:
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        bundle = {VIEW: view, "text/plain": f"An explorer: run this cell to see it ({VIEW})."}
        if "google.colab" not in sys.modules:  # keeps widgets in the notebook and needs no still
            bundle["text/html"] = self._still
        display(bundle, raw=True)

    def _follow(self, _) -> None:
        self._worker.submit(self._steps())

    def _steps(self) -> Iterator[None]:
        """Draw for the controls' current values, one step at a time."""
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
    """Return an <img> at half size, because every solved notebook stores one."""
    before, data, after = re.split(r"(?<=base64,)([^\"]+)", picture, maxsplit=1)
    image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    file = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
    return before + base64.b64encode(file.getvalue()).decode("ascii") + after


def choice(name: str, options: Sequence[str]) -> widgets.Box:
    """Return a control that chooses one of a few: a button for each.

    Not a drop-down list: in JupyterLab the arrow keys would move to another cell instead.
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
    """Return a labelled field for a number, and a slider for the same number.

    The field is for precision, and for people who use a screen reader: it only announces "slider"
    for an ipywidgets slider, whose name isn't tied to it.

    Args:
        name: with the unit.
        value: at first; pass a whole number to get only whole numbers.
        low, high: the range.
        step: of the slider, and of the field's arrow keys.
        slow: whether drawing takes long; then a slider only counts once you let it go.
    """
    whole = all(isinstance(given, int) for given in (value, low, high, step))
    Field = widgets.BoundedIntText if whole else widgets.BoundedFloatText
    Slider = widgets.IntSlider if whole else widgets.FloatSlider
    limits = {"min": low, "max": high, "step": step}
    field = Field(value, description=name, **limits, **_look())
    slider = Slider(value, readout=False, layout={"width": "13em"}, **limits)
    slider.continuous_update = not slow

    def moved(change):
        # When it's shown, a slider moves to its nearest step: that wasn't the reader.
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
    """Return a figure with its text below. On a phone, only the figure scrolls sideways."""
    alone = "width: 0; min-width: 100%; overflow-x: auto"  # doesn't make the text as wide
    return (
        f'<div style="{alone}">{figure._repr_html_()}</div>'
        f'<p role="status">{html.escape(figure.alt_text)}</p>'
    )


def problem_html(error: Exception) -> str:
    """Return an error as HTML: one sentence and, folded away, where in the code it happened."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    said = str(error) or type(error).__name__
    if not isinstance(error, (ValueError, TypeError, OSError)):
        said = f"{type(error).__name__}: {said}"
    return (
        f'<div role="alert"><strong>That failed.</strong> {html.escape(said)}'
        f"<details><summary>Where it happened</summary><pre>{html.escape(trace)}</pre></details>"
        "</div>"
    )
