"""Everything people read is in the English that a native-speaking teacher would write.

CONTRIBUTING.md has a page of word choices. These patterns are typical of translated sentences.
"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RATES = (
    "batch|call|cell|channel|class|exercise|figure|file|image|input|layer|lesson|line|map|method|"
    "minute|object|output|page|picture|pixel|place|point|position|process|question|row|sample|"
    "scene|second|step|student|task|value|worker"
)
PLACE = "in|on|at|below|above|beside|under|after|before|there|here|next"
WHO = r"(?:^|[.:;!?] |\) |\* |- )Who (?!are\b|is\b|was\b|were\b|will\b|would\b)\w+"
# Each pattern (small letters match capitals, too), and what to write instead.
PATTERNS = {
    "so that": "so, or two sentences",
    WHO: "if you ..., anyone who ...",
    rf"stands? (?:{PLACE})\b": "is, says",
    rf"stood (?:{PLACE})\b": "was, said",
    r"(?:lies|lie) (?:beside|there|here|in a|in the|in this|in its)\b": "is",
    r"tells? (?:whether|how|what|which|where|why|more|less|in)\b": "says, tells you",
    rf"(?:one|two|three|a|an|each) (?!in\b|from\b|draws\b)\w+ (?:a|an) (?:{RATES})\b": "per ...",
    r"(?:is|are) (?-i:none)\b": "isn't one, there are none",
    "be it that": "whether",
    r"but for (?:a constant|rounding|one|what)\b": "except for",
    r"one (?:can|cannot|can't|must|may|should|has to|needs to|could|would)\b": "you",
    "let expect": "suggested",
    r"shall\b": "must, will",
    "nothing of it": "none of this",
    "what for": "why",
    "the way gone": "the displacement",
    r"one (?:after|beside|below|above) the other": "in turn, side by side",
    "quarter of a minute": "15 seconds",
    r"beside (?:four|other|this (?:file|folder|page))\b": "next to, on top of, compared with",
    r"some (?:seconds|minutes|hundred|per cent)\b": "a few",
    r"of one's own\b": "your own, custom",
    r"(?:for|from) who\b": "for people who",
    r"be had\b": "is available, you can get",
    r"for ever\b": "forever",
}


def texts():
    """Yield every file that people write, and its text, but not files made from them."""
    command = ["git", "ls-files", "*.py", "*.md", "*.toml", "*.json", "*.yml", "*.in", ".ci"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    made = ("workshop/run_sheet_", "benchmarks/results/", "data/", "course_utils/checks/exercises")
    for name in listed.split():
        if name.startswith(made) or name == "tests/lessons/test_language.py":
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        if name == "CONTRIBUTING.md":  # its table of word choices quotes the patterns
            before, _, rest = text.partition("## English")
            text = before + rest.partition("\n## ")[2]
        yield name, text


def search(pattern):
    """Find a pattern, even if a sentence continues on the next line of a comment or string."""
    gap = r"(?:\s+(?:#\s+)?|[\"']\s+f?[\"'])"
    start = "" if pattern is WHO else r"\b"
    flags = 0 if pattern is WHO else re.IGNORECASE
    searched = re.compile(start + pattern.replace(" ", gap), flags)
    for name, text in texts():
        for hit in searched.finditer(text):
            line = text[: hit.start()].count("\n") + 1
            yield f"{name}:{line}: {' '.join(text[hit.start() : hit.end() + 30].split())}"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_sentence_reads_as_if_it_were_translated(pattern):
    found = list(search(pattern))
    assert not found, f"{len(found)} times; better: {PATTERNS[pattern]}\n" + "\n".join(found)


if __name__ == "__main__":  # python tests/lessons/test_language.py: how often, and where
    for pattern in PATTERNS:
        print(f"{len(list(search(pattern)))}  {pattern}", *search(pattern), sep="\n    ")
