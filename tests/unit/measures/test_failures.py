from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from learntrace.measures.activity import Failure
from learntrace.measures.failures import FAILED, MAX_LENGTH, UNKNOWN, clean, from_result, from_stderr, headline

# Pieces that cleaning looks for, whole and in parts, so that hypothesis joins them into new ones.
PIECES = st.sampled_from(
    ["\x1b[", "31m", "\x1b[0m", "0x", "7f3a9c0d1e20", " at ", "/tmp/", "tmpab12cd34", "ipykernel_", "12/34.py", "(", ")",
     ", line 3", " on line 3", "(detected at line 1)", "<ipython-input-3-", "ab12>", "Cell In[3]", "\n", "    ^", " ", "\t",
     "'", "error: ", "Main.java:3: ", "Error", "TypeError: ", "Traceback (most recent call last):\n", "\x00", "\ud800"]
)  # fmt: skip
TEXTS = (
    st.text()
    | st.lists(PIECES | st.text(max_size=5)).map("".join)
    | st.lists(PIECES).map(lambda some: "".join(some * 40))
)
NAMES = st.sampled_from(["SyntaxError", "NameError", ""]) | TEXTS
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "value", "x"]), inner),
    max_leaves=8,
)
RESULTS = st.fixed_dictionaries(
    {}, optional={"outcome": st.just("error") | JSON, "errors": JSON, "error_name": JSON, "error_value": JSON}
)


@pytest.mark.parametrize(
    ("name", "first", "second", "cleaned"),
    [
        ("SyntaxError", "invalid syntax (1296695335.py, line 1)", "invalid syntax (40.py, line 7)", "invalid syntax"),
        (
            "SyntaxError",
            "invalid syntax (<ipython-input-3-0bd1f2c3d4e5>, line 2)",
            "invalid syntax (<ipython-input-14-ffd1f2c3d4e5>, line 2)",
            "invalid syntax",
        ),
        (
            "IndentationError",
            "expected an indented block after 'for' statement on line 1 (1.py, line 2)",
            "expected an indented block after 'for' statement on line 4 (2.py, line 5)",
            "expected an indented block after 'for' statement",
        ),
        (
            "SyntaxError",
            "unterminated string literal (detected at line 1) (3.py, line 1)",
            "unterminated string literal (detected at line 9) (4.py, line 9)",
            "unterminated string literal",
        ),
        (
            "AttributeError",
            "<__main__.Dog object at 0x7f3a9c0d1e20> has no attribute 'bark'",
            "<__main__.Dog object at 0x7f3a9c0d1f90> has no attribute 'bark'",
            "<__main__.Dog object> has no attribute 'bark'",
        ),
        (
            "FileNotFoundError",
            "[Errno 2] No such file or directory: '/tmp/tmpab12cd34/data.csv'",
            "[Errno 2] No such file or directory: '/tmp/tmpzz98yy_1/data.csv'",
            "[Errno 2] No such file or directory: 'data.csv'",
        ),
        (
            "ImportError",
            "cannot import 'a' from '/tmp/ipykernel_12/345.py'",
            "cannot import 'a' from '/tmp/ipykernel_678/9.py'",
            "cannot import 'a' from ''",
        ),
        ("NameError", "\x1b[0;31mname 'x'\x1b[0m  is not\tdefined", "name 'x' is not defined\n", "name 'x' is not defined"),
    ],
)  # fmt: skip
def test_what_changes_from_run_to_run_is_taken_away(name: str, first: str, second: str, cleaned: str) -> None:
    assert clean(name, first) == clean(name, second) == Failure(name, cleaned)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NameError", "name 'tmp_counter1' is not defined"),
        ("ValueError", "invalid literal for int() with base 10: '0x123456789'"),
        ("ValueError", "invalid literal for int() with base 10: '0xff'"),
        ("JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/home/ada/tmp/data.csv'"),
        ("KeyError", "'a'"),
        ("AssertionError", "wrong result on line 3"),
        ("TypeError", "f() takes 2 positional arguments but 3 were given"),
    ],
)
def test_what_tells_errors_apart_stays(name: str, message: str) -> None:
    assert clean(name, message) == Failure(name, message)


def test_an_excerpt_of_code_stays_below_the_first_line_as_it_is() -> None:
    message = " ';' expected\n        return 'yeet'\n                     ^\n1 error\n"
    failure = clean("';' expected", message)
    assert failure.message == "';' expected\n        return 'yeet'\n                     ^\n1 error"
    assert headline(failure) == "';' expected"


def test_a_name_is_one_line_and_never_empty() -> None:
    assert clean("\n ';'  expected \n  x = 1", "").name == "';' expected"
    assert clean(" \n", "boom") == Failure(UNKNOWN, "boom")


def test_what_no_database_can_hold_is_not_kept() -> None:
    assert clean("A\x00Error", "a\x00b\ud800") == Failure("AError", "ab\ufffd")


@given(NAMES, TEXTS)
@example("SyntaxError", "a" * 493 + " (b.py, line 12)")
@example("E", "\x1b[" * 30 + "m" * 30)
def test_cleaning_again_changes_nothing_and_lengths_are_limited(name: str, message: str) -> None:
    failure = clean(name, message)
    assert clean(failure.name, failure.message) == failure
    assert 0 < len(failure.name) <= MAX_LENGTH
    assert len(failure.message) <= MAX_LENGTH
    assert "\x00" not in failure.name + failure.message
    (failure.name + failure.message).encode()


def test_an_event_s_error_is_its_name_and_value() -> None:
    result = {"outcome": "error", "error_name": "NameError", "error_value": "name 'x' is not defined"}
    assert from_result(result) == (Failure("NameError", "name 'x' is not defined"),)


def test_a_compiler_s_errors_keep_their_order_and_count_once_each() -> None:
    errors = [{"name": "b", "value": "1"}, {"name": "a"}, {"name": "b", "value": " 1 "}, {"name": "b", "value": "2"}]
    result = {"outcome": "error", "errors": errors, "error_name": "first", "error_value": "ignored"}
    assert from_result(result) == (Failure("b", "1"), Failure("a"), Failure("b", "2"))


@pytest.mark.parametrize("errors", [[], None, "text", ["text", None]])
def test_an_error_without_a_list_of_errors_is_the_one_it_names(errors: list[str | None] | str | None) -> None:
    assert from_result({"outcome": "error", "errors": errors, "error_name": "KeyError"}) == (Failure("KeyError"),)


def test_an_error_that_names_nothing_is_unknown() -> None:
    assert from_result({"outcome": "error"}) == (Failure(UNKNOWN),)
    assert from_result({"outcome": "error", "error_name": 3, "error_value": ["?"]}) == (Failure(UNKNOWN),)


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        ("1", Failure("exit code 1")),
        ("127", Failure("exit code 127")),
        ("1 2", Failure(UNKNOWN, "1 2")),
        ("9" * 5000, Failure(UNKNOWN, "9" * MAX_LENGTH)),
    ],
)
def test_the_exit_code_of_a_shell_names_the_error(value: str, failure: Failure) -> None:
    assert from_result({"outcome": "error", "error_name": "", "error_value": value}) == (failure,)


@pytest.mark.parametrize("outcome", ["ok", "aborted", None, 1])
def test_only_an_error_has_failures(outcome: int | str | None) -> None:
    assert from_result({"outcome": outcome, "error_name": "NameError"}) == ()


PYTHON = """Traceback (most recent call last):
  File "/tmp/x/app.py", line 3, in <module>
    raise {raised}
{last}
"""
NODE = """/home/ada/app.js:2
console.log(x)
            ^

ReferenceError: x is not defined
    at Object.<anonymous> (/home/ada/app.js:2:13)
    at node:internal/main/run_main_module:23:47

Node.js v20.1.0
"""
JAVAC = """Main.java:3: error: ';' expected
        int x = 1
                 ^
Main.java:5: error: cannot find symbol
        y = 2;
        ^
  symbol:   variable y
Main.java:9: error: cannot find symbol
2 errors
"""
GCC = """main.c: In function 'main':
main.c:3:5: \x1b[31merror: \x1b[0m'x' undeclared (first use in this function)
main.c:4:1: warning: control reaches end
"""
JAVA = """Exception in thread "main" java.lang.NullPointerException: Cannot invoke "String.length()"
\tat Main.main(Main.java:5)
"""


@pytest.mark.parametrize(
    ("text", "failures"),
    [
        (PYTHON.format(raised="x", last="NameError: name 'x' is not defined"), [("NameError", "name 'x' is not defined")]),
        (PYTHON.format(raised="x", last="ZeroDivisionError"), [("ZeroDivisionError", "")]),
        (PYTHON.format(raised="Oops()", last="shop.Oops: no stock"), [("Oops", "no stock")]),
        (
            PYTHON.format(raised="a", last="KeyError: 'a'")
            + "\nDuring handling of the above exception, another exception occurred:\n\n"
            + PYTHON.format(raised="b", last="json.decoder.JSONDecodeError: Expecting value"),
            [("JSONDecodeError", "Expecting value")],
        ),
        ('  File "app.py", line 1\n    x =\n       ^\nSyntaxError: invalid syntax\n', [("SyntaxError", "invalid syntax")]),
        ("E       AssertionError: assert 1 == 2\n\ntest_app.py:3: AssertionError\n", [("AssertionError", "assert 1 == 2")]),
        (NODE, [("ReferenceError", "x is not defined")]),
        (NODE.replace("\n", "\r\n"), [("ReferenceError", "x is not defined")]),
        ("Uncaught TypeError [ERR_X]: bad\n", [("TypeError", "bad")]),
        (JAVAC, [("';' expected", ""), ("cannot find symbol", "")]),
        (GCC, [("'x' undeclared (first use in this function)", "")]),
        ("main.ts(3,5): error TS2304: Cannot find name 'x'.\n", [("TS2304", "Cannot find name 'x'.")]),
        (
            "error[E0425]: cannot find value `x` in this scope\nerror: aborting due to previous error\n",
            [("E0425", "cannot find value `x` in this scope")],
        ),
        (JAVA, [("NullPointerException", 'Cannot invoke "String.length()"')]),
        ("expected 3, got 4\n", [(FAILED, "")]),
        ("", [(FAILED, "")]),
    ],
)  # fmt: skip
def test_the_output_of_a_failed_run_tells_what_failed(text: str, failures: list[tuple[str, ...]]) -> None:
    assert from_stderr(text) == tuple(Failure(*failure) for failure in failures)


@given(RESULTS, TEXTS)
def test_no_result_and_no_output_breaks_it(result: dict[str, Any], text: str) -> None:
    assert bool(from_result(result)) == (result.get("outcome") == "error")
    for failure in (*from_result(result), *from_stderr(text)):
        assert failure == clean(failure.name, failure.message)
    assert from_stderr(text)
