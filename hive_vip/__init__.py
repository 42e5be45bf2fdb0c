"""The daemon follow-swarm-service: virtual IPs and node labels that go where a service's task runs (spec swarm-extension.md 1 to 3).

Level-triggered: each pass looks at what the swarm wants and at what is there, and makes the difference; events only make the next pass come
sooner. What decides is pure and can be read without the rest:

    snapshot, labels -> desired -> placing, rules, marks    from services and tasks to addresses, rules and node labels
    ledger                                                  what this daemon added, which is all that it ever removes

`addresses`, `packet_filter` and `node_labels` do what these decide, `daemon` has it done and waits, `introduction` makes an address known.
What touches the world is thin: `host` (ip, iptables), `packets`, `swarm` (the Docker API), `files`. It runs on Python 3.9 and later in the
servers' /opt/hive/venv and imports nothing of hive_nornir.
"""
