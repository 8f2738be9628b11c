"""What every error message of the course must be: a sentence or two that a learner can read."""

from __future__ import annotations

import re

LONGEST = 500  # characters: six lines in a terminal
FOREIGN = re.compile(r"\n|\x1b|in user code|Traceback|<class|object at 0x|KerasTensor|tf\.Tensor")
"""What comes from a library's own errors: traces, colours, addresses, symbolic tensors."""


def sentence(caught, longest: int = LONGEST) -> str:
    """Return a message after checking its style. It takes what `pytest.raises` gives, or a text."""
    message = str(getattr(caught, "value", caught))
    assert 20 < len(message) < longest, message
    assert not FOREIGN.search(message), message
    assert message.rstrip()[-1] in ".?)", message
    return message
