"""The pattern of a message: what varies between its variants replaced by placeholders.

'…' stands for a quoted name or text, … for a name without quotes and for a path, N for a number. Quoted signs and words of
a language's grammar are no names: "';' expected" and "'else' without 'if'" stay as they are.
"""

import re
from functools import lru_cache

from learntrace.measures.error_groups.templates import by_template

TEXT, NAME, NUMBER = "'…'", "…", "N"
# The most characters of a pattern, and of the message that it is made from.
LONGEST = 300
_MOST_READ = 500

# Each alternative ends with a character that it looks for and reads nothing twice (`*+`), so that the time is linear. A
# single quote within a word is an apostrophe. gcc and bash open with ` and close with '.
_QUOTED = re.compile(
    r"(?:(?<![^\W_])[bruBRU])?(?<![^\W_])'(?P<single>(?:[^'\\]|\\.|'(?=[^\W_]))*+)'"
    r'|(?:(?<![^\W_])[bruBRU])?"(?P<double>(?:[^"\\]|\\.)*+)"'
    r"|`(?P<back>[^`]*+)`(?!\w)|`(?P<old>[^`']*+)'"
    r"|\u2018(?P<curly>[^\u2018\u2019]*+)\u2019|[\u201c\u201e](?P<curly2>[^\u201c\u201d\u201e]*+)[\u201c\u201d]|\u00ab(?P<angle>[^\u00ab\u00bb]*+)\u00bb|\u2039(?P<angle2>[^\u2039\u203a]*+)\u203a|\u300c(?P<corner>[^\u300c\u300d]*+)\u300d",
    re.DOTALL,
)
# A text that was cut within quotes has no end.
_CUT = re.compile(r"(?<![^\W_])['\"`\u2018\u201c\u00ab][^'\"`\u2019\u201d\u00bb]*+$")

# After these words stands what was found in the code, whatever it is, and not what the grammar asks for.
_FOUND = re.compile(
    r"\b(?:before|near|after|token|found|got|identifier|keyword|argument|unexpected(?: \w+)?):? ?$", re.I
)
# Reserved words of the languages, without those that name types.
_WORDS = """
and as assert async await begin break case catch class continue def default del delete do elif else elsif end enum
except export extends extern finally fn for foreach from func function goto if impl implements import in interface is
lambda let loop macro match mod module namespace new nonlocal not of or package pass private protected public raise
record repeat require return static struct super switch template then this throw throws trait try try-catch type typedef
union unless unsafe until use using virtual where while with yield fi esac done global
"""
_GRAMMAR = frozenset(_WORDS.split())

_PATHS = (
    re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s'\"<>()]++", re.IGNORECASE),
    re.compile(r"(?<![\w….])(?:[A-Za-z]:\\|~?/|\.{1,2}/)[^\s'\"()<>:,;]++"),
    re.compile(r"(?<![\w./-])(?:[\w.@-]++/)++[\w.-]*\.\w+"),
    re.compile(
        r"(?<![\w./-])[\w-]++\.(?:c|cc|class|cpp|css|csv|db|go|h|hpp|html|ipynb|jar|java|jl|jpe?g|json|jsx|md|mjs|pdf|png|py|R|"
        r"rb|rs|sh|so|sql|sqlite3?|toml|tsv|tsx?|txt|xlsx?|xml|ya?ml|zip)\b"
    ),
)
_NUMBERS = (
    re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"),
    re.compile(r"\b(?=[a-f]*+\d)[0-9a-f]{10,}+\b"),
    re.compile(
        r"(?<![\w…])[-+]?(?:0[xX][0-9a-fA-F]++|\d[\d_]*+(?:[.,]\d++)*+(?:[eE][-+]?\d++)?+)"
        r"(?:[kKMG]i?B|ms|s|th|st|nd|rd|px|_?[iuf]\d\d?)?(?!\w)"
    ),
)

_FLAG = re.compile(r" ?\[-[WfO][\w=+-]*+\]$")
_ALSO_KNOWN = re.compile(r" ?\{aka '…'\}")
_SUGGESTION = re.compile(r"[.;,]? ?(?:\(?[Oo]r )?\(?\b[Dd]id you (?:mean|forget)\b[^\n]*$")
_TEXTS = re.compile(r"'…'(?:(?:\.|, (?:and |or )?| and | or )'…')++")
_NUMBER_LIST = re.compile(r"\bN(?:(?:, ?|:| ?[x\u00d7] ?|\.\.)N\b)++,?")
_ONE_TUPLE = re.compile(r"\(N,\)")
_AMOUNT = re.compile(
    r"\bN ((?:[a-z-]+ ){0,3}?)"
    r"(argument|byte|character|column|element|item|operand|parameter|placeholder|row|value|variable)s?\b(?! N)"
)
_WAS = re.compile(r"\bwas (given|supplied|provided|passed|found)\b")
_TOKEN = re.compile(r"(before|after) '…' token\b")
_BLANKS = re.compile(r"\s+")


# Messages differ by the code below them more often than by their lines.
@lru_cache(maxsize=4096)
def pattern_of(line: str, *, of_code: bool) -> str:
    """Return the pattern of a line, at most `LONGEST` characters; the time grows with the line at most in proportion.

    `of_code` says that the error is one of the code's grammar: then quoted signs and reserved words say what it is.
    """
    cut = len(line) >= _MOST_READ
    text = _BLANKS.sub(" ", line[:_MOST_READ]).strip().rstrip(";")
    text = _quotes(_SUGGESTION.sub("", text), of_code=of_code, cut=cut)
    text = _ALSO_KNOWN.sub("", _FLAG.sub("", text))
    text = by_template(_TOKEN.sub(r"\1 '…'", text))
    for path in _PATHS:
        text = path.sub(NAME, text)
    for number in _NUMBERS:
        text = number.sub(NUMBER, text)
    text = _ONE_TUPLE.sub("(N)", _NUMBER_LIST.sub(NUMBER, _TEXTS.sub(TEXT, text)))
    text = _WAS.sub(r"were \1", _AMOUNT.sub(r"N \1\2s", text))
    return text[:LONGEST].strip()


def _quotes(text: str, *, of_code: bool, cut: bool) -> str:
    def replaced(match: re.Match[str]) -> str:
        return _placeholder(text, match, of_code=of_code)

    text = _QUOTED.sub(replaced, text)
    return _CUT.sub(TEXT, text) if cut else text


def _placeholder(text: str, match: re.Match[str], *, of_code: bool) -> str:
    said = (match[match.lastgroup or 0] or "").strip()
    before = text[: match.start()]
    is_sign = 0 < len(said) <= 4 and said != "{}" and not any(character.isalnum() for character in said)
    if not (is_sign or (of_code and said in _GRAMMAR)) or _FOUND.search(before[-40:]):
        return TEXT
    # "could not convert string to float: '-'" tells a value, "'<' not supported between instances" a sign.
    is_value = not of_code and (match.end() == len(text) or before.rstrip().endswith(":"))
    return TEXT if is_value else f"'{said}'"
