"""The R cases again, of a registry that is an ordinary account: things befriend
it where they else send directed presence."""

import re

import pytest

import test_registry
from harness.hosted import Hosted, befriend
from test_registry import G, O, T, V, store

__all__ = ["G", "O", "T", "V", "store"]  # fixtures

# Who is told what, and where it is reached; not how tags are read.
CASES = re.compile(r"test_R(0[467]|2[239]|30|57|59|6[05-9]|7\d)_")
# Of a component's presence, or with a registry of their own.
LEFT_OUT = ("test_R72_probe_is_answered", "test_R72_subscription",
            "test_R72_subscribed_thing_is_found_again", "test_R73_get_is_refused_when_strict")

for name in dir(test_registry):
    if CASES.match(name) and name not in LEFT_OUT:
        globals()[name] = getattr(test_registry, name)


@pytest.fixture
def server(prosody):
    return prosody


@pytest.fixture
def registry(server, tmp, monkeypatch):
    hosted = Hosted(server, tmp / "registry")
    monkeypatch.setattr(test_registry, "R", hosted.jid)
    monkeypatch.setattr(test_registry, "meet", meet)
    return hosted


def meet(who):
    if who.roster().get(test_registry.R.split("/")[0]) != "both":
        befriend(who, test_registry.R)
