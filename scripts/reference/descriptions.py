"""What is said of variables that no role declares; tests hold it against the names in the code."""

from __future__ import annotations

__all__ = ["COMMAND", "DERIVED", "OF_ANSIBLE", "SITE"]

SITE = {
    "hive_admin": "The administrator's account on the servers; vagrant, ec2-user (aws), hiveadmin (azure) or admin without it.",
    "hive_admin_gid": "Number of the administrator's group, where it is made.",
    "hive_admin_group": "The administrator's group; of the same name as the account without it.",
    "hive_admin_uid": "Number of the administrator's account, where it is made.",
    "hive_aws_key_name": "Name of the key pair in aws.",
    "hive_ca_cert": "A CA of yours, PEM, instead of the one that is made for the site.",
    "hive_ca_key": "Its key, PEM; needed with hive_ca_cert.",
    "hive_docker_login_user": "Account of the site's registry; hive without it.",
    "hive_drbd_download_sha256": "SHA-256 of what `drbd_download_url` names; nothing is installed without it.",
    "hive_ec2_group_rules": "Rules for what comes in, instead of the derived ones; aws.",
    "hive_email": "Of hive-builder; only templates read it.",
    "hive_firewall_name": "Name of the firewall rules; gcp.",
    "hive_gcp_capacity_gb": "Size of the file service in GB; gcp.",
    "hive_gcp_nfs_options": "Options with which the file service is mounted; gcp.",
    "hive_gcp_ssh_source_range": "Who may reach sshd, networks separated by commas; gcp.",
    "hive_internal_net_addr": "Address of the servers' own network, such as 10.1.0.0, where they have one.",
    "hive_internal_net_cidr": "Length of that network's prefix, such as 24.",
    "hive_internal_net_if": "Interface of the servers in that network, such as eth1.",
    "hive_network_attachable": "Of a network, in `host_vars`: containers that are no service's may join it; true without it.",
    "hive_osdisk_device": "Root device of the image; aws.",
    "hive_private_key_path": "The administrator's key; `id_rsa` in the context directory without it.",
    "hive_public_key_path": "Its public key; beside it with the ending `.pub` without it.",
    "hive_registry_port": "Port of the site's registry; 5000 without it.",
    "hive_safe_ca_dir": "Of hive-builder; only templates read it.",
    "hive_ssh_jump": "Host through which a server is reached: `user@host` or `user@host:port`.",
    "hive_sub_prefix": "What names in the site's certificates begin with; made of the hive's name without it.",
    "hive_syslog_port": "Port on which the repository receives logs; 10514 without it.",
    "hive_vagrant_box_name": "Box that the servers are made of; vagrant.",
    "hive_vagrant_ssh_insert_key": "Whether Vagrant changes the box's key; vagrant.",
    "hive_vpc_name": "Name of the cloud's network; vpc-<hive's name> without it.",
}
"""Variables that a site may set: those that no role reads, and those of which a role says too little for a list."""

DERIVED = {
    "hive_name": "The hive's name, the suffix of every host name.",
    "hive_provider": "The stage's infrastructure.",
    "hive_custom_hostname": "The stage's `custom_hostname`.",
    "hive_registry_fqdn": "The host of the site's registry: the stage's repository server, or shared-repository.",
    "hive_registry": "The same with its port, as it stands before names of images.",
    "hive_private_ip": "The server's address inside the site.",
    "hive_netmask": "The mask of its network.",
    "hive_subnet": "The name of the subnet that the server is in.",
    "hive_subnets": "The stage's subnets, of the mother.",
    "hive_available_zone": "The server's availability zone, in clouds.",
    "hive_vm_image_name": "The stage's `image_name`.",
    "hive_safe_admin": "The administrator's account.",
    "hive_safe_shared_repository_ports": "Ports that are opened to all where the repository is shared.",
    "hive_shared_repository_path": "The shared repository's folder on the mother.",
    "hive_published_ports_tcp": "TCP ports below 10000 that the stage's services publish.",
    "hive_published_ports_udp": "UDP ports below 10000 that the stage's services publish.",
    "hive_image_name": "The image that a service has built: `image_<service>`.",
    "hive_volume": "Of a volume: its name, and `drbd`, `nfs`, or `driver` and `driver_options`.",
}
"""Variables that the inventory computes, beside those that it makes of other variables by a template."""

COMMAND = {
    "root_dir": "The site's folder; the current one without it.",
    "stage": "The stage that commands work on.",
    "inventory_path": "The folder with the definitions.",
    "context_dir": "Where the stage's keys, certificates, passwords and records of runs are.",
    "phase": "The phase that is run.",
    "temp_dir": "Scratch.",
    "local_python_path": "The Python that runs the command.",
    "playbooks_dir": "Only templates read it; no playbooks are run.",
    "verbose": "Show each operation, and tracebacks of errors.",
    "start_phase": "The phase with which `all` goes on.",
    "halt": "The option `--halt`.",
    "destroy": "The option `--destroy`.",
    "check_mode": "The option `--check`.",
    "ssh_host": "Of hive-builder; a stored value is ignored.",
    "tags": "The option `--roles`.",
    "limit_target": "The option `--limit`.",
    "limit_server": "The option `--servers`.",
    "vagrant_box_name": "Of hive-builder, which does not read it either: it is `hive_vagrant_box_name` in the inventory.",
    "forks": "How many hosts are worked on at a time. Only a stored value counts, and without one it is up to 50.",
    "no_format": "Replicated volumes that no hive holds are not made; `build-volumes` fails instead.",
    "first_hive": "Number of the hive that founds the swarm and is asked first.",
    "repository_docker_socket": "Only templates read it.",
    "aws_access_key_id": "Key of the account; aws.",
    "aws_secret_access_key": "Its secret part; aws.",
    "azure_client_id": "Application that logs in; azure.",
    "azure_secret": "Its secret; azure.",
    "azure_subscription_id": "Subscription that is worked in; azure.",
    "azure_tenant": "Tenant that the application belongs to; azure.",
    "foward_zabbix": "`ssh` forwards Zabbix' console, as with `-z`. It may be written forward_zabbix.",
    "foward_zabbix_port": "The port here on which the console answers then. It may be written forward_zabbix_port.",
    "port_forwarding": "What else `ssh` forwards, as with `-L`.",
    "drbd_device_map": "Device ids that were assigned to replicated volumes; written by the tool.",
    "drbd_node_map": "Node ids that were assigned to hives in replicated volumes; written by the tool.",
    "published_port_map": "Ports that were assigned to services; written by the tool.",
    "zabbix_backup_cleanup_days_before": "Days after which backups of Zabbix are deleted.",
    "registry_backup_cleanup_days_before": "Days after which backups of the registry are deleted.",
    "http_proxy": "Proxy as this machine reaches it, `host:port`; servers use it through the SSH connection.",
    "http_proxy_port": "Port on the servers that leads to it.",
    "vagrant_proxy": "Proxy that Vagrant sets up in its machines.",
    "registry_mirror": "URL of a mirror of Docker Hub.",
    "pip_index_url": "Index that pip uses on servers.",
    "pip_trusted_host": "Host that pip takes without a valid certificate.",
    "tls_logging": "Logs go to the repository over TLS, from hives only.",
}
"""The command's own variables."""

_OF_ANSIBLE = """
    inventory_plugins filter_plugins library roles_path collections_path enable_plugins unparsed_is_failed stdout_callback callback_enabled
    bin_ansible_callbacks pipelining force_handlers timeout retries interpreter_python ssh_args
"""
OF_ANSIBLE = frozenset(_OF_ANSIBLE.split())
"""Settings of Ansible among them, which are kept as hive-builder stored them, and read by nothing here."""
