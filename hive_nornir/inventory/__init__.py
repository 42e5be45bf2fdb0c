"""From the site's YAML files to hosts, groups and variables."""
