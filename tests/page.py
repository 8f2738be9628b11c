"""HTML as a browser reads it, for the tests."""

import html.parser


class Page(html.parser.HTMLParser):
    """The elements of an HTML text, in order, as (tag, attributes)."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
