"""What hive-nornir puts on servers: commands and daemons that run there without it.

It runs on Python 3.9 and later, in the servers' /opt/hive/venv, and imports nothing of hive_nornir.
"""
