"""Time-based one-time passwords (RFC 6238, with SHA-1, 6 digits and 30 seconds, which every app knows). Pure functions."""

import base64
import hashlib
import hmac
import secrets
import struct
from typing import Final
from urllib.parse import quote, urlencode

STEP_SECONDS: Final = 30
DIGITS: Final = 6
# A phone's clock may be ahead or behind by a step, and a code takes time to type.
TOLERANCE: Final = 1


def new_secret() -> str:
    """Return a secret of 160 random bits, in base32 as apps read it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def step_at(moment: float) -> int:
    """Return the number of the step at a time (seconds since 1970)."""
    return int(moment // STEP_SECONDS)


def code_at(secret: str, step: int) -> str:
    """Return the code of a step (RFC 4226, 5.3).

    Raises ValueError without a secret: anybody could compute the codes of an empty one.
    """
    if not secret:
        raise ValueError("no secret")
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    number: int = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: str, code: str, moment: float) -> int | None:
    """Return the step whose code this is, near a time; None for a wrong code."""
    code = "".join(code.split())
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS):
        return None
    now = step_at(moment)
    steps = [now + offset for offset in range(-TOLERANCE, TOLERANCE + 1)]
    # All are compared, so that the time tells nothing.
    right = [step for step in steps if step >= 0 and hmac.compare_digest(code_at(secret, step), code)]
    return right[-1] if right else None


def address_of(secret: str, account: str) -> str:
    """Return the address that apps read from a QR code."""
    query = urlencode({"secret": secret, "issuer": "Learntrace", "digits": DIGITS, "period": STEP_SECONDS})
    return f"otpauth://totp/{quote(f'Learntrace:{account}')}?{query}"
