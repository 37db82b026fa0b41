"""Makes HTML of what admins write about a profile: Markdown, or a few harmless tags; everything else is text."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS: Final = {
    "a",
    "b",
    "br",
    "code",
    "em",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "s",
    "small",
    "strong",
    "sub",
    "sup",
    "ul",
}
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": True}).disable(["heading", "lheading", "image", "hr"])


@lru_cache(maxsize=4096)
def described(text: str) -> Markup:
    """The description as HTML: no scripts, no styles, no images, no addresses but those of the web and of mail.

    What is one paragraph is no paragraph of its own, so that it may stand in one.
    """
    html = _MARKDOWN.render(text).strip()
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    if clean.startswith("<p>") and clean.count("<p>") == 1 and clean.endswith("</p>"):
        clean = clean[3:-4]
    return Markup(clean)
