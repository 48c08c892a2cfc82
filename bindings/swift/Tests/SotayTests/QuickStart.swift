import Foundation
import Sotay

/// The quick start of `docs/EMBEDDING.md`, which is compared with it.
func quickStart(folder: URL, relay: String) async throws -> String? {
    // begin
    let book = try await Handbook.create(folder, label: "máy bí thư")
    try await book.branch.create(name: "Chi bộ thôn An Lạc", upper: "Đảng bộ xã Đông Phong", founder: "Nguyễn Văn Bình")
    let meeting = try book.meeting(await book.branch.newMeeting(.regular, month: "2025-05", date: "2025-05-20"))
    try await meeting.apply(.setPlace(text: "Nhà văn hóa thôn"))
    try await book.sync.once(relay)  // "relay.example.vn:7843#<key>"
    let place = try await meeting.view().place
    try await book.shutdown()
    // end
    return place
}
