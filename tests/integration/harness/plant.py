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
