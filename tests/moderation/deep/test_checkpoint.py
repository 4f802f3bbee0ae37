"""Checkpoints in Detoxify's own format, loaded without the network: what is read, and what is refused."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import detoxify
import pytest
import torch
import transformers

from moderation.deep.checkpoint import CheckpointError, load, read
from moderation.deep.scorer import Scorer
from tests.moderation.deep.checkpoint import CLASSES, SEVEN, Made, content, edited, make

torch.set_num_threads(1)
TEXTS = ["hola mesa", "you zorglub", "gracias", "¿sigue ahí la bici flarn?", "mañana 🚲", "a" * 3_000]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A checkpoint that knows rude words, with a folder's path in it."""
    return make(tmp_path_factory.mktemp("made"))


def test_the_model_scores_as_detoxify_itself_does(made: Made) -> None:
    loaded = load(str(made.path))
    theirs = detoxify.Detoxify(checkpoint=str(made.path), device="cpu")
    expected = theirs.predict(TEXTS)
    assert list(expected) == list(loaded.classes)
    tokens = Scorer(loaded, "cpu").tokens(TEXTS)
    with torch.inference_mode():
        for n, ids in enumerate(tokens):
            assert ids == theirs.tokenizer(TEXTS[n], truncation=True)["input_ids"]
            plain = torch.sigmoid(loaded.model(input_ids=torch.tensor([ids])).logits)[0].tolist()
            assert plain == pytest.approx([expected[name][n] for name in loaded.classes], abs=1e-5)


def test_what_it_has_learned_is_what_it_says(made: Made) -> None:
    loaded = load(str(made.path))
    scorer = Scorer(loaded, "cpu")
    scores = [scorer.scores([ids])[0][0] for ids in scorer.tokens(TEXTS)]
    assert [score > 0.9 for score in scores] == [False, True, False, True, False, False]


def test_older_names_of_classes_are_brought_up_to_date(made: Made) -> None:
    assert load(str(made.path)).classes == (
        "toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack",
    )  # fmt: skip


def test_outputs_beyond_the_names_are_left_out(tmp_path: Path) -> None:
    made = make(tmp_path, classes=SEVEN, outputs=16, rounds=1)
    scorer = Scorer(load(str(made.path)), "cpu")
    assert scorer.names == SEVEN
    assert [len(scores) for scores in scorer.scores(scorer.tokens(["hola", "gracias"]))] == [7, 7]


def test_a_checkpoint_that_names_the_hub_loads_from_a_folder_without_asking_it(tmp_path: Path) -> None:
    made = make(tmp_path, hub_name="bert-base-uncased", rounds=1)
    assert load(str(made.path), str(made.folder)).classes[0] == "toxicity"
    with pytest.raises(CheckpointError, match=r"'bert-base-uncased'.*give their folder"):
        load(str(made.path))


def test_a_released_name_that_is_not_in_the_cache_is_not_fetched_when_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE"):
        load("multilingual")


def test_a_released_file_in_the_cache_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Made
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    os.link(made.path, tmp_path / "hub/checkpoints/toxic_original-c1212f89.ckpt")
    assert load("original").classes[0] == "toxicity"


@pytest.mark.parametrize(
    "missing", ["classifier.weight", "classifier.bias", "bert.encoder.layer.1.output.dense.weight"]
)
def test_a_missing_weight_is_an_error_and_no_random_number(made: Made, tmp_path: Path, missing: str) -> None:
    path = edited(made, tmp_path / "cut.ckpt", **{missing.replace(".", "__"): None})
    with pytest.raises(CheckpointError, match=f"lacks weights: {missing}"):
        load(str(path), str(made.folder))


def test_a_weight_of_another_shape_is_an_error(made: Made, tmp_path: Path) -> None:
    path = edited(made, tmp_path / "bent.ckpt", classifier__weight=torch.zeros(6, 31))
    with pytest.raises(CheckpointError, match="other shapes"):
        load(str(path), str(made.folder))


def test_position_ids_of_older_checkpoints_are_harmless(made: Made, tmp_path: Path) -> None:
    path = edited(made, tmp_path / "old.ckpt", bert__embeddings__position_ids=torch.arange(512).unsqueeze(0))
    assert load(str(path), str(made.folder)).classes[0] == "toxicity"


class _Dangerous:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("pwned",)


def test_code_in_a_checkpoint_is_not_run(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whole = torch.load(made.path, weights_only=True)
    torch.save({**whole, "extra": _Dangerous()}, tmp_path / "bad.ckpt")
    (tmp_path / "bare.ckpt").write_bytes(pickle.dumps(_Dangerous()))
    for name in ("bad.ckpt", "bare.ckpt"):
        with pytest.raises(CheckpointError, match="nothing in it was run"):
            load(str(tmp_path / name))
    # Nor when it calls itself by a released name: its hash is another.
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    (tmp_path / "bad.ckpt").rename(tmp_path / "hub/checkpoints/toxic_original-c1212f89.ckpt")
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        load("original")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("bytes_", [b"", b"PK\x03\x04 not really", b"\x80\x02garbage", b"hello"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, bytes_: bytes) -> None:
    path = tmp_path / "broken.ckpt"
    path.write_bytes(bytes_)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.ckpt: is not there"):
        read(tmp_path / "gone.ckpt")


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole.pop("config"),
        lambda whole: whole.pop("state_dict"),
        lambda whole: whole["config"]["dataset"]["args"].pop("classes"),
        lambda whole: whole["config"]["arch"]["args"].pop("model_name"),
        lambda whole: whole["config"]["arch"]["args"].update(num_classes="six"),
        lambda whole: whole["config"]["arch"]["args"].update(num_classes=5),
        lambda whole: whole["config"]["arch"]["args"].update(model_name="GPT2LMHeadModel"),
        lambda whole: whole["config"]["arch"]["args"].update(tokenizer_name="os"),
        lambda whole: whole["config"]["dataset"]["args"].update(classes=["a", "a"]),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(made: Made, tmp_path: Path, damage: object) -> None:
    whole = torch.load(made.path, weights_only=True)
    damage(whole)  # type: ignore[operator]
    torch.save(whole, tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError):
        load(str(tmp_path / "other.ckpt"), str(made.folder))


def test_a_roberta_is_cut_where_its_positions_end(tmp_path: Path, made: Made) -> None:
    """Two of RoBERTa's 514 positions are not there for tokens; one token more would end in an index error."""
    config = transformers.RobertaConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=66, num_labels=6, pad_token_id=1,
    )  # fmt: skip
    model = transformers.RobertaForSequenceClassification(config)
    whole = content(model, CLASSES, str(tmp_path))
    whole["config"]["arch"]["args"]["tokenizer_name"] = "BertTokenizer"
    torch.save(whole, tmp_path / "roberta.ckpt")
    config.save_pretrained(tmp_path)
    for file in made.folder.iterdir():
        if file.name != "config.json":
            os.link(file, tmp_path / file.name)
    loaded = load(str(tmp_path / "roberta.ckpt"))
    assert loaded.longest == 64
    scorer = Scorer(loaded, "cpu")
    (ids,) = scorer.tokens(["hola " * 200])
    assert len(ids) == 64
    assert len(scorer.scores([ids])[0]) == 6
