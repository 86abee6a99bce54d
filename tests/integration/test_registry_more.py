"""What the R cases do not ask of the registry, and it must do all the same."""

import time

from harness import programs
from harness.procs import wait_until
from harness.wire import Client, attrs, local, payload
from test_registry import (
    INF,
    K1,
    OK,
    R,
    G,
    O,
    T,
    V,
    do,
    element,
    is_claimed,
    meet,
    notice,
    outcome,
    store,
    told,
    without,
)

__all__ = ["G", "O", "T", "V", "store"]  # fixtures


def iq_text(id_, name, tags=(), **kw):
    return "<iq%s>%s</iq>" % (attrs(type="set", id=id_, to=R), element(name, tags, **kw))


def test_require_key_means_one_that_is_not_empty(server, client, tmp):
    reg = programs.Registry(server, tmp / "key", require_key="yes")
    T, O = client("thing", "a"), client("owner", "cli")
    assert do(T, "register", without(K1, "KEY") + [("str", "KEY", "")]) == "bad-request"
    assert do(O, "mine", without(K1, "KEY")) == INF
    reg.stop()


def test_claimed_is_told_before_disowned(G, O):
    """A claim and a disown that arrive together: the thing hears of both in
    their order, or it would take the claim for the later one."""
    meet(G)
    n = 20
    for i in range(n):
        assert do(G, "register", [("str", "KEY", "k%d" % i)], nodeId="n%d" % i) == OK
    heard = []

    def hear(iq):
        heard.append((payload(iq).get("nodeId"), local(payload(iq))))
        G.answer(iq)

    for name in ("claimed", "disowned"):
        G.on(name, hear)
    O.raw(
        "".join(
            iq_text("c%d" % i, "mine", [("str", "KEY", "k%d" % i)])
            + iq_text("d%d" % i, "disown", jid=G.bare, nodeId="n%d" % i)
            for i in range(n)
        )
    )
    wait_until("all were disowned", lambda: sum(w == "disowned" for _, w in heard) == n)
    for i in range(n):
        words = [w for node, w in heard if node == "n%d" % i]
        assert words[-1] == "disowned", heard


def test_notice_follows_the_thing_to_its_new_resource(server, registry, O):
    account = server.new_account("thing")
    with Client(server, *account, "a") as a, Client(server, *account, "b") as b:
        meet(a)
        meet(b)
        assert do(a, "register", K1) == OK
        is_claimed(do(O, "mine", K1), a.bare)
        a.answer_error(notice(a, "claimed"), "internal-server-error", "wait")
        assert do(b, "update", [("str", "CLASS", "PLC")]) == OK
        told(b, "claimed", 15)


def test_disowns_without_an_answer_block_nobody(G, O, T):
    """One account with many silent things must not fill what all share."""
    n = 80
    for i in range(n):
        tags = [("str", "KEY", "k%d" % i)]
        assert do(G, "register", tags, nodeId="n%d" % i, selfOwned="true") == OK
    for again in range(7):
        for i in range(n):
            G.raw(iq_text("x%d-%d" % (i, again), "disown", jid=G.bare, nodeId="n%d" % i))
    time.sleep(0.5)
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1), T.bare)


def test_no_claimed_between_disowned_and_its_answer(T, O):
    """The repeated notice would come last, and the thing believe it."""
    meet(T)
    assert do(T, "register", K1) == OK
    is_claimed(do(O, "mine", K1, public="false"), T.bare)
    T.answer_error(notice(T, "claimed"), "internal-server-error", "wait")
    time.sleep(3)
    key = O.request("set", R, element("disown", jid=T.bare))
    iq = notice(T, "disowned")
    T.presence(to=R)
    T.expect_nothing(3, "claimed")
    T.answer(iq)
    assert outcome(O.wait_answer(key, 5)) == OK
    T.expect_nothing(4, "claimed")
