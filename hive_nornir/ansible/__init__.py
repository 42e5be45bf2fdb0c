"""A site's roles that are Ansible's (`roles/NAME/tasks/main.yml`), run as they are by ansible-core, the extra `[ansible]`.

ansible-core runs as a process of its own, `ansible-playbook`; nothing of it is imported here. `roles` finds such roles and makes them roles
of ours, `project` writes what that process reads, `process` runs it, `outcomes` turns what its tasks said into outcomes of operations.
The plugins are read by Ansible, not by us.
"""
