"""What Zabbix' agent asks of a server: services of the swarm, units of systemd, DRBD, SELinux (swarm-extension.md 5).

An answer is one number or one JSON document on standard output. What cannot be told is no answer but a message and an exit code, so that
the item becomes "not supported" and never a made-up number (PRB-4).
"""
