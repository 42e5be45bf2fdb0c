from hive_nornir.tasks.services.reach import addresses

HIVES = {"p-hive0.x": "10.1.0.4", "p-hive1.x": "10.1.0.5"}


def reached(nodes=("p-hive1.x",), **attributes):
    return addresses({f"hive_{name}": value for name, value in attributes.items()}, nodes, HIVES)


def test_virtual_addresses_with_the_ports_that_lead_on():
    assert reached(labels={"HIVE_VIP": "10.1.0.80", "HIVE_DNAT_PORTS": "80, 53/udp"}) == ["10.1.0.80:80", "10.1.0.80:53/udp"]
    assert reached(labels={"HIVE_VIP": "10.1.0.80/24@eth1"}) == ["10.1.0.80"]
    assert reached(labels={"HIVE_VIP1_V6": "fd00::80", "HIVE_DNAT_PORTS1_V6": "443"}) == ["[fd00::80]:443"]


def test_ports_of_mode_host_are_where_the_tasks_are_and_the_meshs_everywhere():
    assert reached(ports=[{"target_port": 80, "published_port": 8080, "mode": "host"}]) == ["10.1.0.5:8080"]
    assert reached(ports=[{"target_port": 53, "published_port": 53, "protocol": "udp"}]) == ["10.1.0.4:53/udp", "10.1.0.5:53/udp"]
    assert reached(nodes=(), ports=[{"target_port": 80, "published_port": 8080, "mode": "host"}]) == []


def test_a_service_that_nobody_reaches_has_no_address():
    assert reached() == reached(labels={"HIVE_MARK": "x"}) == []
