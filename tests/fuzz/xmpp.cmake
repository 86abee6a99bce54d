tb_fuzz(lease LINK tb_xmpp)
tb_fuzz(mdnstxt LINK tb_xmpp)
tb_fuzz(mdnsline LINK tb_xmpp)
tb_fuzz(account LINK tb_xmpp)
