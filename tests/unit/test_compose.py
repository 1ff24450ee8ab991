"""docker-compose.yml, the Dockerfile and their example of an environment, as far as files can tell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from dotenv import dotenv_values

from keepwell.cli.app import app
from keepwell.settings import PREFIX, SECRET, Settings, unknown_variables
from tests.compose import (
    EXAMPLE,
    FILE,
    PASSWORDS,
    ROOT,
    VARIABLE,
    command,
    compose_file,
    environment,
    services,
)

ONCE = {"passwords", "databases", "temporal-schema", "temporal-namespace", "migrate", "schedules"}
LONG = {"postgres", "temporal", "temporal-ui", "worker", "serve"}
KEEPWELL = {"migrate", "schedules", "worker", "serve"}
PINNED = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?[\w.-]*")
NOT_HERE = {
    f"{PREFIX}{name}"
    for name in (
        "CHURN_RETRAIN",
        "CHURN_WINDOW_DAYS",
        "DATA_DIR",
        "DEMO_OPEN",
        "HISTORY_RETENTION_DAYS",
        "MONITOR_SECONDS",
        "PARTITION_SIZE",
        "PLAYBOOKS",
        "SECRET_KEY",
        "SLACK_URL",
        "TASK_QUEUE",
        "TEMPLATES",
        "UI_PORT",
    )
}
"""Settings that the file leaves alone: a new one has to be passed on, or named here."""
TEMPORAL_CLIENT = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}


def test_the_file_is_what_the_specification_asks_for() -> None:
    schema = json.loads((ROOT / "tests" / "data" / "compose-spec.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(compose_file())] == []
    broken = compose_file()
    broken["services"]["worker"]["healthcheck"]["tset"] = ["CMD", "true"]
    assert list(validator.iter_errors(broken)) != []


def test_every_service_is_known_and_looked_after() -> None:
    assert set(services()) == ONCE | LONG
    for name, service in services().items():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name
        if name in ONCE:
            assert service["restart"] == "no"
            assert service["healthcheck"] == {"disable": True}
        else:
            assert service["restart"] == "unless-stopped"
            assert service["healthcheck"]["test"][0] == "CMD"
            assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}


def test_one_waits_for_the_other() -> None:
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how == {"condition": expected}, (name, other)
    # Nothing starts before the passwords were looked at.
    assert _before("worker") >= ONCE | {"postgres", "temporal"}
    assert all("passwords" in _before(name) for name in services() if name != "passwords")


def _before(name: str) -> set[str]:
    direct = set(services()[name].get("depends_on", {}))
    return direct.union(*(_before(other) for other in direct))


def test_only_the_ui_and_the_pages_are_reachable_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert ports == {"temporal-ui": ["127.0.0.1:8233:8080"], "serve": ["127.0.0.1:8800:8800"]}
    assert compose_file()["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in services().items() if "outside" in service["networks"]}
    assert outside == {"temporal-ui", "worker", "serve"}


def test_images_and_versions_are_pinned() -> None:
    assert [one["image"] for one in services().values() if not PINNED.fullmatch(one["image"])] == []
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {services()[name]["image"] for name in KEEPWELL} == {f"keepwell:{version}"}
    tools = services()["temporal-schema"]["image"].partition(":")[2]
    assert services()["temporal"]["image"] == f"temporalio/server:{tools}"


def test_volumes_are_named_and_keepwell_is_locked_in() -> None:
    named = compose_file()["volumes"].keys()
    used = {volume.split(":")[0] for one in services().values() for volume in one.get("volumes", ())}
    assert used == named
    for name in KEEPWELL:
        one = services()[name]
        assert (one["read_only"], one["init"], one["cap_drop"]) == (True, True, ["ALL"])
        assert one["security_opt"] == ["no-new-privileges:true"]


def test_every_variable_is_in_the_example_and_no_other() -> None:
    used = {hit[0] for hit in VARIABLE.findall(FILE.read_text())}
    example = dotenv_values(EXAMPLE)
    assert used == set(example)
    # A default in the file and the example's value are the same thing said twice.
    defaults = {name: word for name, sign, word in VARIABLE.findall(FILE.read_text()) if sign == ":-"}
    assert defaults == {name: example[name] for name in defaults}


def test_no_password_is_given() -> None:
    example = dotenv_values(EXAMPLE)
    secret = {name for name in example if re.search("PASSWORD|KEY|TOKEN|SECRET", name)}
    # Whatever the settings call a secret; of these the home keeps the key that signs links.
    settings = {f"{PREFIX}{name.upper()}" for name in SECRET} - {"KEEPWELL_SECRET_KEY"}
    assert secret == {*PASSWORDS, *settings, "KEEPWELL_SENDGRID_WEBHOOK_KEY"}
    assert {example[name] for name in secret} == {""}
    for name, sign, word in VARIABLE.findall(FILE.read_text()):
        if name in PASSWORDS:
            assert (sign, word) == (":?", "see compose.env.example"), name
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            if (
                re.search("PASSWORD|PWD|KEY|TOKEN|SECRET", variable)
                and variable != "KEEPWELL_REFUSE_KNOWN_PASSWORDS"
            ):
                assert VARIABLE.fullmatch(str(value)), (name, variable)


@pytest.mark.parametrize("missing", sorted(PASSWORDS))
def test_without_a_password_nothing_can_be_filled_in(missing: str) -> None:
    given = {name: value for name, value in PASSWORDS.items() if name != missing}
    with pytest.raises(KeyError, match=missing):
        environment("passwords", given)


@pytest.mark.parametrize("service", sorted(KEEPWELL))
def test_keepwells_variables_are_settings(service: str) -> None:
    given = environment(service, PASSWORDS)
    ours = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    assert unknown_variables(ours) == ()
    assert given.keys() - ours.keys() == TEMPORAL_CLIENT
    values = {name.removeprefix(PREFIX).lower(): value for name, value in ours.items() if value}
    settings = Settings.model_validate(values)
    assert settings.refuse_known_passwords
    assert settings.safe_database_url == "postgresql+psycopg://keepwell:***@postgres:5432/keepwell"
    assert settings.sending == "outbox"
    # What sends, and what the pages and providers' calls need, can be set; the rest has no need of it.
    unset = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} - set(ours)
    assert unset == NOT_HERE


def test_keepwells_commands_exist() -> None:
    import typer

    known = typer.main.get_command(app)
    shown = [command(name) for name in sorted(KEEPWELL)]
    assert shown == [
        ["keepwell", "migrate"],
        ["keepwell", "schedules", "apply"],
        ["keepwell", "serve", "--host", "0.0.0.0"],
        ["keepwell", "worker"],
    ]
    names = getattr(known, "commands", {})
    assert {"migrate", "schedules", "serve", "worker", "doctor"} <= set(names)
    assert services()["worker"]["healthcheck"]["test"][1:] == ["keepwell", "doctor", "--quick"]


def check(**changed: str) -> subprocess.CompletedProcess[str]:
    """Run the service `passwords` here."""
    environ = {"PATH": os.environ["PATH"], **environment("passwords", {**PASSWORDS, **changed})}
    return subprocess.run(command("passwords"), env=environ, capture_output=True, text=True, check=False)


def test_good_passwords_pass() -> None:
    done = check()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", sorted(PASSWORDS))
@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("postgres", "is a password that everybody knows"),
        ("ChangeMe-ChangeMe-ChangeMe", "is a password that everybody knows"),
        ("keepwell-keepwell", "is a password that everybody knows"),
        ("3f9b1c62a7e84d0", "has fewer than 16 characters"),
        ("3f9b1c62a7e8@4d05/x", "may hold letters, digits"),
    ],
)
def test_bad_passwords_are_refused_and_not_shown(name: str, password: str, why: str) -> None:
    done = check(**{name: password})
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} {why}")
    assert password not in done.stderr


@pytest.mark.parametrize("name", sorted(one for one in ONCE if one not in KEEPWELL))
def test_scripts_are_shell(name: str) -> None:
    *shell, script = command(name)
    assert shell == ["sh", "-euc"]
    done = subprocess.run(["sh", "-n", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _dockerfile() -> list[tuple[str, str]]:
    """Instructions with their arguments, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_dockerfile() -> None:
    found = _dockerfile()
    # No ADD, which fetches and unpacks, and no ARG, which would keep what it was given.
    known = {"FROM", "RUN", "ENV", "WORKDIR", "COPY", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert {name for name, _ in found} == known
    bases = [rest.split()[0] for name, rest in found if name == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert PINNED.fullmatch(bases[0])
    last = found[max(index for index, (name, _) in enumerate(found) if name == "FROM") :]
    assert ("USER", "10001:10001") in last
    assert json.loads(last[-1][1]) == command("worker")
    health = next(rest for name, rest in last if name == "HEALTHCHECK")
    assert json.loads(health.partition("CMD ")[2]) == services()["worker"]["healthcheck"]["test"][1:]
    # Of the build, only the finished environment goes on.
    assert [rest for name, rest in last if name == "COPY"] == ["--from=build /opt/keepwell /opt/keepwell"]


def test_the_image_is_made_from_the_lock_file_with_the_makefiles_uv() -> None:
    runs = [rest for name, rest in _dockerfile() if name == "RUN"]
    pinned = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert pinned is not None
    assert f"uv=={pinned[1]}" in runs[0]
    syncs = [run for run in runs if run.startswith("uv sync")]
    assert len(syncs) == 2
    assert all("--frozen" in run and "--no-dev" in run for run in syncs)


def test_what_is_copied_exists_reaches_the_builder_and_is_the_whole_wheel() -> None:
    copied = [
        source
        for name, rest in _dockerfile()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    allowed = {line[1:] for line in _ignored() if line.startswith("!")}
    assert set(copied) == allowed
    assert [one for one in copied if not (ROOT / one).exists()] == []
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert set(wheel) <= set(copied)
    assert _ignored()[0] == "*"


def _ignored() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_a_filled_in_environment_is_not_committed() -> None:
    assert "compose.env" in (ROOT / ".gitignore").read_text().splitlines()
    assert Path(EXAMPLE).name == "compose.env.example"
