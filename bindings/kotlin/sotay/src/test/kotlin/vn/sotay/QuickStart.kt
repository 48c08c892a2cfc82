package vn.sotay

import java.io.File

/** The quick start of `docs/EMBEDDING.md`, which is compared with it. */
suspend fun quickStart(folder: File, relay: String): String? {
    // begin
    val book = Handbook.create(folder, label = "máy bí thư")
    book.branch.create("Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", founder = "Nguyễn Văn Bình")
    val meeting = book.meeting(book.branch.newMeeting(MeetingKind.REGULAR, month = "2025-05", date = "2025-05-20"))
    meeting.apply(MeetingCommand.SetPlace("Nhà văn hóa thôn"))
    book.sync.once(relay) // "relay.example.vn:7843#<key>"
    val place = meeting.view().place
    book.shutdown()
    // end
    return place
}
