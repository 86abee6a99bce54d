"""Servers, raw XMPP peers and programs for the integration tests."""
