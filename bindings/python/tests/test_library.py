"""Library, quizzes and reading aloud: behaviours 68 to 84 of bindings/BEHAVIOURS.md."""

import threading

import pytest

import sotay
from conftest import join

TEXT = """Điều 1. Phạm vi áp dụng
Quy định này áp dụng cho chi bộ trực thuộc đảng ủy cơ sở. Chi bộ họp lúc 19h30 ngày 05/4.
Điều 5. Chất lượng sinh hoạt
Mỗi quý chi bộ có một buổi sinh hoạt chuyên đề. Tỷ lệ đảng viên dự họp bình quân trong năm đạt từ 90% trở lên.
"""
QUOTE = "Mỗi quý chi bộ có một buổi sinh hoạt chuyên đề."


def publish(book, folder, text=TEXT, **more):
    """The regulation that the tests read, published from a file."""
    file = folder / "quy-dinh.txt"
    file.write_text(text, encoding="utf-8")
    details = dict(
        code="33-QĐ/TU", date="2022-02-10", kind="Quy định", issuer="Tỉnh ủy Hòa Giang", title="Chi bộ kiểu mẫu"
    )
    return book.library.publish(file, **{**details, **more})


def true_or_false(document, quote=QUOTE):
    """A question with its passage."""
    passage = sotay.PassageView(explanation="Điều 5", document=document, number=1, section="Điều 5", quote=quote)
    return sotay.QuizQuestion(
        text="Mỗi quý có một buổi chuyên đề?", task=sotay.QuizTask.TRUTH(right=True), passage=passage
    )


@pytest.fixture
def published(secretary, tmp_path):
    return secretary, publish(secretary, tmp_path).id


@pytest.fixture
def two_phones(phone, secretary, relay, tmp_path):
    """Two phones of one member, the document and the quiz that both have, and how they meet."""
    document = publish(secretary, tmp_path).id
    quiz = secretary.study.publish("Hỏi nhanh", [true_or_false(document)])
    first, second = phone("P4"), phone("P4b")
    member = join(secretary, first)
    first.sync.once(relay.address)
    secretary.sync.once(relay.address)
    second.branch.accept(secretary.branch.admit(second.branch.join_request().text, member))

    def meet():
        # The first phone learns of the second one, hands its keys over when it comes again, and each learns what the other wrote.
        for book in (secretary, first, second, first, second, first):
            book.sync.once(relay.address)

    return first, second, document, quiz, meet


class Voice(sotay.SpeechOutput):
    """Keeps what it is told to say."""

    def __init__(self):
        self.said, self.stops, self.broken = [], 0, False

    def speak(self, utterance):
        if self.broken:
            raise RuntimeError("the voice is broken")
        self.said.append(utterance)

    def stop(self):
        self.stops += 1


def test_a_published_file_is_understood_and_reaches_another_phone(pair, relay, tmp_path):
    secretary, deputy = pair
    published = publish(secretary, tmp_path)
    assert (published.articles, published.paragraphs, published.found_code) == (2, 2, None)
    secretary.sync.once(relay.address)
    deputy.sync.once(relay.address)
    entry = deputy.library.documents()[0]
    assert (entry.id, entry.code, entry.date, entry.complete) == (published.id, "33-QĐ/TU", "2022-02-10", True)
    assert [line.label for line in deputy.library.contents(entry.id)] == ["Điều 1", "Điều 5"]
    section = deputy.library.section(entry.id, 1)
    assert section.text[section.sentences[0].begin : section.sentences[0].end].strip() == QUOTE
    assert section.place.first_paragraph == 1


def test_search_finds_with_and_without_marks_and_by_code(published):
    book, document = published
    for query in ("sinh hoạt chuyên đề", "sinh hoat chuyen de", "sinh hoatj chuyeen ddeef", "33-QĐ/TU điều 5", "chuyên đ"):
        hits = book.library.search(query).hits
        assert [(hit.document, hit.section) for hit in hits[:1]] == [(document, "Điều 5")], query
    nothing = book.library.search("?!… ---")
    assert (nothing.hits, nothing.note) == ([], sotay.SearchNote.NO_WORDS)


def test_an_answer_stands_word_for_word_in_the_section_it_cites_or_is_honestly_not_found(published):
    book, document = published
    answers = book.library.ask("Tỷ lệ dự họp bình quân là bao nhiêu?")
    quote = answers.quotes[0]
    assert "90%" in quote.quote and answers.message is None
    assert quote.quote in book.library.section(document, quote.number).text
    nothing = book.library.ask("Giá vàng hôm nay bao nhiêu?")
    assert (nothing.quotes, nothing.message) == ([], "Không tìm thấy trong các văn bản trên máy")


def test_a_query_over_the_limit_and_an_unknown_document_are_told(published):
    book, _ = published
    assert book.library.search("a" * 10_000).hits == []
    with pytest.raises(sotay.InputError) as long:
        book.library.search("a" * 10_001)
    assert long.value.code == "query_too_long"
    with pytest.raises(sotay.InputError) as unknown:
        book.library.contents("00" * 32)
    assert unknown.value.code == "no_document"
    with pytest.raises(sotay.InputError) as malformed:
        book.library.contents("nonsense")
    assert malformed.value.code == "malformed"


def test_a_file_that_cannot_be_published_is_told_with_its_reason(secretary, tmp_path):
    for text, code in (("TỐI MẬT\nĐiều 1. Phạm vi\nNội dung.\n", "secrecy_mark"), ("\n \n", "empty_document")):
        with pytest.raises(sotay.InputError) as refused:
            publish(secretary, tmp_path, text)
        assert refused.value.code == code
    with pytest.raises(sotay.InputError) as missing:
        secretary.library.publish(tmp_path / "nowhere.docx", "1-HD/CB", "2025-01-01", "HD", "Chi bộ", "Không có")
    assert missing.value.code == "file_unreadable"
    assert secretary.library.documents() == []


def test_a_member_may_not_publish(phone, secretary, tmp_path):
    member = phone("P4")
    join(secretary, member)
    with pytest.raises(sotay.NotAllowedError):
        publish(member, tmp_path)


def test_a_second_phone_reads_what_the_first_one_wrote(two_phones):
    first, second, document, _, meet = two_phones
    first.library.read_on(document, furthest=1, more_seconds=60)
    meet()
    assert second.library.documents()[0].reading == first.library.documents()[0].reading
    reading = second.library.read_on(document, furthest=2, more_seconds=30)
    assert (reading.furthest, reading.total, reading.percent, reading.seconds) == (2, 2, 100, 90)
    assert second.library.finish_reading(document).finished
    meet()
    assert first.library.documents()[0].reading == second.library.documents()[0].reading


def test_two_phones_of_a_member_agree_on_what_is_due(two_phones):
    first, second, _, quiz, meet = two_phones
    for book, said in ((first, False), (second, True)):
        sheet = book.study.begin(quiz)
        answer = sotay.QuizAnswer(question=sheet.questions[0].question, given=sotay.GivenAnswer.TRUTH(said=said))
        book.study.hand_in(sheet, [answer])
        meet()
    assert len(first.study.attempts(quiz)) == 2
    assert first.study.attempts(quiz) == second.study.attempts(quiz)
    assert first.study.due() == second.study.due()
    assert first.study.overview() == second.study.overview()
    assert first.study.overview().questions == 1


def test_what_a_member_shares_is_counted_and_can_be_taken_back(published):
    book, document = published
    assert book.library.shared(document) == sotay.SharedMark.WITHDRAWN
    book.library.share(document, sotay.SharedMark.DONE)
    figures = book.library.delivery()[0]
    assert (figures.document, figures.members, figures.received, figures.done) == (document, 1, 1, None)
    told = book.library.readers(document)[0]
    assert (told.name, told.mark) == ("Nguyễn Văn Bình", sotay.SharedMark.DONE)
    book.library.share(document, sotay.SharedMark.WITHDRAWN)
    assert book.library.readers(document) == [] and book.library.delivery()[0].received == 0


def test_a_quiz_is_drafted_and_published_and_taken_and_repeated(published):
    book, document = published
    drafted = book.study.draft(document)
    assert drafted
    for question in drafted:
        assert question.passage.quote in book.library.section(document, question.passage.number).text
    quiz = book.study.publish("Kiểm tra", [true_or_false(document)])
    sheet = book.study.begin(quiz)
    assert (sheet.title, sheet.questions[0].kind) == ("Kiểm tra", sotay.AskedKind.TRUTH)
    wrong = sotay.GivenAnswer.TRUTH(said=False)
    asked = sheet.questions[0].question
    result = book.study.hand_in(sheet, [sotay.QuizAnswer(question=asked, given=wrong)])
    assert (result.marks.right, result.marks.total, result.questions[0].right) == (0, 1, False)
    assert result.questions[0].passage.quote == QUOTE
    listed = book.study.quizzes()[0]
    assert (listed.id, listed.attempts, listed.best.tenths) == (quiz, 1, 0)
    repeated = book.study.repeat(asked, sotay.GivenAnswer.TRUTH(said=True), sotay.AnswerRating.EASY)
    assert repeated.right and repeated.passage.section == "Điều 5"


def test_a_quiz_whose_passage_stands_nowhere_is_refused(published):
    book, document = published
    for question in (true_or_false(document, "Câu này không có."), true_or_false("00" * 32)):
        with pytest.raises(sotay.InputError) as refused:
            book.study.publish("Kiểm tra", [question])
        assert refused.value.code == "quiz_citation"
    assert book.study.quizzes() == []


def test_an_exam_that_is_not_open_is_refused_before_it_is_begun(published):
    book, document = published
    rules = sotay.ExamRules(opens=4_000_000_000, closes=4_000_003_600, attempts=1, minutes=20)
    quiz = book.study.publish("Kỳ thi", [true_or_false(document)], exam=rules)
    assert book.study.quizzes()[0].rules == rules
    with pytest.raises(sotay.InputError) as closed:
        book.study.begin(quiz)
    assert closed.value.code == "exam_not_yet"


def test_broadcasts_are_listed_in_order_with_their_links(secretary):
    link = sotay.WatchLinkView(label="VTV1", url="https://vtv.vn/truyen-hinh-truc-tuyen/vtv1.htm")
    times = (4_000_003_600, 4_000_000_000)
    secretary.library.publish_broadcasts(
        [sotay.NewBroadcast(start=start, minutes=45, title=f"Buổi {start}", links=[link]) for start in times]
    )
    listed = secretary.library.broadcasts()
    assert [one.start for one in listed] == sorted(times)
    assert (listed[0].links, listed[0].state, listed[0].recording) == ([link], sotay.AirState.NEXT, None)
    with pytest.raises(sotay.InputError) as refused:
        bad = sotay.WatchLinkView(label="x", url="javascript:alert(1)")
        secretary.library.publish_broadcasts([sotay.NewBroadcast(start=1, minutes=1, title="x", links=[bad])])
    assert refused.value.code == "schedule_link"


def test_text_for_a_voice_is_in_words_and_its_sentences_carry_ids():
    assert sotay.spoken("họp lúc 19h30 ngày 05/4") == "họp lúc mười chín giờ ba mươi phút ngày năm tháng tư"
    assert sotay.spoken("1.005 hộ", sotay.SpeechRegion.SOUTHERN) == "một ngàn không trăm lẻ năm hộ"
    text = "Có 38 đảng viên. Bí thư chủ trì.\nHết."
    sentences = sotay.spoken_sentences(text)
    assert [text[one.sentence.begin : one.sentence.end].strip() for one in sentences] == [
        "Có 38 đảng viên.",
        "Bí thư chủ trì.",
        "Hết.",
    ]
    ids = [one.sentence.id for one in sentences]
    assert len(set(ids)) == 3 and ids == [one.sentence.id for one in sotay.spoken_sentences(text)]
    assert sentences[0].spoken == "Có ba mươi tám đảng viên." and sentences[1].pause_ms > sentences[0].pause_ms


def test_sentences_are_read_aloud_one_after_the_other_and_the_heard_one_is_shown(published):
    book, document = published
    voice = Voice()
    reader = book.library.reader(document, voice)
    shown = []
    states = reader.states()
    follower = threading.Thread(target=lambda: shown.extend(states))
    follower.start()
    view, heard = reader.play(), []
    while view.state == sotay.ReaderState.SPEAKING:
        heard.append(view.heard)
        view = reader.finished(voice.said[-1].number)
    follower.join(60)
    assert not follower.is_alive() and shown[-1].state == sotay.ReaderState.ENDED
    assert len(heard) == len(voice.said) and voice.said[0].text.startswith("Điều một")
    text = book.library.section(document, 0).text
    spoken = [text[one.begin : one.end].strip() for one in heard if one.section == 0 and one.sentence]
    assert spoken[1] == "Chi bộ họp lúc 19h30 ngày 05/4."
    assert "mười chín giờ ba mươi phút" in " ".join(said.text for said in voice.said)


def test_what_was_heard_becomes_reading_progress(published):
    book, document = published
    voice = Voice()
    reader = book.library.reader(document, voice)
    view = reader.play()
    while view.heard.section == 0:
        view = reader.finished(voice.said[-1].number)
    assert book.library.documents()[0].reading.furthest == 1
    late = reader.finished(voice.said[0].number)
    assert late.heard == view.heard
    reader.pause()
    assert voice.stops == 1 and reader.view().state == sotay.ReaderState.PAUSED
    again = book.library.reader(document, voice)
    assert again.view().heard.section == 1


def test_a_voice_that_throws_pauses_the_reader_and_hurts_nobody(published):
    book, document = published
    voice = Voice()
    reader = book.library.reader(document, voice)
    voice.broken = True
    with pytest.raises(sotay.InputError) as failed:
        reader.play()
    assert failed.value.code == "voice_failed"
    assert reader.view().state == sotay.ReaderState.PAUSED
    assert book.library.search("chuyên đề").hits
    voice.broken = False
    assert reader.play().state == sotay.ReaderState.SPEAKING
