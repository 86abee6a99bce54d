"""thingregistryd as an ordinary account."""

from .programs import Registry, keys, write_private


class Hosted(Registry):
    """Its full JID is jid; client is what [client] has beside that."""

    def __init__(self, server, tmpdir, account=None, client=None, start=True, provisions="yes",
                 **limits):
        user, password = account or server.new_account("reg")
        self.bare = "%s@%s" % (user, server.domain)
        super().__init__(server, tmpdir, start=False)
        self.jid = self.bare + "/registry"
        self.password = password
        write_private(self.dir / "secrets/registry-secret", password + "\n")
        self.conf.write_text(
            "[client]\njid = %s\nhost = %s\npassword = @secret:registry-secret\n"
            "ca_file = %s\nlog = debug\n%s[store]\npath = %s\n[provisioning]\nenabled = %s\n"
            "[limits]\n%s"
            % (self.bare, server.host, server.cafile, keys(client or {}), self.store,
               provisions, keys(limits)))
        if start:
            self.start()


def befriend(who, jid, ask=True):
    """who and the registry see each other; the registry's full JID."""
    bare = jid.split("/")[0]
    who.on(lambda s: s.find("{jabber:iq:roster}query") is not None, lambda s: None)
    if ask:
        who.presence(bare, "subscribe")
    who.expect(lambda s: s.get("type") == "subscribed" and s.get("from") == bare)
    who.expect(lambda s: s.get("type") == "subscribe" and s.get("from") == bare)
    who.presence(bare, "subscribed")
    here = who.expect(lambda s: s.tag.endswith("}presence") and s.get("type") is None
                      and s.get("from").startswith(bare + "/"))
    return here.get("from")
