"""The library, quizzes and reading aloud."""

import os
import threading
from collections import deque
from typing import Any, Deque, Iterator, List, Optional, Sequence, Tuple, Union

from ._native import ffi
from .errors import translated

_Path = Union[str, "os.PathLike[str]"]

#: Results of a search that names no number.
SEARCH_RESULTS = 20
#: Questions that are drafted where no number is given.
DRAFTS = 20


class _Watched(ffi.SpeechOutput):
    """Tells when another sentence begins, for a voice may go on by itself."""

    def __init__(self, voice: Any) -> None:
        self._voice = voice
        self.spoke: Any = lambda: None

    def speak(self, utterance: Any) -> None:
        self.spoke()
        self._voice.speak(utterance)

    def stop(self) -> None:
        self._voice.stop()


class Reader:
    """Reads a document aloud through an object with ``speak(utterance)`` and ``stop()``. When the voice has finished, its pause
    included, it calls ``finished`` with the utterance's number."""

    def __init__(self, voice: Any, open_reader: Any) -> None:
        watched = _Watched(voice)
        self._raw = open_reader(watched)
        self._changed = threading.Condition()
        self._followers: List[Deque[Any]] = []
        self._shown = self._raw.view()
        watched.spoke = self._look

    @translated
    def view(self) -> Any:
        """What it does and which sentence is heard now."""
        return self._raw.view()

    def states(self) -> Iterator[Any]:
        """What it does and which sentence is heard: now, and whenever it changes. Ends after everything was spoken."""
        waiting: Deque[Any] = deque(maxlen=1)
        with self._changed:
            waiting.append(self._shown)
            self._followers.append(waiting)
        return self._states(waiting)

    def _states(self, waiting: Deque[Any]) -> Iterator[Any]:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: waiting)
                    view = waiting.popleft()
                yield view
                if view.state == ffi.ReaderState.ENDED:
                    return
        finally:
            with self._changed:
                self._followers = [one for one in self._followers if one is not waiting]

    def play(self) -> Any:
        """Speaks, from the sentence that stands highlighted."""
        return self._steer(self._raw.play)

    def pause(self) -> Any:
        """Falls silent; ``play`` begins the same sentence again."""
        return self._steer(self._raw.pause)

    def next(self) -> Any:
        """Goes to the next sentence, spoken or not."""
        return self._steer(self._raw.next)

    def previous(self) -> Any:
        """Goes to the sentence before."""
        return self._steer(self._raw.previous)

    def finished(self, utterance: int) -> Any:
        """The voice has finished an utterance: the next one is spoken. A report about an earlier one changes nothing."""
        return self._steer(self._raw.finished, utterance)

    def _steer(self, call: Any, *arguments: Any) -> Any:
        try:
            return translated(call)(*arguments)
        finally:
            self._look()

    def _look(self) -> None:
        with self._changed:
            view = self._raw.view()
            if view != self._shown:
                self._shown = view
                for waiting in self._followers:
                    waiting.append(view)
                self._changed.notify_all()


class Library:
    """Documents, reading, search, answers, reading aloud, broadcasts. All of it works without a network."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def documents(self) -> List[Any]:
        """The documents, newest first."""
        return self._raw.documents()

    @translated
    def contents(self, document: str) -> List[Any]:
        """The contents of a document."""
        return self._raw.contents(document)

    @translated
    def section(self, document: str, number: int) -> Any:
        """One section, counted from 0, with its sentences."""
        return self._raw.section(document, number)

    @translated
    def search(self, query: str, limit: int = SEARCH_RESULTS) -> Any:
        """Searches, best result first. Marks may be missing; codes, articles and raw keystrokes are understood."""
        return self._raw.search(query, limit)

    @translated
    def ask(self, question: str) -> Any:
        """Answers with sentences that stand word for word in the library, or says that there is no answer."""
        return self._raw.ask_question(question)

    @translated
    def read_on(self, document: str, furthest: int, more_seconds: int = 0) -> Any:
        """Notes how many paragraphs were reached on this phone. Private."""
        return self._raw.read_on(document, furthest, more_seconds)

    @translated
    def finish_reading(self, document: str) -> Any:
        """Notes that the holder is done with a document. Private; see ``share``."""
        return self._raw.finish_reading(document)

    @translated
    def share(self, document: str, mark: Any) -> None:
        """Tells the unit about a document, or takes it back."""
        self._raw.share(document, mark)

    @translated
    def shared(self, document: str) -> Any:
        """What the holder told of a document."""
        return self._raw.shared(document)

    @translated
    def delivery(self) -> List[Any]:
        """Figures of what members told, without persons."""
        return self._raw.delivery()

    @translated
    def readers(self, document: str) -> List[Any]:
        """Who told what of a document. For officers only."""
        return self._raw.readers(document)

    @translated
    def reader(
        self,
        document: str,
        voice: Any,
        sections: Optional[Tuple[int, int]] = None,
        region: Any = ffi.SpeechRegion.NORTHERN,
    ) -> Reader:
        """A reader that speaks a document, silent until ``play``. ``sections`` are the first one and the last one; without them it
        begins where the holder stopped reading."""
        first, last = sections or (None, None)
        return Reader(voice, lambda watched: self._raw.reader(document, first, last, region, watched))

    @translated
    def broadcasts(self) -> List[Any]:
        """The broadcasts of the unit, in order of time."""
        return self._raw.broadcasts()

    @translated
    def publish_broadcasts(self, entries: Sequence[Any]) -> None:
        """Publishes a schedule of ``NewBroadcast``. Officers only. Of a recording (a path) name, size and hash are announced;
        the file itself travels some other way."""
        self._raw.publish_broadcasts(list(entries))

    @translated
    def take_in_recording(self, recording: str, file: _Path, to: _Path) -> Any:
        """Copies the file of a recording (by the hash that its broadcast names) to where it is kept, if every byte of it is the
        published one; gives what was announced of it. The platform plays it."""
        return self._raw.take_in_recording(recording, os.fspath(file), os.fspath(to))

    @translated
    def publish(
        self,
        file: _Path,
        code: str,
        date: str,
        kind: str,
        issuer: str,
        title: str,
        links: Sequence[Any] = (),
    ) -> Any:
        """Reads a .docx, PDF, HTML or text file and publishes it to everybody in the unit. Officers only."""
        return self._raw.publish(
            ffi.NewDocument(
                path=os.fspath(file), kind=kind, code=code, issuer=issuer, date=date, title=title, links=list(links)
            )
        )


class Study:
    """Quizzes and their repetition. Answers are private and agree on all phones of a member."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def quizzes(self) -> List[Any]:
        """The quizzes of the unit, by title."""
        return self._raw.quizzes()

    @translated
    def begin(self, quiz: str) -> Any:
        """Begins an attempt; nothing is written until ``hand_in``."""
        return self._raw.begin(quiz)

    @translated
    def hand_in(self, sheet: Any, answers: Sequence[Any]) -> Any:
        """Hands in the answers to a sheet; questions without one were left out."""
        return self._raw.hand_in(sheet, list(answers))

    @translated
    def attempts(self, quiz: str) -> List[Any]:
        """The holder's attempts at a quiz on all phones."""
        return self._raw.attempts(quiz)

    @translated
    def due(self) -> List[Any]:
        """The questions to repeat now, the longest overdue first."""
        return self._raw.due()

    @translated
    def repeat(self, question: str, given: Any, felt: Any = None) -> Any:
        """Notes the answer to a repeated question, and how well a right answer was felt to be known."""
        return self._raw.repeat(question, given, felt)

    @translated
    def overview(self) -> Any:
        """How the holder's learning stands."""
        return self._raw.overview()

    @translated
    def draft(self, document: str, seed: int = 1, limit: int = DRAFTS) -> List[Any]:
        """Questions drafted from a document, each with its passage, for a person to read."""
        return self._raw.draft(document, seed, limit)

    @translated
    def publish(self, title: str, questions: Sequence[Any], exam: Any = None) -> str:
        """Publishes a quiz; gives its id. Officers only."""
        return self._raw.publish(ffi.NewQuiz(title=title, questions=list(questions), exam=exam))


@translated
def spoken(text: str, region: Any = ffi.SpeechRegion.NORTHERN) -> str:
    """A text as a voice is to speak it: numbers, dates, codes and abbreviations in words."""
    return ffi.speech_text(text, region)


@translated
def spoken_sentences(text: str, region: Any = ffi.SpeechRegion.NORTHERN) -> List[Any]:
    """A text cut into sentences with stable ids, each with what is spoken."""
    return ffi.speech_sentences(text, region)
