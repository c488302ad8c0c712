"""README's table of metrics, made from the catalogue: `make readme` writes it anew."""

from pathlib import Path
from typing import Final

from service.metrics.catalogue import CATALOGUE
from service.metrics.metric import Metric

README: Final = Path(__file__).parents[2] / "README.md"
BEGIN: Final = "<!-- metrics: written by `make readme` -->\n"
END: Final = "<!-- end of metrics -->\n"


def table() -> str:
    """Give the table in Markdown."""
    head = "| metric | unit | workers | meaning | what to do |\n|---|---|---|---|---|\n"
    return head + "".join(map(_row, CATALOGUE))


def with_table(readme: str) -> str:
    """Give the text of README with the table as it should be."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


def _row(metric: Metric) -> str:
    labels = f"{{{','.join(metric.labels)}}}" if metric.labels else ""
    name = f"`{metric.full_name}{labels}`"
    cells = (name, metric.unit, metric.together, metric.meaning, metric.to_do)
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
