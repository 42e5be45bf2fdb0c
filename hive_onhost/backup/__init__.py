"""`hive-backup.sh`: backups of Zabbix, of the registry and of services, kept on the repository server, and restored from there.

Spec: swarm-extension.md 6 and images-networks-volumes-services.md 5.
"""
