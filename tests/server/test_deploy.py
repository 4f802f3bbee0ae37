"""The files of deploy/ name only options, variables and metrics that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from prometheus_client import REGISTRY

import server.app  # noqa: F401 - brings all metrics
from server.cli import main

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def serve_options() -> dict[str, click.Option]:
    serve = main.commands["serve"]
    return {name: option for option in serve.params if isinstance(option, click.Option) for name in option.opts}


def variables() -> set[str]:
    return {str(option.envvar) for option in serve_options().values() if option.envvar}


def test_the_unit_starts_what_there_is() -> None:
    unit = (DEPLOY / "tertulia.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert set(re.findall(r"--[\w-]+", command)) <= serve_options().keys()
    assert set(re.findall(r"\bTERTULIA_\w+", unit)) <= variables()
    stop = int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0])
    drain = int(re.findall(r"TERTULIA_DRAIN_SECONDS=(\d+)", unit)[0])
    assert stop >= drain + 15, "a server that drains is not killed for it"


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_servers_of_the_compose_file_start_as_they_are_told(name: str) -> None:
    service = compose()["services"][name]
    command, *arguments = service["command"]
    assert command == "serve"
    assert {one for one in arguments if one.startswith("--")} <= serve_options().keys()
    assert service["environment"].keys() <= variables()
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    with main.commands["serve"].make_context("serve", [*arguments], auto_envvar_prefix=None):
        pass  # raises where an option does not take what it is given


def test_what_the_compose_file_mounts_and_waits_for_is_there() -> None:
    services = compose()["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in compose()["volumes"]
    balanced = set(re.findall(r"^\s*server (\w+):8000", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE))
    assert balanced == {name for name, service in services.items() if "build" in service}


def test_the_image_runs_what_there_is() -> None:
    image = (DEPLOY / "Dockerfile").read_text()
    assert set(re.findall(r"\bTERTULIA_\w+", image)) <= variables()
    assert 'CMD ["serve"]' in image
    assert "/health/live" in image


def test_alerts_ask_for_metrics_that_there_are() -> None:
    known = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    known |= {f"{family.name}_total" for family in REGISTRY.collect() if family.type == "counter"}
    known |= {f"{family.name}_bucket" for family in REGISTRY.collect() if family.type == "histogram"}
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
    operate = (DEPLOY.parent / "docs" / "operate.md").read_text()
    for rule in rules:
        asked = set(re.findall(r"\btertulia_\w+", rule["expr"]))
        assert asked <= known, rule["alert"]
        assert rule["annotations"]["summary"]
        for name in asked:
            assert re.sub(r"_bucket$", "", name) in operate, "what it means is told"
