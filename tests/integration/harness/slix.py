"""slixmpp as a client, with its plugins as they are."""

import asyncio
import threading


def run(server, account, plugin, work, timeout=20):
    """Runs `await work(client)` once the client is online; what it returns."""
    import slixmpp

    result = {}

    async def main():
        c = slixmpp.ClientXMPP("%s@%s/slix" % (account[0], server.domain), account[1])
        c.register_plugin(plugin)
        c.ca_certs = str(server.cafile)
        ready = asyncio.get_running_loop().create_future()
        c.add_event_handler("session_start", lambda _: ready.set_result(None))
        c.connect((server.host.rsplit(":", 1)[0], server.c2s_port))
        await asyncio.wait_for(ready, timeout)
        c.send_presence()
        result["got"] = await asyncio.wait_for(work(c), timeout)
        await c.disconnect()

    def thread():
        asyncio.set_event_loop(asyncio.new_event_loop())
        asyncio.get_event_loop().run_until_complete(main())

    t = threading.Thread(target=thread)
    t.start()
    t.join(timeout * 2)
    return result["got"]
