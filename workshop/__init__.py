"""What an instructor needs beyond the lessons. README.md in this folder says when to use what."""
