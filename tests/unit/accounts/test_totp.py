"""Codes of authenticator apps, against the values in RFC 6238."""

import base64

import pytest

from learntrace.accounts.second_factor import totp

# RFC 6238, appendix B: the SHA-1 secret; its codes of 8 digits end in ours of 6.
SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_specification(moment: int, code: str) -> None:
    assert totp.code_at(SECRET, totp.step_at(moment)) == code[-6:]
    assert totp.step_of(SECRET, code[-6:], moment) == totp.step_at(moment)


def test_a_clock_may_be_a_step_off_and_no_more() -> None:
    code = totp.code_at(SECRET, 1000)
    near = [step for step in range(990, 1010) if totp.step_of(SECRET, code, step * 30) == 1000]
    assert near == [999, 1000, 1001]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "12345\0"])
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert totp.step_of(SECRET, code, 59) is None


def test_a_code_may_have_blanks() -> None:
    assert totp.step_of(SECRET, "287 082", 59) == 1


def test_every_secret_is_another_one_of_160_bits() -> None:
    secrets = {totp.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}


def test_the_address_names_the_account() -> None:
    address = totp.address_of(SECRET, "ada@example.org")
    assert address.startswith("otpauth://totp/Learntrace%3Aada%40example.org?secret=")
