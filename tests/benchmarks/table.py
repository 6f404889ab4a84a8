"""A table for a terminal."""

from collections.abc import Sequence


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column to the left, the numbers to the right."""
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]
    for line in (header, ["-" * width for width in widths], *rows):
        first, *others = [(cell, width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join([first[0].ljust(first[1]), *[cell.rjust(width) for cell, width in others]]).rstrip())
