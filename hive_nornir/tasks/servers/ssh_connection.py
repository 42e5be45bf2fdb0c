"""Role ssh-connection: machines that the tool did not create can be reached (spec setup-hosts.md 4.1)."""

from __future__ import annotations

import dataclasses
import re

import paramiko
