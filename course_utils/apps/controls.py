"""The frame of every explorer: controls, a picture that follows them, a worker in a thread.

It knows nothing about maps. `explorers` and `playground` pass it the controls and a function that
draws.
"""

from __future__ import annotations

import html
import math
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import ipywidgets as widgets
import traitlets

from course_utils.apps.frames import explorer_html, frames
from course_utils.display import DescribedFigure

VIEW = "application/vnd.jupyter.widget-view+json"
"""The kind of output that shows a widget in a live notebook."""

CANCEL, AGAIN = "Cancel", "Draw again"

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

    A notebook gets it twice: as a widget, and as HTML that needs no kernel (see `frames`). In
    JupyterLab you only see one of them, the widget as long as its kernel runs. Colab gets the HTML
    alone: it saves widgets without their kernel, and their controls would move nothing.

    Args:
        draw: called with the controls' values by name; returns a figure or, if that takes long,
            an iterator of (share done, figure so far).
        controls: name -> a control of `choice`, `switch` or `number`.
        moves: what you can do with the picture; it completes "run the cell to ...".
        drawing: what the HTML draws from, if it can draw by itself. Otherwise it gets a picture for
            each combination of the controls' stops.

    An error in draw is shown below the picture. The first picture is drawn at once, and raises.
    """

    def __init__(
        self,
        draw: Callable,
        controls: Mapping[str, Control],
        *,
        moves: str,
        drawing: Mapping | None = None,
    ) -> None:
        self._controls, self._moves, self._drawing = dict(controls), moves, drawing
        self._draw, self._worker = draw, Worker()
        self._picture, self._problem = widgets.HTML(), widgets.HTML()
        self._progress = widgets.FloatProgress(max=1, description="Progress")
        self._button = widgets.Button(description=CANCEL, disabled=True)
        self._button.on_click(self._click)

        self._first = self._values()
        *_, (share, self._still) = self._pieces(self._first)
        self._show(self._still)

        for control in self._controls.values():
            control.observe(self._follow, "value")
        rows = [widgets.Box(list(controls.values()), layout=WRAP)]
        if share is not None:  # it takes long
            rows.append(widgets.Box([self._progress, self._button], layout=WRAP))
        super().__init__([*rows, self._picture, self._problem])
        self.add_class("live-explorer")  # by which scripts/explorer.js knows it

    def wait(self, timeout: float = 60) -> bool:
        """Wait until the picture has caught up with the controls; for tests and scripts."""
        return self._worker.wait(timeout)

    def html(self) -> str:
        """Return the explorer as HTML that needs no kernel, with its first picture as a still."""
        stops = {name: _stops(control) for name, control in self._controls.items()}
        every = (dict(zip(stops, chosen, strict=True)) for chosen in product(*stops.values()))
        drawing = self._drawing or frames(
            (
                self._still if values == self._first else list(self._pieces(values))[-1][1]
                for values in every
            ),
            self._still,
        )
        controls = [
            {
                "name": control.description,
                "kind": _KINDS[type(control)],
                "stops": [f"{v:.6g}" if isinstance(v, float) else str(v) for v in stops[name]],
                "start": stops[name].index(self._first[name]),
            }
            for name, control in self._controls.items()
        ]
        return explorer_html(self._still, self._moves, controls, drawing)

    def _ipython_display_(self, **_) -> None:
        from IPython.display import display

        if "google.colab" not in sys.modules:
            view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
            display({VIEW: view, "text/plain": "The same explorer, with a kernel:"}, raw=True)
        display({"text/html": self.html(), "text/plain": "An explorer."}, raw=True)

    def _follow(self, change) -> None:
        for control in self._controls.values():
            if isinstance(control, Number) and change and change.owner is not control:
                control.say("")  # what it said is about the time before
        self._worker.submit(self._steps())

    def _click(self, _) -> None:
        if self._button.description == CANCEL:
            self._worker.cancel()
        else:
            self._follow(None)

    def _steps(self) -> Iterator[None]:
        """Draw for the controls' current values, one step at a time."""
        self._problem.value = ""
        self._button.description = CANCEL
        done = False
        try:
            for share, figure in self._pieces(self._values()):
                self._show(figure)
                if share is not None:
                    self._progress.value, self._button.disabled = share, False
                yield
            done = True
        except Exception as error:  # nobody else would ever see it
            self._problem.value = problem_html(error)
        finally:
            # Choosing the same values again is no change: after Cancel, this button goes on.
            self._button.description, self._button.disabled = (CANCEL if done else AGAIN), done

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self._controls.items()}

    def _pieces(self, values: Mapping[str, Any]) -> Iterator[tuple[float | None, DescribedFigure]]:
        drawn = self._draw(**values)
        if isinstance(drawn, Iterator):
            yield from drawn
        else:
            yield None, drawn

    def _show(self, figure: DescribedFigure) -> None:
        self._picture.value = figure_html(figure)


def choice(name: str, options: Sequence[str]) -> widgets.ToggleButtons:
    """Return a control that chooses one of a few: a button for each.

    Not a drop-down list: in JupyterLab the arrow keys would move to another cell instead.
    """
    buttons = widgets.ToggleButtons(options=options, description=name, style=dict(_LABEL))
    buttons.style.button_width = "auto"
    buttons.layout.max_width = "98%"
    return buttons


def switch(name: str, value: bool) -> widgets.Checkbox:
    """Return a control that is on or off."""
    return widgets.Checkbox(value, description=name, **_look())


class Number(widgets.Box):
    """A labelled field for a number, and a slider for the same number: `number` makes it.

    The field is for precision, and for people who use a screen reader: it only announces "slider"
    for an ipywidgets slider, whose name isn't tied to it. It's a field for text because a browser's
    field for numbers changes what you type before anybody could say so: 50,5 becomes 505.
    """

    value = traitlets.Any()

    def __init__(self, name: str, value: float, slider, stops: Sequence[float], whole: bool):
        self.description, self.stops = name, tuple(stops)
        self._slider, self._whole = slider, whole
        self._field = widgets.Text(description=name, continuous_update=False, **_look())
        self._said = widgets.HTML()
        super().__init__([self._field, slider, self._said], layout=WRAP)
        self._take(value)
        slider.observe(self._moved, "value")
        self._field.observe(self._typed, "value")

    def _take(self, value: float, said: str = "") -> None:
        self._text = f"{value:.6g}"  # not 0.3000000004
        value = int(value) if self._whole else float(self._text)
        self._field.value, self._slider.value = self._text, value
        self.say(said)
        self.value = value

    def say(self, text: str) -> None:
        """Show a text beside the field."""
        self._said.value = f'<span role="status">{html.escape(text)}</span>'

    def _moved(self, change) -> None:
        # When it's shown, a slider moves to its nearest step: that wasn't the reader.
        if abs(change.new - self.value) > 0.51 * self._slider.step:
            self._take(change.new)

    def _typed(self, change) -> None:
        if change.new == self._text:
            return
        try:
            value = typed = float(change.new.replace(",", "."))
        except ValueError:
            value = typed = math.nan
        low, high = self._slider.min, self._slider.max
        if math.isnan(value):
            text = change.new if len(change.new) <= 20 else f"{change.new[:20]}..."
            self._take(self.value, f"{text!r} isn't a number, so it's {self.value:.6g} again.")
            return
        value = min(max(value, low), high)
        if value != typed:
            why = f"It goes from {low:.6g} to {high:.6g}"
        elif self._whole and value != round(value):
            value, why = round(value), "It takes whole numbers"
        else:
            self._take(value)
            return
        self._take(value, f"{why}: {typed:.6g} became {value:.6g}.")


def number(
    name: str,
    value: float,
    low: float,
    high: float,
    step: float,
    *,
    slow: bool = False,
    stops: Sequence[float] = (),
) -> Number:
    """Return a control for a number.

    Args:
        name: with the unit.
        value: at first; pass a whole number to get only whole numbers.
        low, high: the range.
        step: of the slider.
        slow: whether drawing takes long; then a slider only counts once you let it go.
        stops: the values to offer without a kernel, in order, among them the first; all steps of
            the slider if it's empty.
    """
    whole = all(isinstance(given, int) for given in (value, low, high, step))
    Slider = widgets.IntSlider if whole else widgets.FloatSlider
    slider = Slider(value, min=low, max=high, step=step, readout=False, layout={"width": "13em"})
    slider.continuous_update = not slow
    steps = round((high - low) / step)
    stops = stops or sorted({float(f"{low + k * step:.6g}") for k in range(steps + 1)} | {value})
    return Number(name, value, slider, stops, whole)


Control = widgets.ToggleButtons | widgets.Checkbox | Number
_KINDS = {widgets.ToggleButtons: "choice", widgets.Checkbox: "switch", Number: "number"}


def _stops(control: Control) -> tuple:
    """Return the values of a control that the HTML offers; for a switch, off comes first."""
    if isinstance(control, Number):
        return control.stops
    return (False, True) if isinstance(control, widgets.Checkbox) else tuple(control.options)


def _look() -> dict:
    return {"layout": dict(_WIDE), "style": dict(_LABEL)}


def figure_html(figure: DescribedFigure) -> str:
    """Return a figure with its text below. On a phone, only the figure scrolls sideways."""
    alone = "width: 0; min-width: 100%; overflow-x: auto"  # doesn't make the text as wide
    return (
        f'<div style="{alone}">{figure._repr_html_()}</div>'
        f'<p role="status">{html.escape(figure.alt_text)}</p>'
    )


def problem_html(error: Exception, more: str = "") -> str:
    """Return an error as HTML, and a sentence more.

    A ValueError says what was wrong, and what to try. Any other error is the course's mistake: with
    it comes, folded away, where in the code it happened.
    """
    said = f"{str(error) or type(error).__name__} {more}".strip()
    if isinstance(error, ValueError):
        return f'<div role="alert">{html.escape(said)}</div>'
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if not isinstance(error, (TypeError, OSError)):
        said = f"{type(error).__name__}: {said}"
    return (
        f'<div role="alert"><strong>That failed.</strong> {html.escape(said)}'
        f"<details><summary>Where it happened</summary><pre>{html.escape(trace)}</pre></details>"
        "</div>"
    )
