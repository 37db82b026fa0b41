"""Descriptions may be written in Markdown or with a few tags; whatever else is in them is harmless."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from envspawner.hub.markup import described

SAFE = frozenset(
    ["a", "b", "br", "code", "em", "i", "kbd", "li", "ol", "p", "s", "small", "strong", "sub", "sup", "ul"]
)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("One T4.", "One T4."),
        (
            "**More** than *that*, see `top`.",
            "<strong>More</strong> than <em>that</em>, see <code>top</code>.",
        ),
        ("<b>More</b> than H<sub>2</sub>O", "<b>More</b> than H<sub>2</sub>O"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
        ("my_file_name", "my_file_name"),
        ("# Not a heading", "# Not a heading"),
        ("[x](https://example.org)", '<a href="https://example.org" rel="noopener noreferrer">x</a>'),
        (
            '<a href="mailto:a@b.c" onclick="x()">m</a>',
            '<a href="mailto:a@b.c" rel="noopener noreferrer">m</a>',
        ),
    ],
)
def test_it_is_read_as_people_mean_it(text: str, html: str) -> None:
    assert described(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/x.png)",
        "[x](javascript:alert(1))",
        '<a href="data:text/html,x">x</a>',
        '<p style="position:fixed">x</p>',
        "<iframe src=//evil.example></iframe>",
        "<form action=//evil.example><input name=profile></form>",
        "</div></form><h1>x</h1>",
        '<div id="env-form" class="alert">x</div>',
        "<svg><script>alert(1)</script></svg>",
    ],
)
def test_what_could_do_harm_is_gone(text: str) -> None:
    check(described(text))


@given(
    st.text()
    | st.from_regex(re.compile(r"(<[/!]?[a-z]{1,8}( [a-z]+=[\"']?[a-z:]*)?[\"']?>?|[*_`\[\]()&;\n ]){1,12}"))
)
def test_no_text_at_all_does_harm(text: str) -> None:
    check(described(text))


def check(html: str) -> None:
    for tag in BeautifulSoup(html, "html.parser").find_all(True):
        assert tag.name in SAFE
        assert set(tag.attrs) <= ({"href", "rel"} if tag.name == "a" else set())
        assert not re.match(r"\s*(javascript|data|vbscript):", str(tag.get("href", "")), re.IGNORECASE)
