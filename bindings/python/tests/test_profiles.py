"""Opening, making, closing profiles; vaults; panics."""

import threading

import pytest

import sotay
from conftest import SINCE, begin, found, speech


class Vault(sotay.KeyVault):
    """A vault that does as it is told: XOR, or an error."""

    def __init__(self):
        self.refusal = None
        self.labels = set()

    def answer(self, label, data):
        if self.refusal is not None:
            raise self.refusal
        self.labels.add(label)
        return bytes(byte ^ 0x5A for byte in data)

    def level(self):
        return sotay.VaultLevel.SOFTWARE

    def wrap(self, label, secret):
        return self.answer(label, secret)

    def unwrap(self, label, wrapped):
        return self.answer(label, wrapped)

    def destroy(self, label):
        self.labels.discard(label)


def test_opening_a_profile_that_is_not_there_is_told(tmp_path):
    with pytest.raises(sotay.InputError) as told:
        sotay.Handbook.open(tmp_path / "nothing")
    assert told.value.code == "no_profile"


def test_making_a_profile_where_one_is_is_refused(tmp_path):
    sotay.Handbook.create(tmp_path / "p", "P1").shutdown()
    with pytest.raises(sotay.InputError) as told:
        sotay.Handbook.create(tmp_path / "p", "P1")
    assert told.value.code == "profile_exists"


def test_a_profile_is_the_same_after_it_was_closed_and_opened_again(tmp_path):
    with sotay.Handbook.create(tmp_path / "p", "P1") as book:
        device = found(book).device
        meeting = begin(book)
        meeting.apply(speech(book, "Đồng ý với dự thảo."))
    with sotay.Handbook.open(tmp_path / "p") as again:
        assert again.device == device
        assert again.meeting(meeting_id(again)).view().speeches[0].text == "Đồng ý với dự thảo."


def meeting_id(book):
    return book.branch.meetings()[0].id


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(sotay.StorageError) as told:
        sotay.Handbook.create(tmp_path / "file" / "p", "P1")
    assert told.value.code == "folder"
    assert told.value.next_action == sotay.NextAction.CHANGE_INPUT


def test_one_profile_cannot_be_opened_twice(tmp_path):
    with sotay.Handbook.create(tmp_path / "p", "P1"):
        with pytest.raises(sotay.StorageError) as told:
            sotay.Handbook.open(tmp_path / "p")
        assert told.value.code == "profile_in_use"
    sotay.Handbook.open(tmp_path / "p").shutdown()


def test_two_profiles_at_once_do_not_disturb_each_other(phone):
    one, two = found(phone("A")), found(phone("B"))
    begin(one).apply(speech(one, "một"))
    assert two.branch.meetings() == []
    assert one.device != two.device
    one.shutdown()
    assert two.branch.card().label == "B"


def test_shutting_down_twice_is_fine_and_every_later_call_says_closed(phone):
    book = found(phone())
    meeting = begin(book)
    book.shutdown()
    book.shutdown()
    calls = [
        meeting.view,
        book.branch.card,
        lambda: book.changes(),
        lambda: book.sync.pending(),
        book.low_memory,
    ]
    for call in calls:
        with pytest.raises(sotay.StoppedError) as told:
            call()
        assert told.value.code == "stopped"


def test_a_profile_made_with_a_vault_opens_with_it_only(tmp_path):
    vault = Vault()
    with sotay.Handbook.create(tmp_path / "p", "P1", vault=vault) as book:
        device = found(book).device
    assert len(vault.labels) == 3, "device keys, the founding authority's, the database's"
    with pytest.raises(sotay.VaultError) as told:
        sotay.Handbook.open(tmp_path / "p")
    assert told.value.code == "vault_missing"
    with sotay.Handbook.open(tmp_path / "p", vault=vault) as again:
        assert again.device == device


@pytest.mark.parametrize(
    "refusal, code, action",
    [
        (sotay.VaultRefusal.Locked(), "vault_locked", sotay.NextAction.RETRY_LATER),
        (sotay.VaultRefusal.Gone(), "vault_key_gone", sotay.NextAction.ENROL_AGAIN),
        (sotay.VaultRefusal.Forged(), "vault_forged", sotay.NextAction.ENROL_AGAIN),
        (sotay.VaultRefusal.Refused(), "vault_failed", sotay.NextAction.RETRY_LATER),
        (RuntimeError("not declared"), "vault_failed", sotay.NextAction.RETRY_LATER),
    ],
)
def test_a_vault_that_does_not_give_the_keys_is_told_with_what_to_do(tmp_path, refusal, code, action):
    vault = Vault()
    sotay.Handbook.create(tmp_path / "p", "P1", vault=vault).shutdown()
    vault.refusal = refusal
    with pytest.raises(sotay.VaultError) as told:
        sotay.Handbook.open(tmp_path / "p", vault=vault)
    assert (told.value.code, told.value.next_action) == (code, action)
    vault.refusal = None
    sotay.Handbook.open(tmp_path / "p", vault=vault).shutdown()


def test_a_vault_that_refuses_at_creation_leaves_no_profile_behind(tmp_path):
    vault = Vault()
    vault.refusal = sotay.VaultRefusal.Locked()
    with pytest.raises(sotay.VaultError):
        sotay.Handbook.create(tmp_path / "p", "P1", vault=vault)
    vault.refusal = None
    sotay.Handbook.create(tmp_path / "p", "P1", vault=vault).shutdown()


def test_the_vault_of_a_passphrase_opens_with_the_same_passphrase_only(tmp_path):
    path = str(tmp_path / "vault")
    vault = sotay.passphrase_vault(path, "bốn chữ dễ nhớ")
    sotay.Handbook.create(tmp_path / "p", "P1", vault=vault).shutdown()
    with pytest.raises(sotay.VaultError):
        sotay.passphrase_vault(path, "sai")
    sotay.Handbook.open(tmp_path / "p", vault=sotay.passphrase_vault(path, "bốn chữ dễ nhớ")).shutdown()


@pytest.mark.parametrize("place", [sotay.PanicPlace.BRIDGE, sotay.PanicPlace.WORKER])
def test_a_panic_inside_becomes_an_exception_and_the_handbook_goes_on(secretary, place):
    meeting = begin(secretary)
    with pytest.raises(sotay.InternalError) as told:
        secretary.provoke_panic(place)
    assert told.value.next_action == sotay.NextAction.REPORT
    meeting.apply(speech(secretary, "vẫn ghi được"))
    assert meeting.view().speeches[0].text == "vẫn ghi được"


def test_calls_from_many_threads_at_once_all_succeed(secretary):
    meeting = begin(secretary)
    failures = []

    def write(number):
        try:
            meeting.apply(speech(secretary, f"ý kiến {number}"))
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(meeting.view().speeches) == 8


def test_low_memory_loses_nothing(secretary):
    meeting = begin(secretary)
    meeting.apply(speech(secretary, "còn nguyên"))
    before = meeting.minutes()
    secretary.low_memory()
    assert meeting.minutes() == before


def test_errors_have_texts_in_both_languages_and_a_next_action(secretary):
    with pytest.raises(sotay.InputError) as told:
        secretary.meeting("00" * 16).view()
    error = told.value
    assert error.code == "no_meeting"
    assert error.text(sotay.Language.VI) == "Không có cuộc họp này. Sửa lại rồi thử lại."
    assert error.text(sotay.Language.EN) == "There is no such meeting. Correct it and try again."
    assert str(error) == "There is no such meeting. [no_meeting]"


def test_ids_and_days_that_are_malformed_are_told_by_name(secretary):
    for call, name in [
        (lambda: secretary.meeting("not an id"), "meeting"),
        (lambda: secretary.branch.members("30/02/2025"), "on"),
        (lambda: secretary.branch.add_members(["X"], since="2025-02-30"), "since"),
        (lambda: begin(secretary).apply(sotay.MeetingCommand.SET_DATE("today")), "date"),
    ]:
        with pytest.raises(sotay.InputError) as told:
            call()
        assert told.value.code == "malformed"
        assert f'"{name}"' in str(told.value)
    assert SINCE
