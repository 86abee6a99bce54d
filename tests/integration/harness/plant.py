"""Many nodes on simulated buses."""

from .programs import node


def plant(buses, per_bus, vary=True, last=None):
    """(thingsim's ini, node names by bus): units b0u001 ... on Modbus TCP.
    last: how many units in all, when that is fewer."""
    ini, names = "", {}
    left = last if last is not None else buses * per_bus
    for b in range(buses):
        bus = "b%d" % b
        ini += "[bus %s]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n" % bus
        names[bus] = []
        for u in range(1, min(per_bus, left) + 1):
            name = "%su%03d" % (bus, u)
            names[bus].append(name)
            ini += ("[unit %s]\nbus = %s\naddress = %d\ntemplate = generic.xy-md02\n"
                    "value.temperature = %d.5\nvalue.humidity = 45.0\n"
                    % (name, bus, u, u % 80))
        left -= len(names[bus])
    return ini, names


def gateway_of(sim, names, poll="10s", **more):
    """(bus sections, node sections) of a gateway for that plant."""
    buses = "".join(
        "[bus %s]\ntype = modbus-tcp\nhost = %s\n" % (b, sim.bus[b]) for b in names)
    nodes = "".join(
        node(n, bus=b, address=i + 1, source="MeteringTopology", poll=poll, **more)
        for b, units in names.items() for i, n in enumerate(units))
    return buses, nodes


# ---- what thingsim tells and how it can be known -----------------------------

COIL, DISCRETE, INPUT, HOLDING = range(4)


def stamp(unit, table, addr, before=0):
    """What a register holds with `values = stamp`; before: the requests that
    came before, with stamp-count."""
    v = addr * 40503 + unit * 31153 + table * 8017
    if table in (COIL, DISCRETE):
        return v >> 15 & 1
    return (v + before) & 0xFFFF


def stats(sim, what):
    """{name: number} of a unit or bus."""
    return {k: int(v) for k, v in (w.split("=") for w in sim.control("stats %s" % what).split())}


def read_log(sim, what, path):
    """[(seconds, unit, function, address, count, fault)] of what was logged so
    far; the logging ends."""
    sim.control("log %s off" % what)
    rows = []
    with open(path) as f:
        for line in f:
            at, unit, function, addr, count, fault = line.split()
            rows.append((float(at), unit, int(function), int(addr), int(count), fault))
    return rows


def tcp_buses(n, template, more=""):
    """ini of n Modbus TCP buses b0... with a unit u0... at address 1 on each."""
    return "".join(
        "[bus b%d]\ntype = modbus-tcp\nlisten = 127.0.0.1:0\n"
        "[unit u%d]\nbus = b%d\ntemplate = %s\n%s\n" % (i, i, i, template, more)
        for i in range(n))
