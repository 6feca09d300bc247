"""Builds the HTML page: one file that loads nothing, fit for paper. Knows no run, only text and figures."""

import base64
import html
import io
import re

import matplotlib.pyplot as plt

CSS = """
:root { color-scheme: light; }
body {
  font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #222; background: #fff;
  max-width: 58rem; margin: 2rem auto; padding: 0 1.2rem;
}
h1 { font-size: 1.7rem; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .4rem; border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
.origin, .note { color: #5a5a5a; font-size: .88rem; }
.headline {
  font-size: 1.12rem; background: #f2f6fa; border-left: 4px solid #0072b2; padding: .7rem 1rem;
  margin: 1rem 0;
}
.problem { background: #fff6e5; border-left: 4px solid #e69f00; padding: .4rem 1rem; margin: .6rem 0; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td {
  text-align: left; padding: .22rem 1.4rem .22rem 0; border-bottom: 1px solid #eee;
  vertical-align: top;
}
thead th { border-bottom: 2px solid #bbb; }
td.number, th.number { text-align: right; white-space: nowrap; }
tbody th { font-weight: normal; }
.wide { overflow-x: auto; }
td.note { font-size: .85rem; }
.side { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start; }
tr { break-inside: avoid; }
figure { margin: 0; break-inside: avoid; }
figure img { width: 100%; height: auto; }
figcaption { margin: .1rem 0 .5rem; }
.dense { font-size: .84rem; }
.dense th, .dense td { padding-right: .8rem; }
.dense tbody th { white-space: nowrap; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin-left: 1.2rem; }
pre {
  background: #f6f6f6; padding: .8rem; overflow-x: auto; font-size: .82rem; line-height: 1.35;
  white-space: pre-wrap;
}
@media print {
  body { max-width: none; margin: 0; font-size: 11pt; }
  h2 { break-after: avoid; }
  section { break-inside: avoid; }
}
"""

PATH = re.compile(rb' d="[^"]*"')
LONG_FRACTION = re.compile(rb"(\.\d\d)\d+")  # a hundredth of a point is plenty


def text(words):
    return html.escape(str(words))


def paragraph(words, kind=None):
    return f'<p class="{kind}">{text(words)}</p>' if kind else f"<p>{text(words)}</p>"


def section(title, *parts):
    return f"<section><h2>{text(title)}</h2>\n" + "\n".join(parts) + "</section>"


def table(rows, head=(), numbers=()):
    """Rows of text; a row's first cell is its heading, the columns in `numbers` are aligned right."""

    def cells(row):
        first, *others = row
        return f"<th>{text(first)}</th>" + "".join(
            f'<td{" class=number" if index in numbers else " class=note"}>{text(cell)}</td>'
            for index, cell in enumerate(others, 1)
        )

    top = "".join(
        f'<th{" class=number" if index in numbers else ""}>{text(cell)}</th>'
        for index, cell in enumerate(head)
    )
    body = "".join(f"<tr>{cells(row)}</tr>\n" for row in rows)
    head_html = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f'<div class="wide"><table>{head_html}<tbody>{body}</tbody></table></div>'


def picture(title, drawing, folder):
    """Saves the figure as a PNG in `folder`, closes it, and returns it as inlined SVG with its reading."""
    # The mark tells a later run that the picture may be moved with its results.
    drawing.figure.savefig(folder / f"{drawing.name}.png", metadata={"Software": "Megaweave report"})
    vector = io.BytesIO()
    drawing.figure.savefig(vector, format="svg", metadata={"Date": None})
    plt.close(drawing.figure)
    data = PATH.sub(lambda path: LONG_FRACTION.sub(rb"\1", path[0]), vector.getvalue())
    source = "data:image/svg+xml;base64," + base64.b64encode(data).decode()
    return (
        f'<figure><figcaption>{text(drawing.reading)}</figcaption><img alt="{text(title)}"'
        f' src="{source}"></figure>'
    )


def side_by_side(*parts):
    return '<div class="side">' + "\n".join(parts) + "</div>"


def folded(title, content):
    return f"<details><summary>{text(title)}</summary><pre>{text(content)}</pre></details>"


def dense(content):
    return f"<div class=dense>{content}</div>"


def definitions(pairs):
    return "<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{text(words)}</dd>" for name, words in pairs) + "</dl>"


def document(title, parts):
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport"'
        f' content="width=device-width"><title>{text(title)}</title><style>{CSS}</style></head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )
