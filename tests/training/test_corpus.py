import json
from pathlib import Path

import pytest

from moderation.classifiers.heads import LANGUAGES
from training import corpus


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["abuse", "identity", "negative", "not", "positive"])
def test_a_list_has_each_entry_once_and_a_star_only_at_the_end_of_a_stem(name: str, lang: str) -> None:
    listed = corpus.entries(name, lang)
    assert len(listed) == len(set(listed)) > 0
    assert not [entry for entry in listed if "*" in entry[:4] + entry[:-1] or ("*" in entry and " " in entry)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_plain_name_of_a_group_is_no_abuse(lang: str) -> None:
    assert not set(corpus.entries("identity", lang)) & set(corpus.entries("abuse", lang))


def test_translations_of_a_phrase_are_on_one_side_of_every_split() -> None:
    sides: dict[tuple[str, int], set[int]] = {}
    numbers: dict[tuple[str, str], int] = {}
    for line in corpus.phrases():
        if line.category in ("hate", "identity", "clean"):
            continue  # some of these stand for several lines
        number = numbers[line.category, line.lang] = numbers.get((line.category, line.lang), -1) + 1
        sides.setdefault((line.category, number), set()).add(line.fold)
    assert sides
    assert all(len(side) == 1 for side in sides.values())


def test_a_template_stands_for_one_phrase_with_each_name() -> None:
    templates = (corpus.PHRASES / "identity.es.txt").read_text("utf-8").splitlines()
    filled = [line for line in corpus.phrases() if line.category == "identity" and line.lang == "es"]
    assert len(filled) == len(templates) * len(corpus.entries("identity", "es"))
    assert not [line.text for line in filled if "{" in line.text or line.text.startswith("- ")]


def test_retweets_and_other_handles_share_a_fold(tmp_path: Path) -> None:
    row = {"label": 1, "lang": "en", "task": "toxicity", "category": "", "source": "tweets"}
    texts = [
        "you are the worst of all",
        "RT @user: you are the WORST of all!!",
        "@user you are the worst of all http://x.example",
    ]
    rows = (json.dumps({**row, "text": text}) for text in texts)
    (tmp_path / "toxicity__tweets__en.jsonl").write_text("\n".join(rows), "utf-8")
    read = [line for line in corpus.read(tmp_path) if line.source == "tweets"]
    assert len(read) == len(texts)
    assert len({line.fold for line in read}) == 1
