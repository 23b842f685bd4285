"""What a tag looks like in the text, and what `untag` leaves: the rules that docs/how-to/tag-notebooks.md gives."""

import json

import pytest
from jupyter_learntrace.authoring.notebook_text.edit import Style, with_tag, with_tag_replaced, without_tag

LINES = Style(line_break="\n", margin="   ", step=" ", colon=": ", blank=" ")
COMPACT = Style(line_break="", margin="", step=" ", colon=":", blank="")

NEW = '{\n    "tags": [\n     "t"\n    ]\n   }'


@pytest.mark.parametrize(
    ("before", "after", "style"),
    [
        ("{}", NEW, LINES),
        ("{ }", '{ "tags": ["t"]}', LINES),
        ("{}", '{"tags":["t"]}', COMPACT),
        # An empty list that was there is told from a new one.
        ('{\n    "tags": []\n   }', '{\n    "tags": ["t"]\n   }', LINES),
        ('{"tags":[]}', '{"tags":["t" ]}', COMPACT),
        ('{"tags":[ ]}', '{"tags":[ "t"]}', COMPACT),
        # At the end of a list, as its other elements stand.
        ('{"tags": ["a", "b"]}', '{"tags": ["a", "b", "t"]}', LINES),
        ('{"tags": ["a"]}', '{"tags": ["a", "t"]}', LINES),
        ('{"tags":["a"]}', '{"tags":["a","t"]}', COMPACT),
        ('{"tags": [\n     "a"\n    ]}', '{"tags": [\n     "a",\n     "t"\n    ]}', LINES),
        # Among other keys: in their order if they have one, else behind them.
        ('{"a": 1, "z": 2}', '{"a": 1, "tags": ["t"], "z": 2}', LINES),
        ('{"z": 1}', '{"tags": ["t"], "z": 1}', LINES),
        ('{"z": 1, "a": 2}', '{"z": 1, "a": 2, "tags": ["t"]}', LINES),
        ('{\n    "a": 1\n   }', '{\n    "a": 1,\n    "tags": [\n     "t"\n    ]\n   }', LINES),
    ],
)
def test_where_and_how_a_tag_is_written_and_that_it_goes_without_a_trace(before: str, after: str, style: Style) -> None:
    assert with_tag(before, "t", style) == after
    assert without_tag(after, "t", style) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"tags": ["t", "a"]}', '{"tags": ["a"]}'),
        ('{"tags": ["a", "t", "b"]}', '{"tags": ["a", "b"]}'),
        ('{"tags": ["\\u0074"]}', "{}"),
        ('{"tags": [ "t" ]}', '{"tags": [  ]}'),
        ('{\n    "tags": ["t"]\n   }', '{\n    "tags": []\n   }'),
        ('{"a": {"tags": ["t"]}}', '{"a": {"tags": ["t"]}}'),
        ("{}", "{}"),
        ('{"tags": ["t", "a", "t", "t"]}', '{"tags": ["a"]}'),
        ('{"a": 1, "tags": ["t", "t"]}', '{"a": 1}'),
    ],
)
def test_untag_by_hand_or_by_others_written_lists(before: str, after: str) -> None:
    assert without_tag(before, "t", LINES) == after


def test_another_tag_takes_the_place_and_a_double_goes() -> None:
    assert with_tag_replaced('{"tags": ["a", "t", "b"]}', "t", "u") == '{"tags": ["a", "u", "b"]}'
    assert json.loads(with_tag_replaced('{"tags": ["a", "t", "u"]}', "t", "u")) == {"tags": ["a", "u"]}
    assert with_tag_replaced('{"tags": ["a"]}', "t", "u") == '{"tags": ["a"]}'
    assert with_tag_replaced('{"tags": ["t", "a", "t"]}', "t", "u") == '{"tags": ["u", "a"]}'
