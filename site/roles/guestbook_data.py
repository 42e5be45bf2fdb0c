"""What the service db is initialised with. It runs in the service's container, wherever the swarm has put it."""

from __future__ import annotations

from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role

ENTRIES = """\
CREATE TABLE IF NOT EXISTS entries (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, words TEXT NOT NULL);
INSERT INTO entries (name, words) VALUES ('Hana', 'The first entry.'), ('Taro', 'It survives the death of a host.');
"""
# The password is in the container's environment, and reaches the client by it.
CLIENT = 'MYSQL_PWD="$MARIADB_PASSWORD" mariadb --user=guestbook --host=127.0.0.1 guestbook'


class GuestbookDataVariables(Variables):
    """It reads no variables."""


@role()
def guestbook_data(host: Target, v: GuestbookDataVariables) -> list[Operation]:
    """Make the guestbook's table and its first entries, once."""
    return [command("the guestbook's entries", f"{CLIENT} <<'SQL'\n{ENTRIES}SQL", unless=f"{CLIENT} -e 'SELECT 1 FROM entries LIMIT 1'")]
