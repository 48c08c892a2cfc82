"""The documents of this binding hold."""

import doctest
from pathlib import Path

import sotay

ROOT = Path(__file__).resolve().parents[3]


def test_the_quick_start_runs_as_written():
    result = doctest.testmod(sotay)
    assert (result.failed, result.attempted) == (0, 3)


def test_the_quick_start_of_the_guide_runs_as_written(tmp_path, relay, capsys):
    guide = (ROOT / "docs" / "EMBEDDING.md").read_text(encoding="utf-8")
    source = guide.split("```python\n", 1)[1].split("```", 1)[0]
    assert "/data/p1" in source and "relay.example.vn:7843#<key>" in source
    exec(source.replace("/data/p1", str(tmp_path / "p1")).replace("relay.example.vn:7843#<key>", relay.address), {})
    assert capsys.readouterr().out == "Nhà văn hóa thôn\n"


def test_the_example_of_the_library_runs_as_written(tmp_path, secretary):
    guide = (ROOT / "docs" / "EMBEDDING.md").read_text(encoding="utf-8")
    source = guide.split("```python\n")[2].split("```", 1)[0]
    file = tmp_path / "quy-che.txt"
    file.write_text("Điều 1. Biểu quyết\nBiểu quyết bằng giơ tay.\n", encoding="utf-8")
    said = []

    class Voice:
        def speak(self, utterance):
            said.append(utterance.text)

        def stop(self):
            pass

    names = {"book": secretary, "file": file, "voice": Voice()}
    exec(source, names)
    assert [one.quote for one in names["answers"].quotes] == ["Biểu quyết bằng giơ tay."]
    assert said == ["Điều một. Biểu quyết"] and names["view"].state == sotay.ReaderState.SPEAKING


def test_the_list_of_behaviours_and_the_tests_name_the_same(request):
    listed = (ROOT / "bindings" / "BEHAVIOURS.md").read_text(encoding="utf-8")
    said = {words(line.split(". ", 1)[1].split(" (")[0]) for line in listed.splitlines() if line[:1].isdigit()}
    here = {
        words(line.split("(")[0].removeprefix("def test_"))
        for file in ("test_profiles.py", "test_meetings.py", "test_sync.py", "test_records.py", "test_library.py", "test_people.py", "test_units.py")
        for line in (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
        if line.startswith("def test_")
    }
    assert said == here


def words(text):
    """Letters and digits only, in lower case."""
    return "".join(letter for letter in text.lower() if letter.isalnum())
