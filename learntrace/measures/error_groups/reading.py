"""Which line of a message tells what happened, without what stands before it: places, and who says it."""

import re

# Characters that turn the direction of a text, or are not seen.
_UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# Tags of HTML in which notebooks and tools wrap their texts; "List<String>" has none of them closed.
_TAG = re.compile(r"</?(?:a|b|br|code|div|em|font|i|kbd|li|mark|p|pre|samp|small|span|strong|tt|u|ul)(?:\s[^<>]*+)?/?>")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'", "&nbsp;": " ", "&amp;": "&"}

# What stands before the message proper. Each takes one piece away, so that they are tried until none fits.
_BEFORE = re.compile(
    r"(?:"
    # Places: "main.c:5:3: ", "Main.java:12: ", "<text>:1:3: ", "a.c:(.text+0xa): ", "line 3: ", "bash: -c: line 1: "
    r"(?!\w+://)[^\s:'\"]{1,200}:\d+(?::\d+)?:\s+"
    r"|[^\s:'\"]{1,200}:\(\.\w[^\s()]*\):\s+"
    r"|(?:ba|z|da|k)?sh: (?:-c: )?(?:line \d+: )?|[^\s:'\"]{1,200}: line \d+: "
    r"|(?:File \"[^\"]*\", )?line \d+(?:, column \d+)?:\s+"
    # Who says it: "error: ", "ERROR:  ", "Uncaught ", "panic: ", "ERROR 1146 (42S02) at line 1: ", "(psycopg.errors.X) "
    r"|(?:fatal )?error(?:\[E\d+\]| TS\d+)?:\s+|ERROR:\s+|Error:\s+|Uncaught\s+|Unhandled exception\. |Exception: "
    r"|ERROR \d+ \(\w+\)(?: at line \d+)?:\s+"
    r"|\((?:\w+\.)+\w+\)\s+|LoadError: "
    # R: "Error in f(x) : ", "Error in `filter()`:", "Caused by error in `f()`:"
    r"|Error in [^\n]{1,200}? ?:(?:\s+|$)|Caused by error(?: in [^\n]{1,200}?)?:(?:\s+|$)|! "
    # Rust and Julia say it in the next line: "thread 'main' panicked at src/main.rs:3:65:", "DomainError with -1.0:"
    r"|thread '[^']*' (?:\(\d+\) )?panicked at [^\s']+:$|\w+ with [^\s:]+:$"
    r")"
)
# A line of a report that tells nothing of the error itself.
_EMPTY_LINE = re.compile(
    r"# \S+|[\s^~\-=|.*_]*|Traceback \(most recent call last\):|[\u2139\u2716\u2714\u2192\u2022].*"
)
_OLD_PANIC = re.compile(r"thread '[^']*' panicked at '(?P<said>.*)', \S+")
_TUPLE = re.compile(r"\(\d+, (?P<quote>['\"])(?P<said>.*)(?P=quote)\)")
_MOST_BEFORE = 6


def read_line(kind: str, message: str) -> str:
    """Return the line of a clean message that tells what happened; the first one if none does, "" if it is blank.

    `kind` is the error's type, which some tools repeat before the message.
    """
    lines = [stripped for line in _plain(message).split("\n") if (stripped := line.strip())]
    for line in lines:
        if _EMPTY_LINE.fullmatch(line) is None and (told := _told(kind, line)):
            return told
    return lines[0] if lines and lines[0] != f"{kind}:" else ""


def _plain(text: str) -> str:
    text = _UNSEEN.sub("", text)
    if "</" in text or "<br" in text:
        text = _TAG.sub("", text)
        for entity, character in _ENTITIES.items():
            text = text.replace(entity, character)
    return text


def _told(kind: str, line: str) -> str:
    for _ in range(_MOST_BEFORE):
        rest = f"{line} ".removeprefix(f"{kind}: ").strip() if kind else line
        rest = _BEFORE.sub("", rest, count=1) if _BEFORE.match(rest) else rest
        if rest == line:
            break
        line = rest.lstrip()
    wrapped = _OLD_PANIC.fullmatch(line) or _TUPLE.fullmatch(line)
    return wrapped["said"] if wrapped else line
