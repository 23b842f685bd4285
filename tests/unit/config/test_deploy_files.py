"""The files in deploy/ keep a service apart: what they must say about privileges, memory and floods."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from learntrace.config import environment

DEPLOY = Path(__file__).parents[3] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
    "KeyringMode": "private",
}


def services() -> dict[str, Any]:
    composed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return composed


@pytest.mark.parametrize("name", sorted(services()))
def test_a_container_has_no_privileges_and_a_limit_of_memory(name: str) -> None:
    service = services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["pids_limit"] <= 1024
    assert service["mem_limit"]
    assert "privileged" not in service
    # Only the images of others, which start as root, may keep what they need for giving that up.
    assert set(service.get("cap_add", ())) <= {"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "SETGID", "SETUID"}
    assert name in ("postgres", "rabbitmq") or "cap_add" not in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "only a proxy leads to it"


def test_no_container_answers_to_every_name_and_its_own_proxy_is_named() -> None:
    for name in ("web", "worker", "migrate"):
        given = services()[name]["environment"]
        assert given["LEARNTRACE_ALLOWED_HOSTS"] == "${LEARNTRACE_ALLOWED_HOSTS:-}"
        assert "172.30.61.1" in given["LEARNTRACE_TRUSTED_PROXIES"]
    names = {setting.name for setting in environment.SETTINGS}
    assert {name for name in services()["web"]["environment"] if name.startswith("LEARNTRACE_")} <= names


def test_images_can_be_given_by_digest() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]
    assert "USER learntrace" in text
    example = (DEPLOY / "env.example").read_text()
    for image in ("PYTHON_IMAGE", "POSTGRES_IMAGE", "RABBITMQ_IMAGE"):
        assert f"${{{image}:-" in (DEPLOY / "compose.yaml").read_text()
        assert re.search(rf"^#{image}=\S+@sha256:", example, re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_hardened_and_its_memory_ends_somewhere(unit: Path) -> None:
    given = dict(line.split("=", 1) for line in unit.read_text().splitlines() if re.match(r"[A-Z]\w+=", line))
    assert {name: given.get(name) for name in HARDENED} == HARDENED
    assert re.fullmatch(r"\d+%", given["MemoryMax"])
    assert int(given["MemoryHigh"].rstrip("%")) < int(given["MemoryMax"].rstrip("%")) <= 90
    assert int(given["TasksMax"]) > 0


def test_nginx_slows_floods_and_drops_what_clients_say_of_themselves() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    zones = set(re.findall(r"limit_req_zone \S+ zone=(\w+):", text))
    assert set(re.findall(r"limit_req zone=(\w+)", text)) == zones == {"learntrace_requests", "learntrace_sign_in"}
    assert re.search(r"limit_conn learntrace_connections \d+;", text)
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    for header in ("X-Real-IP", "Forwarded"):
        assert f'proxy_set_header {header} "";' in text
    # A location with a header of its own would lose those of the server.
    assert not re.search(r"location[^{]*\{[^}]*proxy_set_header", text)
    assert "Strict-Transport-Security" in text
