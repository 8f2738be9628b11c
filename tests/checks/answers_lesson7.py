"""Lesson 7: answers as students type them, right and wrong, none of them spelled like the table."""

import base64  # noqa: F401 - what the notebook has imported
import html  # noqa: F401
import json  # noqa: F401

import numpy as np  # noqa: F401

from course_utils.apps.card import PAGE  # noqa: F401

# What is typed first in exercises 7.1 and 7.3.
INDEXES = "first, second = predictions[0].class_index, predictions[1].class_index\n"
CORNERS = "top, left, bottom, right = box\n"
# Exercise 7.4, in parts that are replaced.
IMG = (
    "data = base64.b64encode(png).decode()\n"
    "body = '<img src=\"data:image/png;base64,' + data + '\" alt=\"' + html.escape(alt) + '\">'\n"
)
LOOP = (
    "for heading, text in facts.items():\n"
    "    body += '<h2>' + html.escape(heading) + '</h2>\\n<p>' + html.escape(text) + '</p>\\n'\n"
)
RETURN = "return PAGE.format(title=html.escape(title), body=body)"

RIGHT = {
    "choose_classes": [
        "indexes = [p.class_index for p in predictions]\n"
        "rivals = indexes[1:] if expected in (None, indexes[0]) else [expected]\n"
        "return [indexes[0], rivals[0]]",
        "import numpy as np\nfirst, second, *_ = (p[0] for p in predictions)\n"
        "rival = second if expected is None or expected == first else expected\n"
        "return np.array([first, rival])",
        INDEXES + "if expected is not None and expected != first:\n    second = expected\n"
        "return first, second",
        "best = max(predictions, key=lambda p: p.probability).class_index\n"
        "others = [p.class_index for p in predictions if p.class_index != best]\n"
        "return best, others[0] if expected == best or expected is None else expected",
    ],
    "settings_text": [
        "parts = []\nfor name in settings:\n"
        "    parts.append(name + '=' + repr(settings[name]))\nreturn ','.join(parts)",
        "return ''.join(f'{k} = {v!r}, ' for k, v in sorted(settings.items()))",
        "return f'**{settings}'",
        "return ', '.join('%s=%r' % pair for pair in settings.items())",
        "return ', '.join(map('{0[0]}={0[1]!r}'.format, settings.items()))",
    ],
    "evidence_share": [
        CORNERS + "inside = np.zeros(values.shape, bool)\n"
        "inside[top:bottom, left:right] = True\nstrength = np.sqrt(values**2)\n"
        "return strength[inside].sum() / max(strength.sum(), 1e-30)",
        CORNERS + "total = sum(abs(v) for row in values for v in row)\n"
        "part = sum(abs(v) for row in values[top:bottom] for v in row[left:right])\n"
        "return part / total if total else 0",
        CORNERS + "if not values.any():\n    return 0.0\n"
        "part = np.abs(values[slice(top, bottom), slice(left, right)])\n"
        "return np.linalg.norm(part.ravel(), 1) / np.linalg.norm(values.ravel(), ord=1)",
        CORNERS + "with np.errstate(invalid='ignore'):\n"
        "    m = np.abs(values) / np.abs(values).sum()\n"
        "return np.nan_to_num(m)[top:bottom, left:right].sum()",
    ],
    "card_html": [
        IMG + LOOP + RETURN,
        "from xml.sax.saxutils import escape, quoteattr\n"
        "rows = ''.join(f'<h2>{escape(h)}</h2><p>{escape(t)}</p>' for h, t in facts.items())\n"
        "data = base64.standard_b64encode(png).decode('ascii')\nreturn f'''<!DOCTYPE html>\n"
        "    <html lang='en'><head><META CHARSET='UTF-8'/><title>\n"
        "    {escape(title)}</title><style>img {{ width: 100% }}</style></head>\n"
        "    <body><h1>{escape(title)}</h1>\n"
        "    <img alt={quoteattr(alt)} src='data:image/png;base64,{data}'/>{rows}</body></html>'''",
        "e = html.escape\ndata = str(base64.b64encode(png), 'utf-8')\n"
        "lines = [f\"<figure><img alt='{e(alt)}' src='data:image/png;base64,{data}'></figure>\"]\n"
        "for item in facts.items():\n"
        "    lines += ['<section><h2>%s</h2>' % e(item[0]), '<p>%s</section>' % e(item[1])]\n"
        "return PAGE.replace('{title}', e(title)).replace('{body}', '\\n'.join(lines))",
        "title, alt = html.escape(title), html.escape(alt)\n"
        "data = base64.encodebytes(png).decode('ascii')\n"
        "body = f'<p><img src=\"data:image/png;base64,{data}\" alt=\"{alt}\"></p>'\n"
        "body = body.replace('<p>', '').replace('</p>', '')\n"
        "for heading, text in facts.items():\n"
        "    body += f'<h2>{html.escape(heading)}</h2><p><em>{html.escape(text)}</em></p>'\n"
        "return PAGE.format(title=title, body=body)",
    ],
}  # fmt: skip

WRONG = {
    "choose_classes": [
        ("return predictions[0].class_index, str(expected)",
         "'999' is a text"),
        ("return predictions[0].label, predictions[1].label", "is a text"),
        # the same number, but not the same object
        (INDEXES + "if expected is None or expected is first:\n    return first, second\n"
         "return first, expected", "`is` asks for the same object"),
        (INDEXES + "rival = expected if expected is not first else second\n"
         "return first, second if rival is None else rival", "`is` asks for the same object"),
        # other faults
        (INDEXES + "return (first, expected) if expected and expected != first "
         "else (first, second)", "Class 0 is a class"),
        (INDEXES + "return first, expected or second", "Class 0 is a class"),
        ("indexes = [p.class_index for p in predictions]\n"
         "found = expected in indexes and expected != indexes[0]\n"
         "return indexes[0], expected if found else indexes[1]", "even if it isn't in the list"),
        ("indexes = [p.class_index for p in predictions]\n"
         "if expected is None or expected == indexes[0]:\n    return indexes[:2]\n"
         "return indexes[0], indexes[indexes.index(expected)]", "need not be in it"),
        (INDEXES + "return first, second", "always the runner-up"),
        (INDEXES + "if expected is None:\n    return first, second\nreturn first, expected",
         "Two different classes"),
        (INDEXES + "return (first, second) if expected == first else (first, expected)",
         "None isn't a class"),
        ("return predictions[0].class_index, expected", "None isn't a class"),
        (INDEXES + "if expected in (None, first):\n    return second, first\n"
         "return expected, first", "comes first, its rival second"),
        ("first, last = predictions[0].class_index, predictions[-1].class_index\n"
         "return first, last if expected in (None, first) else expected", "not the last"),
        (INDEXES + "third = predictions[4].class_index\n"
         "return first, third if expected in (None, first) else expected", "not the last"),
        (INDEXES + "return {first, second if expected in (None, first) else expected}",
         "two class indexes, as in"),
        ("return predictions[:2]", "whole predictions"),
        ("return predictions[0]", "one whole prediction"),
        ("return 0, 1", "places in the list"),
        ("return predictions[0].probability, predictions[1].probability", "isn't a class index"),
        ("return predictions[0].score, predictions[1].score", "isn't a class index"),
        ("return [p.class_index for p in predictions] + [1] * 4", "not 9 things"),
        ("return predictions[0].class_index", "two class indexes"),
        ("return predictions[0].index, expected", r"Take the \.class_index"),
        (INDEXES + "predictions.pop()\n"
         "return first, second if expected in (None, first) else expected",
         "`predictions` was changed"),
    ],
    "settings_text": [
        ("return ', '.join(f'{{n}}={v!r}' for n, v in settings.items())",
         "can't be put between"),
        ("return str(settings)", "the whole dictionary"),
        # left out
        ("return ', '.join(f'{k}={settings[k]!r}' for k in settings if settings[k])",
         "0, False, None or empty was left out"),
        ("return ', '.join(f'{k}={v!r}' for k, v in settings.items() if v != None)",
         "None was left out, and it"),
        ("return ', '.join(f'{k}={v!r}' for k, v in settings.items() if v or v == 0)",
         "layer=None is missing"),
        ("names = [k for k in settings if settings[k] != 0]\n"
         "return ', '.join(f'{k}={settings[k]!r}' for k in names)", "0 or False was left out"),
        ("return ', '.join([f'{k}={v!r}' for k, v in settings.items()][:3])",
         "Only the first entries"),
        ("for k, v in settings.items():\n    return f'{k}={v!r}'", "Only the first entries"),
        ("text = ''\nfor k, v in settings.items():\n    text = f'{k}={v!r}'\nreturn text",
         "is missing"),
        # typed names
        ("s = settings\n"
         "return f\"samples={s.get('samples')}, noise={s.get('noise')}, seed={s.get('seed')}\"",
         "names of one method were typed"),
        ("s = settings\n"
         "return f\"samples={s['samples']}, noise={s['noise']}, seed={s['seed']}\"",
         "Another method has other settings.*KeyError"),
        ("return 'samples=30, noise=0.15, seed=0'", "example's text"),
        # other spellings of the values
        ("return ', '.join(f'{k}={v}' for k, v in settings.items())", "needs its quotes"),
        ("parts = [f'{k}={json.dumps(v)}' for k, v in settings.items()]\n"
         "return ', '.join(parts)", "JSON's spelling"),
        ("return json.dumps(settings)", "the whole dictionary"),
        ("return ', '.join(f'{k}={v:.2f}' if isinstance(v, float) else f'{k}={v!r}'"
         " for k, v in settings.items())", "Rounded settings"),
        ("return ', '.join(f'{k}={round(v, 5) if isinstance(v, float) else v!r}'"
         " for k, v in settings.items())", "Rounded settings"),
        ("return ', '.join(f'{k}={v:.10g}' if type(v) is float else f'{k}={v!r}'"
         " for k, v in settings.items())", "Rounded settings"),
        ("return ', '.join(f'{k}={float(v)}' for k, v in settings.items())",
         "Whole numbers became floats"),
        ("return ', '.join(f'{k}={float(v)!r}' if type(v) == int else f'{k}={v!r}'"
         " for k, v in settings.items())", "Whole numbers became floats"),
        ("return ', '.join(f'{k}={v:g}' for k, v in settings.items())", "Not every value"),
        ("return ', '.join(f\"{k}='{v}'\" if type(v) is str else f'{k}={v}'"
         " for k, v in settings.items())", "Quotes by hand"),
        # no call
        ("return ', '.join(settings)", "between the brackets"),
        ("return ', '.join(f'{k}: {v!r}' for k, v in settings.items())", "between the brackets"),
        ("return ' '.join(f'{k}={v!r}' for k, v in settings.items())", "between the brackets"),
        ("return ', '.join(f'{v!r}' for v in settings.values())", "between the brackets"),
        ("return '(' + ', '.join(f'{k}={v!r}' for k, v in settings.items()) + ')'", "brackets"),
        ("return f'**{list(settings)}'", "between the brackets"),
        ("print(', '.join(f'{k}={v!r}' for k, v in settings.items()))", "printing it isn't"),
        ("return [f'{k}={v!r}' for k, v in settings.items()]", "must return a text"),
        ("return ', '.join(settings.items())", "Only texts can be joined"),
        ("return ', '.join(f'{k}={v!r}' for k, v in settings)", "settings.items.. gives pairs"),
        ("pairs = [settings.popitem() for _ in range(len(settings))]\n"
         "return ', '.join('{}={!r}'.format(*pair) for pair in pairs)", "`settings` was changed"),
        ("settings = {**settings, 'method': 'grad_cam'}\n"
         "return ', '.join(f'{k}={v!r}' for k, v in settings.items())", "isn't in `settings`"),
        ("return ', '.join(f'{k}={v!r}' for k, v in settings.items() if k != 'steps')", "steps=12"),
    ],
    "evidence_share": [
        ("top, right, bottom, left = box\n"
         "s = np.abs(values)\n"
         "return s[top:bottom, left:right].sum() / (s.sum() or 1)",
         "slice is empty"),
        ("return np.abs(values)[box].sum() / np.abs(values).sum()",
         "Four numbers cut nothing out"),
        ("top, left, bottom, right = box\n"
         "s = np.abs(values)\n"
         "return s[top:bottom, left:right].sum() > 0.5 * s.sum()",
         "more than half"),
        ("top, left, bottom, right = box\n"
         "s = np.abs(values)\n"
         "return 1 - s[top:bottom, left:right].sum() / (s.sum() or 1)",
         "outside of the box"),
        (CORNERS + "return values[top:bottom, left:right].sum() / values.sum()",
         "signs, in which rising and falling cancel"),
        # digits
        (CORNERS + "m = np.abs(values)\n"
         "return round(m[top:bottom, left:right].sum() / m.sum(), 2) if m.any() else 0.0",
         "rounded to 2 decimals"),
        (CORNERS + "m = np.abs(values)\n"
         "return float(f'{m[top:bottom, left:right].sum() / m.sum():.3f}') if m.any() else 0.0",
         "rounded to 3 decimals"),
        (CORNERS + "m = np.abs(values)\n"
         "share = m[top:bottom, left:right].sum() / max(m.sum(), 1e-30)\n"
         "return int(1000 * share) / 1000", r"must be 0\.\d{4}, and yours is 0\.\d{3}\."),
        (CORNERS + "m = np.abs(values)\n"
         "return int(m[top:bottom, left:right].sum() / max(m.sum(), 1e-30))", "cut off"),
        (CORNERS + "m = np.abs(values)\n"
         "return f'{m[top:bottom, left:right].sum() / max(m.sum(), 1e-30):.0%}'",
         "numbers, not '30%'"),
        (CORNERS + "m = np.abs(values)\n"
         "return round(float(m[top:bottom, left:right].sum() / max(m.sum(), 1e-30)), 4)",
         "holds very little"),
        # zero
        (CORNERS + "return np.abs(values[top:bottom, left:right]).sum() / np.abs(values).sum()",
         "zero by zero"),
        (CORNERS + "m = abs(values)\n"
         "return sum(m[top:bottom, left:right].ravel().tolist()) / sum(m.ravel().tolist())",
         "zero was divided by zero"),
        (CORNERS + "m = np.abs(values)\nreturn m[top:bottom, left:right].sum() / (m.sum() + 1e-8)",
         "Something was added"),
        (CORNERS + "if values.sum() == 0:\n    return 0.0\nm = np.abs(values)\n"
         "return m[top:bottom, left:right].sum() / m.sum()", "sum with signs"),
        (CORNERS + "if values.max() <= 0:\n    return 0.0\nm = np.abs(values)\n"
         "return m[top:bottom, left:right].sum() / m.sum()", "without positive numbers.*must be"),
        # the box
        ("m = np.abs(values)\n"
         "return m[box[1]:box[3], box[0]:box[2]].sum() / max(m.sum(), 1e-30)",
         "Rows and columns are swapped"),
        ("top, left, height, width = box\nm = np.abs(values)\n"
         "return m[top:top + height, left:left + width].sum() / max(m.sum(), 1e-30)",
         "height and width"),
        (CORNERS + "m = np.abs(values)\n"
         "return m[top:bottom][left:right].sum() / max(m.sum(), 1e-30)", "slices the rows twice"),
        ("m = np.abs(values)\nreturn m[1:3, 3:5].sum() / max(m.sum(), 1e-30)", "the four numbers"),
        (CORNERS + "inside = [abs(values[i, j]) for i in range(top, bottom + 1)\n"
         "          for j in range(left, right + 1)]\n"
         "return sum(inside) / max(np.abs(values).sum(), 1e-30)", "without . 1"),
        # other quantities
        (CORNERS + "m = np.abs(values)\n"
         "return m[top:bottom, left:right].mean() / max(m.mean(), 1e-30)", "mean in the box over"),
        (CORNERS + "return (bottom - top) * (right - left) / values.size", "share of the area"),
        (CORNERS + "m = np.abs(values)\nm[top:bottom, left:right] = 0\n"
         "return m.sum() / max(np.abs(values).sum(), 1e-30)", "outside of the box"),
        (CORNERS + "m = np.clip(values, 0, None)\n"
         "return m[top:bottom, left:right].sum() / m.sum() if m.any() else 0.0",
         "Negative values were dropped"),
        (CORNERS + "return np.abs(values)[top:bottom, left:right]", "must be one number"),
        (CORNERS + "np.abs(values, out=values)\n"
         "return values[top:bottom, left:right].sum() / max(values.sum(), 1e-30)",
         "`values` was changed"),
    ],
    "card_html": [
        ("src = f'data:image/png;base64,{png}'\n"
         'body = f\'<img src="{src}" alt="{html.escape(alt)}">\'\n'
         "return PAGE.format(title=html.escape(title), body=body)",
         "b64encode\\(png\\)\\.decode"),
        ("body = '<img>'\n"
         "for h, t in facts.items():\n"
         "    body = f'<h2>{html.escape(h)}</h2><p>{html.escape(t)}</p>'\n"
         "return PAGE.format(title=html.escape(title), body=body)",
         "added to it with \\+="),
        ("data = base64.b64encode(png).decode()\n"
         "body = f'<img src=\"data:image/png;base64,{data}\">'\n"
         "return PAGE.format(title=html.escape(title), body=body)", "no alt text"),
        # order and tags
        (IMG + "body += ''.join(f'<h2>{html.escape(h)}</h2>' for h in facts)\n"
         "body += ''.join(f'<p>{html.escape(t)}</p>' for t in facts.values())\n" + RETURN,
         "All headings come first"),
        (IMG + LOOP.replace("h2>", "p>") + RETURN, "headings are paragraphs"),
        (IMG + LOOP.replace("facts.items()", "sorted(facts.items())") + RETURN, "are sorted"),
        (IMG + "picture, body = body, ''\n" + LOOP + "body += picture\n" + RETURN,
         "picture comes last"),
        (IMG + "rows = [f'<tr><th>{html.escape(h)}</th><td>{html.escape(t)}</td></tr>'\n"
         "        for h, t in facts.items()]\nbody += '<table>' + ''.join(rows) + '</table>'\n" +
         RETURN, "in a table"),
        (IMG + "for h, t in facts.items():\n"
         "    body += f'<p>{html.escape(h)}: {html.escape(t)}</p>'\n" + RETURN, "in one paragraph"),
        (IMG + "for h, t in facts.items():\n"
         "    body += f'<p><b>{html.escape(h)}</b></p><p>{html.escape(t)}</p>'\n" + RETURN,
         "headings are paragraphs"),
        (IMG + LOOP.replace("h2>", "h3>") + RETURN, "must be <h2>"),
        (IMG + LOOP.replace("</h2>", "") + RETURN, "not closed"),
        (IMG + LOOP.replace("body +=", "body =") + RETURN, "no <img>"),
        (IMG + LOOP.replace("    body", "    rest") + RETURN, "variable 'rest'"),
        (IMG + RETURN, "facts are missing"),
        (IMG + LOOP + "body += '<p>Made by me</p>'\n" + RETURN, "nothing more"),
        (IMG + "body = ''\n" + LOOP + RETURN, "no <img>"),
        (IMG + "body += body\n" + LOOP + RETURN, "must have <h2>"),
        # the alt text
        (IMG.replace("alt=\"' + html.escape(alt) + '\"", "alt=' + \"'\" + alt + \"'\" + '") + LOOP +
         RETURN, "ends at the first quote or apostrophe"),
        (IMG.replace("html.escape(alt)", "alt") + LOOP + RETURN, "ends at the first quote"),
        (IMG.replace("escape(alt)", "escape(alt, quote=False)") + LOOP + RETURN,
         "ends at the first quote"),
        (IMG.replace("escape(alt)", "escape(html.escape(alt))") + LOOP + RETURN,
         "alt text is escaped twice"),
        (IMG.replace("(alt)", "(title)") + LOOP + RETURN, "alt text is the title"),
        (IMG.replace("html.escape(alt)", "'picture'") + LOOP + RETURN, "the alt text must be"),
        # escaping
        (IMG + LOOP + RETURN.replace("html.escape(title)", "title"), "The title isn't escaped"),
        (IMG + LOOP + "return PAGE.replace('<h1>{title}', '<h1>' + html.escape(title))"
         ".replace('{title}', title, 1).replace('{body}', body, 1)", "<title>.*not escaped"),
        (IMG + LOOP.replace("html.escape(text)", "text") + RETURN, "A fact's text isn't"),
        (IMG + LOOP.replace("html.escape(heading)", "heading") + RETURN, "A fact's heading isn't"),
        (IMG + LOOP.replace("html.escape", "str") + RETURN, "in `facts` isn't escaped"),
        (IMG + "facts = {html.escape(h): html.escape(t) for h, t in facts.items()}\n" + LOOP +
         RETURN, "in `facts` is escaped twice"),
        ("title = html.escape(title)\n" + IMG + LOOP + RETURN, "The title is escaped twice"),
        (IMG + LOOP + RETURN.replace("body=body", "body=html.escape(body)"), "escaped as a whole"),
        (IMG + LOOP.replace("html.escape(text)", "text.replace('<', '&lt;')") + RETURN,
         "only < is replaced"),
        (IMG + LOOP + "page = PAGE.replace('{body}', body)\n"
         "return page.format(title=html.escape(title))", "place to fill in"),
        # the picture
        (IMG.replace(".decode()", "") + LOOP + RETURN, "png is bytes"),
        ("data = base64.b64encode(png)\n"
         "body = f'<img src=\"data:image/png;base64,{data}\" alt=\"{html.escape(alt)}\">'\n" + LOOP
         + RETURN, "begin with b'"),
        (IMG.replace("b64encode(png)", "b64encode(png[:-1])") + LOOP + RETURN, "aren't the bytes"),
        (IMG.replace("b64encode", "urlsafe_b64encode") + LOOP + RETURN, "aren't base64"),
        (IMG.replace("base64.b64encode(png).decode()", "png.hex()") + LOOP + RETURN, "b64encode"),
        (IMG.replace("image/png", "image/jpeg") + LOOP + RETURN, "src begins with"),
        (IMG.replace("data:image/png;base64,", "card.png?") + LOOP + RETURN, "another file"),
        # the frame
        (IMG + LOOP + "return body", "no <title>"),
        (IMG + LOOP + "return f'<meta charset=\"utf-8\"><title>{html.escape(title)}</title>'"
         " + body", "an <h1>"),
        (IMG + LOOP + "title = html.escape(title)\n"
         "return f'<title>{title}</title><h1>{title}</h1>' + body", "charset"),
        (IMG + LOOP + "body += '<script src=\"https://x.example/a.js\"></script>'\n" + RETURN,
         "must open offline"),
        (IMG + LOOP + RETURN + ".encode()", "bytes"),
        (IMG + LOOP + "from IPython.display import HTML\n" + RETURN.replace("PAGE", "HTML(PAGE") +
         ")", "not an object"),
    ],
}  # fmt: skip
