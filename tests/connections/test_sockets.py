"""Round trips and bytes are counted as they are waited for and sent."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from hive_nornir.connections.sockets import CountingSocket, connect_tcp
from hive_nornir.connections.transport import Traffic


@pytest.fixture
def ends():
    here, there = socket.socketpair()
    traffic = Traffic()
    with there:
        mine = CountingSocket(here, traffic)
        yield mine, there, traffic
        mine.close()


def test_an_answer_costs_a_round_trip_in_however_many_pieces_it_comes(ends):
    mine, there, traffic = ends
    mine.send(b"one")
    mine.send(b"two")
    there.sendall(b"answer")
    assert mine.recv(2) + mine.recv(10) == b"answer"
    assert traffic == Traffic(round_trips=1, sent=6, received=6)


def test_what_was_here_before_something_was_sent_is_no_answer_to_it(ends):
    mine, there, traffic = ends
    there.sendall(b"early")
    mine.send(b"question")
    assert mine.recv(2) + mine.recv(10) == b"early"
    assert traffic.round_trips == 0
    there.sendall(b"answer")
    mine.recv(10)
    assert traffic.round_trips == 1


def test_early_and_late_in_one_piece_are_an_answer(ends):
    mine, there, traffic = ends
    there.sendall(b"early")
    mine.send(b"question")
    there.sendall(b"answer")
    assert mine.recv(100) == b"earlyanswer"
    assert traffic.round_trips == 1


def test_news_without_a_question_is_no_round_trip(ends):
    mine, there, traffic = ends
    there.sendall(b"news")
    mine.recv(10)
    assert traffic.round_trips == 0


def test_closing_ends_a_wait_in_another_thread(ends):
    mine, _there, _traffic = ends
    begun = threading.Event()

    def wait():
        begun.set()
        with contextlib.suppress(OSError):
            mine.recv(10)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    begun.wait(5)
    mine.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_connection_is_quick_and_notices_a_dead_peer():
    traffic = Traffic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        mine = connect_tcp("127.0.0.1", server.getsockname()[1], 5, traffic)
        options = [
            mine._inner.getsockopt(level, option)
            for level, option in (
                (socket.IPPROTO_TCP, socket.TCP_NODELAY),
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            )
        ]
        mine.close()
    assert options[:2] == [1, 1]
    assert 0 < options[2] <= 60_000
    assert traffic.round_trips == 1
