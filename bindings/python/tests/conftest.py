"""A real relay process, phones in fresh folders, and a branch of two phones."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

import sotay

ROOT = Path(__file__).resolve().parents[3]
MONTH, DAY, SINCE = "2025-05", "2025-05-20", "2025-01-01"


class Relay:
    def __init__(self, data: Path) -> None:
        binary = os.environ.get("SOTAY_RELAY", str(ROOT / "target" / "debug" / "sotay-relay"))
        arguments = ["serve", "--data", str(data), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--json"]
        self.process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        assert line, "the relay did not start; build it with `cargo build -p sotay-relay`"
        said = json.loads(line)
        self.key = said["key"]
        self.address = f"{said['listen']}#{self.key}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def relay(tmp_path_factory):
    running = Relay(tmp_path_factory.mktemp("relay"))
    yield running
    running.stop()


@pytest.fixture
def silent_relay(relay):
    """An address at which nobody ever answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{nobody.getsockname()[1]}#{relay.key}"


@pytest.fixture
def phone(tmp_path):
    """Makes phones and shuts them down at the end."""
    made = []

    def make(label="P1", **options):
        book = sotay.Handbook.create(tmp_path / f"{len(made)}-{label}", label, **options)
        made.append(book)
        return book

    yield make
    for book in made:
        book.shutdown()


def found(book):
    book.branch.create("Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", "Nguyễn Văn Bình", since=SINCE)
    return book


@pytest.fixture
def secretary(phone):
    """The phone of the founder."""
    return found(phone("P3"))


def join(secretary, book, name="Trần Thị Hoa", **admission):
    """Puts a member on the roster and admits a phone; gives the member's id."""
    member = secretary.branch.add_members([name], since=SINCE)[0]
    request = book.branch.join_request()
    book.branch.accept(secretary.branch.admit(request.text, member, **admission))
    return member


@pytest.fixture
def pair(phone, secretary):
    """Secretary and deputy, each with a phone."""
    deputy = phone("P5")
    join(secretary, deputy, rank=3)
    return secretary, deputy


def begin(book):
    """The meeting of May 2025."""
    return book.meeting(book.branch.new_meeting(sotay.MeetingKind.REGULAR, month=MONTH, date=DAY))


def me(book):
    return book.branch.card().member


def speech(book, text):
    return sotay.MeetingCommand.ADD_SPEECH(speaker=sotay.Who.MEMBER(me(book)), text=text)


def mark(members, state, reason=None):
    return sotay.MeetingCommand.MARK(members, state, sotay.RecordedHow.ROLL_CALL, reason)
