"""`learntrace backup-key FILE` and `learntrace decrypt-backup FILE OUT`: keys of backups, in the format of age.

The public key stays on the server, the secret one doesn't: a thief of the server or of its backups reads no backup. The `age`
program reads and writes the same files.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import pyrage
from pyrage import x25519


def recipients(keys: Iterable[str]) -> list[x25519.Recipient]:
    """Return public keys that a backup can be encrypted for. Raises ValueError, which names what is none."""
    found = []
    for key in keys:
        try:
            found.append(x25519.Recipient.from_str(key))
        except pyrage.RecipientError:
            raise ValueError(f"{key!r} is no public key such as `learntrace backup-key` makes (age1...)") from None
    return found


def make_key(argv: list[str]) -> int:
    """Make a key: its secret part into a file, its public part printed."""
    parser = argparse.ArgumentParser(
        prog="learntrace backup-key",
        description="Make a key for backups: the secret part goes into a file, the public part is printed.",
    )
    parser.add_argument("file", type=Path, help="where to write the secret key; keep it away from the server")
    chosen = parser.parse_args(argv)
    identity = x25519.Identity.generate()
    try:
        chosen.file.touch(mode=0o600, exist_ok=False)
        chosen.file.write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    except OSError as error:
        print(f"learntrace backup-key: {chosen.file} can't be written: {error.strerror}", file=sys.stderr)
        return 1
    print(identity.to_public())
    print(
        f"Set LEARNTRACE_BACKUP_KEYS to this public key. Keep {chosen.file} away from the server, in two places: "
        "without it nobody can read the backups.",
        file=sys.stderr,
    )
    return 0


def decrypt(argv: list[str]) -> int:
    """Decrypt a backup; the file appears only when it is complete."""
    parser = argparse.ArgumentParser(
        prog="learntrace decrypt-backup", description="Make a file for pg_restore from an encrypted backup."
    )
    parser.add_argument("file", type=Path, help="the encrypted backup")
    parser.add_argument("out", type=Path, help="where to write the backup; it must not exist yet")
    parser.add_argument("--key", type=Path, required=True, help="the file with the secret key")
    chosen = parser.parse_args(argv)
    if chosen.out.exists():
        print(f"learntrace decrypt-backup: {chosen.out} exists", file=sys.stderr)
        return 1
    partial = chosen.out.with_name(chosen.out.name + ".part")
    try:
        partial.touch(mode=0o600)
        pyrage.decrypt_file(str(chosen.file), str(partial), _identities(chosen.key))
        partial.replace(chosen.out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        where = error.filename or chosen.file
        print(f"learntrace decrypt-backup: {where}: {error.strerror or error}", file=sys.stderr)
        return 1
    except (pyrage.DecryptError, pyrage.IdentityError) as error:
        partial.unlink(missing_ok=True)
        print(
            f"learntrace decrypt-backup: {chosen.file} can't be decrypted with {chosen.key}: {error}", file=sys.stderr
        )
        return 1
    print(chosen.out)
    return 0


def _identities(path: Path) -> list[x25519.Identity]:
    lines = path.read_text().splitlines()
    return [x25519.Identity.from_str(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
