"""Take the pictures of README.md out of the report of the simulated city.

python docs/pictures.py [studies/simulated-city/report.html]
"""

import sys
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

#: How the text that stands for a picture in the report begins, and the file it goes to.
PICTURES = {
    "Map of 400 districts in nine colours": "bivariate.png",
    "Intervals of the effects": "effects.png",
}


class Pictures(HTMLParser):
    """PNG images of a page, by the beginning of their alternative text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, bytes] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an image that is wanted."""
        given = dict(attrs)
        for beginning, name in PICTURES.items():
            if tag == "img" and (given.get("alt") or "").startswith(beginning):
                self.found[name] = b64decode((given.get("src") or "").removeprefix("data:image/png;base64,"))


def main(report: Path) -> None:
    """Write the pictures to docs/images."""
    parser = Pictures()
    parser.feed(report.read_text(encoding="utf-8"))
    if missing := sorted(set(PICTURES.values()) - set(parser.found)):
        sys.exit(f"{report} has no picture for {', '.join(missing)}: is it the report of `make study`?")
    folder = Path(__file__).with_name("images")
    folder.mkdir(exist_ok=True)
    for name, image in parser.found.items():
        (folder / name).write_bytes(image)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "studies/simulated-city/report.html"))
