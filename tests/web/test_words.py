"""What the page says of one is said in the singular."""

import re
from pathlib import Path

import pytest

import ncenet

NOUNS = "answers|batches|boxes|classes|copies|images|labels|models|people|pictures"
SCRIPTS = sorted((Path(ncenet.__file__).parent / "web/static").glob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_number_is_written_with_its_noun_by_counted(script):
    said = re.findall(
        rf"\$\{{(?!MOST)[^{{}}]*\}} (?:[a-z-]+ )?(?:{NOUNS})\b", script.read_text(encoding="utf-8")
    )
    assert not said, "of one image this says 1 images"
