"""Give a learner's folder what the hub hands out: the lessons that aren't there yet, and custom.js for Classic Notebook.

Runs as the learner (the hub starts it under that account), so that nothing in the folder, a symbolic link for instance, can
make the hub write elsewhere. What the learner has changed stays; only custom.js, which is the hub's, is renewed.
"""

import argparse
from pathlib import Path


def hand_out(lessons: Path, home: Path) -> None:
    """Copy the notebooks and what lies beside them, file by file, without touching a file that exists."""
    for source in sorted(path for path in lessons.rglob("*") if path.is_file()):
        target = home / source.relative_to(lessons)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as file:
                file.write(source.read_bytes())
        except FileExistsError:
            continue


def renew(custom: Path, config: Path) -> None:
    """Put custom.js, with the course's own course.js behind it, into Classic's configuration folder."""
    folder = config / "custom"
    folder.mkdir(parents=True, exist_ok=True)
    text = custom.read_text(encoding="utf-8")
    course = custom.with_name("course.js")
    if course.exists():
        text += "\n" + course.read_text(encoding="utf-8")
    (folder / "custom.js").write_text(text, encoding="utf-8")


def main() -> None:
    """Read the command line and do both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--lessons", type=Path)
    parser.add_argument("--custom", type=Path, help="custom.js")
    parser.add_argument("--config", type=Path, help="Classic's configuration folder")
    chosen = parser.parse_args()
    chosen.home.mkdir(parents=True, exist_ok=True)
    if chosen.lessons:
        hand_out(chosen.lessons, chosen.home)
    if chosen.custom and chosen.config:
        renew(chosen.custom, chosen.config)


if __name__ == "__main__":
    main()
