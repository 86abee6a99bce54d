-- The Thing Registry as a component of Prosody.  In /etc/prosody/conf.d/.

-- Components are taken on this machine alone: XEP-0114 knows no encryption.
component_ports = { 5347 }
component_interfaces = { "127.0.0.1" }

-- An address below the one of your virtual host shows up in its service
-- discovery, where things and owners look for a registry.
Component "registry.example.org"
  -- The same text stands in /etc/thingbridge/secrets/component.
  component_secret = "change-me"
  -- A registry that comes back after its host went down replaces the old link.
  component_conflict_resolve = "kick_old"
