"""The bundled fonts draw whatever an official form may say."""

import unicodedata
from importlib.resources import files
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

FONTS = Path(str(files("hub.papers") / "fonts"))
VOWELS = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
"""none, huyền, sắc, ngã, hỏi, nặng"""
PUNCTUATION = " !\"#%&'()*+,-./:;<=>?@[]_{|}~…–—‘’“”«»·•→□§°½×±₫\u00a0"


def vietnamese() -> set[str]:
    """Every letter of the Vietnamese alphabet with every tone, small and capital, and those of foreign names."""
    small = {unicodedata.normalize("NFC", vowel + tone) for vowel in VOWELS for tone in TONES}
    small |= set("abcdefghijklmnopqrstuvwxyzđ")
    return small | {letter.upper() for letter in small}


def test_the_vietnamese_letters_are_all_counted() -> None:
    beyond_ascii = {letter for letter in vietnamese() if not letter.isascii()}
    assert len(beyond_ascii) == 134
    assert all(len(letter) == 1 for letter in beyond_ascii)


@pytest.mark.parametrize("file", sorted(FONTS.glob("*.ttf")), ids=lambda path: path.stem)
def test_a_bundled_font_has_every_vietnamese_letter_digit_and_sign(file: Path) -> None:
    with TTFont(file) as font:
        drawn = {chr(point) for point in font.getBestCmap()}
    assert vietnamese() | set("0123456789") | set(PUNCTUATION) <= drawn


def test_the_fonts_bring_their_licence_and_stay_small() -> None:
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "LICENSE-OFL.txt").read_text("utf-8")
    assert {path.name for path in FONTS.glob("*.ttf")} == {
        f"LiberationSerif-{face}.ttf" for face in ("Regular", "Bold", "Italic")
    }
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 2_000_000
