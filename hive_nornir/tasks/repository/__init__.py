"""Roles of the repository server (spec setup-hosts.md, play "setup repository and zabbix")."""
