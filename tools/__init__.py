"""Tools that make files in this repository from others, such as notebooks from their sources."""
