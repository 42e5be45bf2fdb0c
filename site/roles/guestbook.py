"""The image of the service web: a guestbook in PHP. It runs in the container in which build-images makes the image."""

from __future__ import annotations

from hive_nornir.operations import files, packages
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role

PAGE = """\
<?php
// Every request reads the entries from the database.
$db = new PDO('mysql:host=db;dbname=guestbook;charset=utf8mb4', 'guestbook', getenv('DB_PASSWORD'), [PDO::ATTR_TIMEOUT => 5]);
echo "<!doctype html>\\n<title>Guestbook</title>\\n<h1>Guestbook</h1>\\n<ul>\\n";
foreach ($db->query('SELECT name, words FROM entries ORDER BY id') as $entry) {
    echo '<li>', htmlspecialchars($entry['name']), ': ', htmlspecialchars($entry['words']), "</li>\\n";
}
echo "</ul>\\n<p>answered by ", gethostname(), "</p>\\n";
"""


class GuestbookVariables(Variables):
    """It reads no variables."""


@role()
def guestbook(host: Target, v: GuestbookVariables) -> list[Operation]:
    """Install PHP and the guestbook's page."""
    page = files.with_folder(files.content("/srv/guestbook/index.php", PAGE), "/srv/guestbook")
    return [packages.present(host.os.manager, ["php-cli", "php-mysql"]), page]
