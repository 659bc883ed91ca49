# SPDX-License-Identifier: Apache-2.0
"""Templates, model cards and static files: all that turns into bytes for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from modelward import __version__
from modelward.digest import sha256_hex
from modelward.entrances.console import facts, figures

_HERE = Path(__file__).parent
_DEEPEST = 6


class Drawn:
    """Draws templates; one for all visits."""

    def __init__(self) -> None:
        self.static = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir())}
        self._versions = {name: sha256_hex(data)[:12] for name, data in self.static.items()}
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.globals |= {"static": self.address, "version": __version__}
        self.templates.filters |= {
            "figure": figures.figure,
            "quantity": figures.quantity,
            "interval": figures.interval,
            "asked": figures.asked,
            "size": figures.size,
            "minute": figures.minute,
            "second": figures.second,
            "iso": figures.iso,
            "fact": facts.fact,
            "shape": facts.shape,
            "spoken": facts.spoken,
            "at_second": facts.at_second,
        }
        # Raw HTML in a card stays text; links and pictures, which could load or lead elsewhere, stay text too.
        self._cards = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
        self._cards.add_render_rule("table_open", _open_table)
        self._cards.add_render_rule("table_close", _close_table)

    def draw(self, name: str, **shown: Any) -> str:
        """The template called `name`, filled."""
        return self.templates.get_template(name).render(**shown)

    def address(self, name: str) -> str:
        """Where a static file is; the address changes with the file, so that browsers may keep it for ever."""
        return f"/console/static/{name}?v={self._versions[name]}"

    def is_current(self, name: str, version: str) -> bool:
        """Whether `version` is what `address` says of the file."""
        return self._versions[name] == version

    def card(self, text: str) -> Markup:
        """A model card as safe HTML below the headings of a page; its own title, which the page has, is left out."""
        _, _, body = text.partition("\n---\n") if text.startswith("---\n") else ("", "", text)
        tokens = _demoted(self._cards.parse(body))
        return Markup(self._cards.renderer.render(tokens, self._cards.options, {}))  # noqa: S704  # the renderer escapes


def _demoted(tokens: list[Token]) -> list[Token]:
    """Headings two steps down; those of the first level, and what is in them, are left out."""
    kept: list[Token] = []
    is_title = False
    for token in tokens:
        if token.type == "heading_open" and token.tag == "h1":
            is_title = True
        if not is_title:
            if token.type in {"heading_open", "heading_close"}:
                token.tag = f"h{min(int(token.tag[1]) + 1, _DEEPEST)}"
            kept.append(token)
        if token.type == "heading_close":
            is_title = False
    return kept


def _open_table(_self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: Any, _environment: Any) -> str:
    return '<div class="scroll" tabindex="0"><table>\n'


def _close_table(_self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: Any, _environment: Any) -> str:
    return "</table></div>\n"
