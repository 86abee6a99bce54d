"""Keeping many nodes in step with the registry: windowed, paced, resumed."""

import time

import pytest

from harness.procs import wait_until
from harness.programs import node
from harness.wire import DISCOVERY, payload, tags_of

WINDOW = 16
CLAIMED = "<claimed xmlns='%s' jid='owner@localhost' public='true'/>" % DISCOVERY


def nodes(n):
    return "".join(node("n%04d" % i, enabled="no") for i in range(n))


def asked(fakereg, name="register"):
    """{node: how often}"""
    out = {}
    for r in fakereg.got(name):
        key = payload(r).get("nodeId")
        out[key] = out.get(key, 0) + 1
    return out


def claims(g, claim):
    return sum(n["claim"] == claim for n in g.control("nodes")["nodes"])


def settled(fakereg):
    """The nodes whose KEY was taken out after the claim."""
    return {payload(r).get("nodeId") for r in fakereg.got("update")
            if "KEY" in tags_of(payload(r))}


@pytest.mark.slow
def test_T26_a_kill_amid_many_registrations_resumes(fakereg, make_gateway):
    """What was acknowledged is not sent again before all have had a turn, and
    twice at most what was in flight, or answered but not yet kept."""
    count = 1000
    g = make_gateway(nodes(count), registry=fakereg.jid, log="info")
    fakereg.wait("register", count=count // 3, timeout=30)
    g.kill()
    before = asked(fakereg)
    assert len(before) < count
    g.start()
    wait_until("all are asked", lambda: len(asked(fakereg)) == count, 60, 0.05)
    times = asked(fakereg).values()
    assert max(times) <= 2 and sum(times) <= count + 2 * WINDOW


def test_claimed_and_unchanged_costs_nothing_after_a_broken_stream(
        fakereg, make_gateway, proxy):
    fakereg.answers["register"] = CLAIMED
    g = make_gateway(nodes(40), registry=fakereg.jid, host=proxy.host,
                     registry_keys={"key_clear": "0s"})
    wait_until("all are claimed and without KEY", lambda: len(settled(fakereg)) == 40, 20)
    time.sleep(1)
    fakereg.forget()
    proxy.cut()
    fakereg.wait_presence(g.jid, timeout=30)  # it is back
    time.sleep(3)
    assert not asked(fakereg) and not asked(fakereg, "update")
    # what has changed meanwhile is told at once
    g.control("meta", node="n0007", set=[{"name": "ROOM", "value": "13", "num": False}])
    fakereg.wait("update", "n0007")


def test_a_change_while_offline_is_told_after_the_login(fakereg, make_gateway, proxy):
    fakereg.answers["register"] = CLAIMED
    g = make_gateway(nodes(2), registry=fakereg.jid, host=proxy.host,
                     registry_keys={"key_clear": "0s"})
    wait_until("both are without KEY", lambda: len(settled(fakereg)) == 2, 20)
    time.sleep(1)
    fakereg.forget()
    proxy.cut()
    g.wait_log("connection", 10)
    g.control("meta", node="n0001", set=[{"name": "ROOM", "value": "13", "num": False}])
    fakereg.wait("update", "n0001", timeout=30)
    assert not asked(fakereg, "update").get("n0000")


def test_the_unclaimed_are_asked_again_in_turns(fakereg, make_gateway, proxy):
    """A registry that repeats no notice may have given them owners meanwhile."""
    count = 80
    g = make_gateway(nodes(count), registry=fakereg.jid, host=proxy.host, log="info")
    wait_until("all are registered", lambda: claims(g, "unclaimed") == count, 30, 0.2)
    fakereg.forget()
    fakereg.answers["register"] = CLAIMED
    proxy.cut()
    wait_until("all are asked", lambda: len(asked(fakereg)) == count, 40, 0.1)
    at = sorted(float(r.get("at")) for r in fakereg.got("register"))
    assert at[-1] - at[0] > 5  # ten a second, which leaves room for readouts
    wait_until("the claims are known", lambda: claims(g, "public") == count, 10, 0.2)


def test_the_long_round_finds_a_claim_that_was_missed(fakereg, make_gateway):
    g = make_gateway(nodes(2), registry=fakereg.jid, registry_keys={"check_every": "10s"})
    wait_until("both are registered", lambda: claims(g, "unclaimed") == 2, 20)
    fakereg.answers["register"] = CLAIMED
    wait_until("both claims are known", lambda: claims(g, "public") == 2, 25, 0.2)


def test_T27_one_refused_for_good_holds_up_no_other(fakereg, make_gateway):
    count = 200

    def answer(iq):
        bad = payload(iq).get("nodeId").endswith("3")
        return ("error", "bad-request", "modify") if bad else ""

    fakereg.answers["register"] = answer
    g = make_gateway(nodes(count), registry=fakereg.jid, log="info")
    wait_until("all others are registered",
               lambda: claims(g, "unclaimed") == count - count // 10, 20, 0.1)
    time.sleep(2)
    assert all(n == 1 for n in asked(fakereg).values())
    assert g.log().count("refused register") == count // 10
