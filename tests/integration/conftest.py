"""Fixtures: servers for the session, programs for one test."""

import itertools
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import programs, servers  # noqa: E402
from harness.fakereg import FakeRegistry  # noqa: E402
from harness.procs import Proc  # noqa: E402
from harness.proxy import Proxy  # noqa: E402

NAMES = (os.environ.get("TB_SERVERS") or "prosody,ejabberd").split(",")
AVAILABLE = {"prosody": "prosody", "ejabberd": "erl"}


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out what is slow")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--quick"):
        slow = pytest.mark.skip(reason="slow; --quick was given")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(slow)


def start_server(name, path, **kw):
    if not shutil.which(AVAILABLE[name]):
        pytest.skip("%s is not installed" % name)
    return servers.SERVERS[name](path, **kw)


@pytest.fixture(scope="session")
def _servers(tmp_path_factory):
    """Each server, started when first asked for, again when it died."""
    running = {}

    def get(name):
        if name not in running or not running[name].proc.alive():
            running[name] = start_server(name, tmp_path_factory.mktemp(name))
            running[name].proc.keep = True
        return running[name]

    yield get
    for s in running.values():
        s.stop()


@pytest.fixture(params=NAMES)
def server(request, _servers):
    """Prosody and ejabberd, in turn."""
    return _servers(request.param)


@pytest.fixture
def prosody(_servers):
    """Prosody alone, for what does not hang on the server."""
    return _servers("prosody")


@pytest.fixture
def tmp():
    """A directory with a short path, since socket paths are short."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tb"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "rep_" + call.when, outcome.get_result())


@pytest.fixture(autouse=True)
def _tidy(request, tmp):
    """Ends every program of the test; shows their logs when it failed; a
    sanitizer's report or an unasked death fails it."""
    mark = list(Proc.running)
    Proc.ended.clear()
    yield
    own = [p for p in Proc.running if p not in mark and not p.keep]
    dead = [p for p in own + Proc.ended if not p.alive() and not p.expected]
    broken = []
    for p in own:
        if p.alive() and p.name.startswith("thing"):
            try:
                status = p.stop(15)
                if status != 0:
                    broken.append("%s ended with %s" % (p.name, status))
            except AssertionError as e:
                broken.append(str(e))
    for p in [p for p in Proc.running if p not in mark and not p.keep]:
        p.kill()
    logs = {p.logfile: p for p in own + Proc.ended}
    for p in logs.values():
        broken += ["%s: %s" % (p.name, line) for line in programs.faults(p.log())]
    for p in dead:
        broken.append("%s died with %s" % (p.name, p.popen.returncode))
    rep = getattr(request.node, "rep_call", None)
    if broken or (rep is not None and rep.failed):
        for p in logs.values():
            print("---- %s\n%s" % (p.logfile, p.log()[-20000:]))
    assert not broken, "\n".join(broken)


def need(*names):
    """Skips without these programs; fails when TB_REQUIRE is set, as by ctest."""
    missing = [n for n in names if not programs.have(n)]
    if not missing:
        return
    why = "not built: %s in %s" % (", ".join(missing), programs.BIN)
    if os.environ.get("TB_REQUIRE"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def fakereg(server):
    """A registry under the test's control, as a component of server."""
    r = FakeRegistry(server)
    yield r
    r.close()


@pytest.fixture
def registry(server, tmp):
    """thingregistryd."""
    need("thingregistryd")
    return programs.Registry(server, tmp / "registry")


@pytest.fixture
def make_gateway(server, tmp):
    """make_gateway(nodes, **keys) starts a thingbridged."""
    need("thingbridged")
    serial = itertools.count(1)

    def make(nodes="", **kw):
        return programs.Gateway(server, tmp / ("gw%d" % next(serial)), nodes, **kw)

    return make


@pytest.fixture
def make_sim(tmp):
    need("thingsim")
    serial = itertools.count(1)
    return lambda ini: programs.Sim(tmp / ("sim%d" % next(serial)), ini)


@pytest.fixture
def make_owner(server, tmp):
    need("thingowner")
    serial = itertools.count(1)
    return lambda **kw: programs.Owner(server, tmp / ("owner%d" % next(serial)), **kw)


@pytest.fixture
def client(server):
    """client(stem) connects a new account; closed at the end."""
    made = []

    def make(stem="user", resource="test", **kw):
        made.append(server.client(stem, resource, **kw))
        return made[-1]

    yield make
    for c in made:
        c.close()


@pytest.fixture
def component(server):
    """component(domain) connects another component."""
    made = []

    def make(domain):
        made.append(server.component(domain))
        return made[-1]

    yield make
    for c in made:
        c.close()


@pytest.fixture
def proxy(server):
    """A relay before the server's client port, which can lose or cut."""
    p = Proxy(server.c2s_port)
    yield p
    p.close()
