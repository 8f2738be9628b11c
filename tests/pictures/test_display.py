"""From raw maps to pictures: nothing is inverted, tinted or hidden, and everything is described."""

import base64
import io
import re

import matplotlib
import nbclient
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from page import Page
from PIL import Image

from course_utils import overlay, show_maps
from course_utils.display import (
    DIVERGING,
    SEQUENTIAL,
    as_png,
    channel_max,
    color_limits,
    describe_map,
    few_colours,
    map_values,
    show_figure,
)
from course_utils.images import resize_map

matplotlib.use("agg")  # no windows, wherever the tests run
from matplotlib import pyplot

# Its docstrings announce what the display warns about; any other warning fails.
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def picture():
    """A picture with black, white and everything between; not square; write-protected."""
    values = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    values[0, 0], values[0, 1] = 0, 255
    values.setflags(write=False)
    return values


@pytest.fixture(scope="module")
def cam():
    """A map of 6 x 8 cells, as coarse as Grad-CAM's, with a peak and some cells that are 0."""
    values = np.zeros((6, 8), np.float32)
    values[1, 1], values[1, 2], values[2, 1] = 4, 2, 1
    values.setflags(write=False)
    return values


# --------------------------------------------------------------------------------------- overlay


def test_the_same_picture_in_any_range_gives_the_same_overlay(picture, cam):
    """Other libraries show floats in 0..255 inverted."""
    expected = overlay(picture, cam)
    for same in (picture / 255, picture.astype(np.float32) / 255, picture.astype(np.float64)):
        np.testing.assert_array_equal(overlay(same, cam), expected)


def test_where_the_map_is_zero_the_picture_is_unchanged(picture, cam):
    """Neither darker nor tinted, as it would be with the colour of 0."""
    found = overlay(picture, cam)
    assert (found.shape, found.dtype) == (picture.shape, np.uint8)
    zero = resize_map(cam, picture.shape[:2]) == 0
    assert 0.3 < zero.mean() < 0.9  # there are pixels of both kinds to look at
    np.testing.assert_array_equal(found[zero], picture[zero])
    assert (found[~zero] != picture[~zero]).any(axis=1).mean() > 0.9


def test_where_the_map_is_negative_the_picture_is_unchanged(picture):
    values = np.linspace(-1, 1, 80, dtype=np.float32) * np.ones((60, 1), np.float32)
    found = overlay(picture, values)
    np.testing.assert_array_equal(found[values <= 0], picture[values <= 0])


def test_the_formula(picture):
    """out = (1 - alpha v) image + alpha v colour(v), at full resolution, with v = value / max."""
    values = np.random.default_rng(1).random((60, 80)).astype(np.float32)
    v = (values / values.max())[..., None]
    colour = 255 * matplotlib.colormaps["viridis"](v[..., 0])[..., :3]
    expected = (1 - 0.3 * v) * picture + 0.3 * v * colour
    found = overlay(picture, values, alpha=0.3, cmap="viridis")
    # Half a level: rounding to whole ones. A hundredth more for float32.
    assert np.abs(found - expected).max() <= 0.51


def test_alpha_from_the_picture_alone_to_the_colour_alone(picture, cam):
    np.testing.assert_array_equal(overlay(picture, cam, alpha=0), picture)
    flat = np.ones((60, 80))
    colour = np.round(255 * np.array(matplotlib.colormaps["inferno"](1.0)[:3]))
    np.testing.assert_array_equal(
        overlay(picture, flat, alpha=1), np.broadcast_to(colour, picture.shape)
    )


def test_the_strongest_place_gets_the_last_colour_whatever_the_unit(picture, cam):
    """Gradients of 1e-6 and scores of 1e6 give the same overlay."""
    for factor in (1e-30, 1e-6, 1e6, 1e30):
        found = overlay(picture, cam * np.float32(factor))
        # One level of 255: float32 rounding of v.
        assert np.abs(found.astype(int) - overlay(picture, cam)).max() <= 1


def test_values_are_resized_before_they_are_coloured():
    """Halfway between 0 and 1 is the colour of a half.

    If you mixed the colours afterwards, you'd get the mean of black and pale yellow: a grey that
    means no value at all.
    """
    cells = np.array([[0, 1]], np.float32)
    black = np.zeros((100, 200, 3), np.uint8)
    found = overlay(black, cells, alpha=1)
    v = resize_map(cells, (100, 200))
    expected = v[..., None] * 255 * matplotlib.colormaps["inferno"](v)[..., :3]
    # Half a level: rounding to whole ones. A hundredth more for float32.
    assert np.abs(found - expected).max() <= 0.51
    # And the map stays in place: a single column rises from one side to the other.
    assert found[50, 10].sum() == 0
    assert found[50, 190].sum() > 500


def test_the_map_keeps_its_place_in_a_picture_that_is_not_square(picture):
    for row, column in [(0, 0), (5, 0), (0, 7), (3, 4)]:
        values = np.zeros((6, 8))
        values[row, column] = 1
        change = np.abs(overlay(picture, values).astype(int) - picture).sum(axis=2)
        y, x = np.nonzero(change)
        assert abs(y - (10 * row + 4.5)).max() < 10  # one cell of 10 x 10 pixels and its slopes
        assert abs(x - (10 * column + 4.5)).max() < 10


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.zeros((6, 8)), id="zero"),
        pytest.param(np.full((6, 8), -1.0), id="negative"),
    ],
)
def test_a_map_with_nothing_to_show_is_said_to_have_nothing(values, picture):
    said = "zero everywhere" if not values.any() else "nowhere positive"
    with pytest.warns(UserWarning, match=said) as caught:
        found = overlay(picture, values)
    np.testing.assert_array_equal(found, picture)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # points at the caller's line


@pytest.mark.parametrize("value", [1.0, 1e-30, 1e30])
def test_a_constant_map_is_evenly_coloured(value):
    grey = np.full((60, 80, 3), 100, np.uint8)
    found = overlay(grey, np.full((6, 8), value))
    assert (found == found[0, 0]).all()
    assert (found[0, 0] != 100).any()


def test_a_map_of_true_and_false_can_be_laid_over(picture):
    mask = np.zeros((60, 80), bool)
    mask[:30] = True
    found = overlay(picture, mask)
    np.testing.assert_array_equal(found[30:], picture[30:])
    assert (found[:30] != picture[:30]).any()


def test_gradients_with_channels_are_reduced_by_their_largest_magnitude(picture):
    gradients = np.random.default_rng(0).normal(size=(60, 80, 3)).astype(np.float32)
    expected = overlay(picture, np.abs(gradients).max(axis=2))
    np.testing.assert_array_equal(overlay(picture, gradients), expected)
    np.testing.assert_array_equal(overlay(picture, gradients[None]), expected)
    np.testing.assert_array_equal(overlay(picture, gradients[..., :1][None]) >= 0, True)


def test_a_batch_of_one_map_is_that_map(picture, cam):
    np.testing.assert_array_equal(overlay(picture, cam[None]), overlay(picture, cam))


@pytest.mark.parametrize(
    ("shape", "stretched"),
    [
        ((6, 8), False),
        ((60, 80), False),
        ((2, 3), False),  # a stride rounds up
        ((7, 10), False),
        ((8, 8), True),  # for a picture that was cropped to a square
        ((8, 6), True),  # height and width swapped
        ((224, 224), True),
    ],
)
def test_a_map_of_another_shape_is_said_to_be_stretched(shape, stretched, picture):
    values = np.ones(shape)
    if not stretched:
        overlay(picture, values)  # any warning is an error here
        show_maps(picture, {"map": values})
        return
    for call, argument in ((overlay, values), (show_maps, {"map": values})):
        with pytest.warns(UserWarning, match="stretched") as caught:
            call(picture, argument)
        assert [w.filename for w in caught] == [__file__]  # points at the caller's line


def test_overlay_changes_neither_picture_nor_map(picture, cam):
    """Both are write-protected here, so writing would raise; and the result is new memory."""
    found = overlay(picture, cam, alpha=0)
    assert not np.shares_memory(found, picture)
    found[:] = 0


def test_overlay_of_a_real_map(classifier, cat_inputs):
    from course_utils import grad_cam

    seen = classifier.restore(cat_inputs)[0]
    cam = grad_cam(classifier.model, cat_inputs)
    found = overlay(seen, cam)
    assert found.shape == (224, 224, 3)
    np.testing.assert_array_equal(found, overlay(seen, cam[0]))


# ---------------------------------------------------------------------------- values and limits


def test_channel_max():
    values = np.array([[[1, -3, 2], [0, 0, 0]]])
    np.testing.assert_array_equal(channel_max(values), [[3, 0]])


def test_map_values_keeps_signs_and_scale():
    values = np.array([[-2.5, 0], [1e-9, 7]])
    found = map_values(values)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values.astype(np.float32))
    np.testing.assert_array_equal(map_values(values[None]), found)


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([[0, 1, 4]], (0, 4)),
        ([[1, 2, 4]], (0, 4)),  # from 0, not from the minimum: colours show amounts
        ([[-1, 0, 4]], (-4, 4)),
        ([[-4, 0, 1]], (-4, 4)),
        ([[-4, -2, -1]], (-4, 4)),
        ([[0, 0, 0]], (0, 0)),
    ],
)
def test_color_limits_are_from_zero_or_symmetric(values, limits):
    assert color_limits(np.array(values, float)) == limits


def test_color_limits_at_a_percentile():
    values = np.arange(101, dtype=float).reshape(1, -1)
    assert color_limits(values, 99) == (0, 99)
    # If 99 % of a map is zero, you still see the rest.
    lonely = np.zeros((20, 20))
    lonely[3, 3] = 5
    assert color_limits(lonely, 50) == (0, 5)


# ------------------------------------------------------------------------------------- show_maps


def only_img(text):
    ((tag, attributes),) = Page(text).elements
    assert tag == "img"
    assert attributes["src"].startswith("data:image/png;base64,iVBOR")  # the signature of a PNG
    return attributes


def drawn_panels(text):
    """Return {alt text: picture} of a figure's panels as the HTML stores them, without the bars."""
    images = [attributes for tag, attributes in Page(text).elements if tag == "img"]
    return {
        a["alt"]: decoded(a.get("srcset") or a["src"])
        for a in images
        if not a["alt"].startswith("Colours")
    }


def decoded(url):
    content = base64.b64decode(url.partition("base64,")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


@pytest.fixture(scope="module")
def signed():
    """Strongest in the lower right, from -2 to 1."""
    values = np.zeros((6, 8))
    values[5, 6:], values[0, 0] = -2, 1
    return values


@pytest.fixture(scope="module")
def figure(picture, cam, signed):
    maps = {"Grad-CAM": cam, "Signed": signed, "Nothing": np.zeros((6, 8))}
    return show_maps(picture, maps, title="A test")


def test_the_description_names_place_and_range(figure):
    assert figure.alt_text == (
        "A test: the picture. Grad-CAM: strongest in the upper left, from 0 to 4. "
        "Signed: strongest in the lower right, from -2 to 1. Nothing: zero everywhere."
    )


def panels(figure):
    """Return {title: axes} without those of the colour bars."""
    return {ax.get_title(): ax for ax in figure.axes if ax.get_title()}


def test_picture_and_maps_stand_side_by_side(figure, picture):
    assert list(panels(figure)) == ["Picture", "Grad-CAM", "Signed", "Nothing"]
    (shown,) = panels(figure)["Picture"].images
    np.testing.assert_array_equal(shown.get_array(), picture)
    left = [ax.get_position().x0 for ax in panels(figure).values()]
    assert left == sorted(left)


def test_each_map_has_a_colour_bar_and_its_raw_range(figure):
    texts = {name: ax.get_xlabel() for name, ax in panels(figure).items()}
    assert texts == {
        "Picture": "",
        "Grad-CAM": "raw: 0 to 4",
        "Signed": "raw: -2 to 1",
        "Nothing": "zero everywhere",
    }
    for name in ("Grad-CAM", "Signed", "Nothing"):
        (drawn,) = panels(figure)[name].images
        assert drawn.colorbar is not None
        assert drawn.colorbar.vmin == drawn.get_clim()[0] < drawn.get_clim()[1]


def test_zero_is_the_centre_of_the_diverging_colours(figure):
    (drawn,) = panels(figure)["Signed"].images
    assert drawn.get_cmap().name == DIVERGING
    low, high = drawn.get_clim()
    assert low == -high
    np.testing.assert_array_equal(drawn.to_rgba(0.0), matplotlib.colormaps[DIVERGING](0.5))
    (positive,) = panels(figure)["Grad-CAM"].images
    assert positive.get_cmap().name == SEQUENTIAL
    np.testing.assert_array_equal(positive.to_rgba(0.0), matplotlib.colormaps[SEQUENTIAL](0.0))


def test_a_map_is_drawn_value_by_value_at_the_pictures_size(figure, cam):
    """Nothing between two values is made up."""
    (drawn,) = panels(figure)["Grad-CAM"].images
    np.testing.assert_array_equal(drawn.get_array(), cam)
    sizes = {ax.get_window_extent().size.round(6).tobytes() for ax in panels(figure).values()}
    assert len(sizes) == 1


def lit(size, at):
    values = np.zeros((size, size), np.float32)
    values[at] = 1
    return values


def only_bright(picture):
    """Return the rows and the columns, from and to, where a picture isn't dark."""
    rows, columns = np.nonzero(picture.max(axis=2) > 64)  # a quarter of the contrast
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


@pytest.mark.parametrize("size", [7, 14, 28, 112, 224, 299])
def test_one_lit_value_is_found_wherever_it_is(size):
    """In the HTML it's one pixel, and in the Matplotlib figure a block of whole pixels."""
    side = max(size, 224)
    grey = np.full((side, side, 3), 128, np.uint8)
    rng = np.random.default_rng(size)
    for n in (1, 2, 3):
        corner = [(0, 0), (size - 1, size - 1)][n % 2]
        places = [corner, *map(tuple, rng.integers(size, size=(n - 1, 2)))]
        maps = {f"map {k}": lit(size, at) for k, at in enumerate(places)}
        figure = show_maps(grey, maps)
        stored = list(drawn_panels(figure._repr_html_()).values())[1:]
        drawn = np.asarray(Image.open(io.BytesIO(few_colours(as_png(figure)))).convert("RGB"), int)
        for name, (row, column), one_each in zip(maps, places, stored, strict=True):
            assert one_each.shape == (size, size, 3)
            assert only_bright(one_each) == (row, row + 1, column, column + 1)
            box = panels(figure)[name].get_window_extent()
            left, width, height = round(box.x0), round(box.width), round(box.height)
            assert width % size == height % size == 0
            b, top = width // size, drawn.shape[0] - round(box.y1)
            found = drawn[top : top + height, left : left + width]
            assert only_bright(found) == (b * row, b * row + b, b * column, b * column + b)


def test_in_few_colours_a_rare_strong_value_keeps_its_colour():
    """Most of a figure is grey or pale, and most of the 32 colours could go there."""
    rng = np.random.default_rng(0)
    maps = {"Signed": rng.normal(size=(8, 8)) ** 3, "From 0 on": rng.random((8, 8)) ** 3}
    png = as_png(show_maps(rng.random((8, 8)), maps, percentile=100))
    before, after = (
        np.asarray(Image.open(io.BytesIO(p)).convert("RGB"), int) for p in (png, few_colours(png))
    )
    # Of 255 levels: in five such figures up to 38, and with a median cut at least 97.
    assert np.abs(before - after).max() < 50


def test_a_large_map_has_smaller_forms_for_narrow_windows():
    """What a browser makes of too many pixels may lose one; what we make of them doesn't."""
    values = np.zeros((480, 640), np.float32)
    values[101, 203], values[333, 77] = 1, -1
    maps = {"large": values, "coarse": np.eye(6, 8)}
    page = show_maps(np.zeros((480, 640, 3), np.uint8), maps, percentile=100)._repr_html_()
    _, large, coarse = page.split("<picture>")[1:]
    forms = [decoded(a.get("srcset") or a["src"]) for _, a in Page(large).elements if "width" in a]
    assert [form.shape[:2] for form in forms] == [(160, 214), (240, 320), (480, 640)]
    for factor, form in zip((3, 2, 1), forms, strict=True):
        for (row, column), colour in {(101, 203): 1.0, (333, 77): 0.0}.items():
            expected = 255 * np.array(matplotlib.colormaps[DIVERGING](colour)[:3])
            np.testing.assert_allclose(form[row // factor, column // factor], expected, atol=1)
    # Where there are several pixels for each value, none goes.
    sizes = re.findall(r'width="(\d+)" height="(\d+)"', coarse)
    assert sizes == [("208", "156"), ("320", "240"), ("640", "480")]


def test_a_picture_with_more_pixels_than_a_screen_is_reduced(cam):
    huge = np.zeros((3000, 4000, 3), np.uint8)
    figure = show_maps(huge, {"map": cam})
    shown = list(drawn_panels(figure._repr_html_()).values())
    assert shown[0].shape == (750, 1000, 3)
    assert shown[1].shape == (6, 8, 3)
    assert max(figure.get_size_inches()) * figure.dpi < 3000


def test_one_scale_for_all_on_request(picture, cam):
    maps = {"weak": cam / 10, "strong": cam}
    for shared in (False, True):
        axes = panels(show_maps(picture, maps, shared_scale=shared, percentile=100))
        limits = [axes[name].images[0].get_clim() for name in maps]
        assert (limits[0] == limits[1]) is shared
        assert limits[1] == (0, 4)


def test_a_shared_scale_is_symmetric_where_one_map_is_signed(picture, cam, signed):
    """The same colours for the same values, so the same colour map, too."""
    axes = panels(show_maps(picture, {"a": cam, "b": signed}, shared_scale=True, percentile=100))
    drawn = [axes[name].images[0] for name in "ab"]
    assert [d.get_clim() for d in drawn] == [(-4, 4), (-4, 4)]
    assert [d.get_cmap().name for d in drawn] == [DIVERGING, DIVERGING]


def test_an_overlay_is_drawn_as_it_is(picture, cam):
    laid_over = overlay(picture, cam)
    figure = show_maps(picture, {"Overlay": laid_over})
    (shown,) = panels(figure)["Overlay"].images
    np.testing.assert_array_equal(shown.get_array(), laid_over)
    assert "Overlay" in figure.alt_text
    assert "strongest" not in figure.alt_text  # colours aren't values


def test_a_picture_beside_the_picture_is_described_by_what_differs(picture):
    inverted_below = picture.copy()
    inverted_below[40:, 53:] = 255 - inverted_below[40:, 53:]
    found = show_maps(picture, {"a": picture, "b": inverted_below, "c": picture[:30]}).alt_text
    assert "a: the same picture." in found
    assert re.search(
        r"b: the picture, changed by \d+ of 255 levels on average, most in the lower right", found
    )
    assert "c: another picture, of 80 x 30 pixels." in found


def test_one_map_of_a_constant_is_described_and_drawn(picture):
    figure = show_maps(picture, {"flat": np.full((6, 8), 0.25)})
    assert "flat: 0.25 everywhere" in figure.alt_text
    (colour,) = np.unique(
        drawn_panels(figure._repr_html_())["flat: 0.25 everywhere"].reshape(-1, 3), axis=0
    )
    assert colour.sum() > 500  # the last colour, as it's the largest value


NASTY = "a < b & \"c\" > 'd' <script>alert(1)</script>\n\nnext line &amp; é 猫"


def test_the_description_survives_html(picture, cam):
    figure = show_maps(picture, {"map": cam}, title=NASTY.replace("猫", ""))
    page = figure._repr_html_()
    described = ". ".join(drawn_panels(page)) + "."
    assert described == " ".join(figure.alt_text.split())
    assert "<script>alert" in described  # as text
    assert "<script>alert" not in page


def test_the_same_figure_is_the_same_bytes(picture, cam):
    first, second = (show_maps(picture, {"map": cam}, title="t")._repr_html_() for _ in range(2))
    assert first == second


def test_looking_at_a_figure_again_does_not_change_it(picture, cam):
    figure = show_maps(picture, {"map": cam})
    assert figure._repr_html_() == figure._repr_html_()


def test_no_figure_is_left_open_and_no_setting_changed(picture, cam):
    numbers, settings = pyplot.get_fignums(), dict(matplotlib.rcParams)
    backend = matplotlib.get_backend()
    show_maps(picture, {"map": cam})
    show_figure(Figure(), "an empty figure")
    assert pyplot.get_fignums() == numbers
    assert dict(matplotlib.rcParams) == settings
    assert matplotlib.get_backend() == backend


def test_outside_a_notebook_nothing_is_printed(picture, cam, capfd):
    show_maps(picture, {"map": cam})
    show_figure(Figure(), "an empty figure")
    assert capfd.readouterr() == ("", "")


def test_a_figure_can_be_saved(picture, cam, tmp_path):
    show_maps(picture, {"map": cam}).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_many_maps_do_not_shrink_each_other(picture, cam):
    one, six = (
        panels(show_maps(picture, {f"map {k}": cam for k in range(n)}))["map 0"] for n in (1, 6)
    )
    sizes = [axes.get_window_extent().size for axes in (one, six)]
    np.testing.assert_allclose(*sizes)


def test_show_figure_closes_figures_of_pyplot():
    """Otherwise a notebook would show it a second time, without its description."""
    pyplot.close("all")
    figure, ax = pyplot.subplots()
    ax.plot([1, 2])
    other = pyplot.figure()
    show_figure(figure, "A rising line.")
    assert not pyplot.fignum_exists(figure.number)
    assert pyplot.get_fignums() == [other.number]
    pyplot.close("all")


# ---------------------------------------------------------------------------------- descriptions


def one_field(row, column, value=1.0):
    values = np.zeros((9, 9))
    values[3 * row + 1, 3 * column + 1] = value
    return values


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("row", "column", "place"),
    [
        (0, 0, "in the upper left"),
        (0, 1, "in the upper centre"),
        (0, 2, "in the upper right"),
        (1, 0, "in the middle left"),
        (1, 1, "in the centre"),
        (1, 2, "in the middle right"),
        (2, 0, "in the lower left"),
        (2, 1, "in the lower centre"),
        (2, 2, "in the lower right"),
    ],
)
def test_describe_map_names_the_place(row, column, place, sign):
    """Even where the strongest values are evidence against the class."""
    words = describe_map(one_field(row, column, sign))
    lowest, highest = sorted([0, sign])
    assert words == f"strongest {place}, from {lowest} to {highest}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((7, 7)), "zero everywhere"),
        (np.full((7, 7), 0.123456), "0.123 everywhere"),
        (np.full((7, 7), -2.0), "-2 everywhere"),
        (one_field(0, 0) * 123456, "strongest in the upper left, from 0 to 123456"),
        (-one_field(0, 0), "strongest in the upper left, from -1 to 0"),  # and not to -0
        (one_field(0, 0) * 1.234e-7, "strongest in the upper left, from 0 to 1.2e-07"),
    ],
)
def test_describe_map(values, words):
    assert describe_map(values) == words


def test_a_large_map_is_described_as_its_small_self():
    """The strongest field is the one with the largest mean, so every pixel of a gradient counts."""
    rng = np.random.default_rng(0)
    large = rng.random((225, 225)) * (rng.random((225, 225)) < 0.02)  # one pixel in fifty
    fields = large.reshape(3, 75, 3, 75).mean(axis=(1, 3))
    row, column = np.unravel_index(fields.argmax(), (3, 3))
    assert describe_map(large).startswith(describe_map(one_field(row, column)).split(",")[0])


# ------------------------------------------------------------------------- a real notebook session

CELLS = {
    "set-up": """
import matplotlib
import numpy as np
from course_utils import show_maps
from course_utils.display import show_figure
from matplotlib import pyplot
picture, cam = np.zeros((60, 80, 3), np.uint8), np.eye(6, 8)
""",
    "last expression": "show_maps(picture, {'map': cam}, title='one')",
    "in mid-cell": "show_maps(picture, {'map': cam}, title='two')\n1 + 1",
    "kept in a variable": "figure = show_maps(picture, {'map': cam}, title='three')",
    "shown again": "figure",
    "kept and last": "figure = show_maps(picture, {'map': cam}, title='four')\nfigure",
    "two in a cell": """
show_maps(picture, {'map': cam}, title='five')
show_maps(picture, {'map': cam}, title='six')
""",
    "display": "from IPython.display import display\ndisplay(figure)",
    "pyplot": """
figure, ax = pyplot.subplots()
ax.plot([1, 2])
show_figure(figure, 'A rising "line" < 3')
""",
    "own figure": """
figure = matplotlib.figure.Figure()
figure.subplots().plot([1, 2])
show_figure(figure, 'A line')
""",
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What each cell showed when a real kernel ran it: {name of the cell: list of outputs}."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    root = str(tmp_path_factory.mktemp("notebook"))
    package = str(__import__("course_utils").__path__[0]).removesuffix("course_utils")
    cells[0].source = f"import sys; sys.path.insert(0, {package!r})\n{cells[0].source}"
    nbclient.NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": root}}
    ).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "descriptions"),
    [
        ("last expression", ["one: the picture"]),
        ("in mid-cell", ["two: the picture"]),
        ("kept in a variable", ["three: the picture"]),
        ("shown again", ["three: the picture"]),
        ("kept and last", ["four: the picture"]),
        ("two in a cell", ["five: the picture", "six: the picture"]),
        ("display", ["four: the picture"]),
        ("pyplot", ['A rising "line" < 3']),
        ("own figure", ["A line"]),
    ],
)
def test_in_a_notebook_each_figure_is_shown_once_with_its_description(cell, descriptions, shown):
    outputs = [o for o in shown[cell] if o.output_type != "stream" and "text/html" in o.data]
    found = [next(iter(drawn_panels(output.data["text/html"]))) for output in outputs]
    assert len(found) == len(descriptions)
    assert all(f.startswith(d) for f, d in zip(found, descriptions, strict=True))
    # What shows no HTML shows the plain picture or the description: VS Code, if it doesn't trust
    # the notebook, or a PDF.
    for output in outputs:
        description = output.data["text/plain"]
        assert description.startswith(tuple(descriptions))
        assert output.metadata["image/png"]["alt"] == description
        assert decoded("base64," + output.data["image/png"]).size
    # Nothing else: no second picture without a description, no <Figure size ...>, no warning.
    others = [o for o in shown[cell] if o not in outputs]
    texts = [o.get("data", {}).get("text/plain", o.get("text", "?")) for o in others]
    assert texts == (["2"] if cell == "in mid-cell" else [])


def test_the_output_in_a_notebook_is_not_larger_than_needed(shown):
    """We commit notebooks with outputs, so a figure of three panels stays below 100 kB."""
    (output,) = shown["last expression"]
    assert len(re.sub(r"\s", "", output.data["text/html"])) < 100_000


def test_the_range_that_is_written_has_the_signs_that_the_method_returned():
    gradient = np.zeros((6, 6, 3), np.float32)
    gradient[1, 1] = 1, -3, 0
    assert describe_map(gradient).endswith("from -3 to 1")
