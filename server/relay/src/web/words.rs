//! What the page says, in Vietnamese and English.

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lang {
    #[default]
    Vi,
    En,
}

impl Lang {
    /// From `vi` or `en`.
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "vi" => Some(Lang::Vi),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Lang::Vi => "vi",
            Lang::En => "en",
        }
    }

    pub fn words(self) -> &'static Words {
        match self {
            Lang::Vi => &VI,
            Lang::En => &EN,
        }
    }
}

/// All texts that stand alone.
pub(crate) struct Words {
    pub title: &'static str,
    pub skip: &'static str,
    pub other_code: &'static str,
    pub other_name: &'static str,
    pub leave: &'static str,
    pub ready: &'static str,
    pub not_ready: &'static str,
    pub units: &'static str,
    pub up_to_date: &'static str,
    pub behind: &'static str,
    pub silent: &'static str,
    pub silent_short: &'static str,
    pub phones_now: &'static str,
    pub storage: &'static str,
    pub database: &'static str,
    pub disk_left: &'static str,
    pub syncs: &'static str,
    pub syncs_none: &'static str,
    pub satisfied: &'static str,
    pub tolerated: &'static str,
    pub frustrated: &'static str,
    pub hours_ago: &'static str,
    pub now: &'static str,
    pub refusals: &'static str,
    pub refusals_none: &'static str,
    pub reason: &'static str,
    pub count: &'static str,
    pub unit: &'static str,
    pub state: &'static str,
    pub phones: &'static str,
    pub phones_note: &'static str,
    pub last_contact: &'static str,
    pub size: &'static str,
    pub units_none: &'static str,
    pub unserved: &'static str,
    pub back: &'static str,
    pub devices: &'static str,
    pub device: &'static str,
    pub whole: &'static str,
    pub spaces: &'static str,
    pub space: &'static str,
    pub envelopes: &'static str,
    pub of_limit: &'static str,
    pub sign_in: &'static str,
    pub sign_in_how: &'static str,
    pub link_over: &'static str,
    pub token: &'static str,
    pub token_how: &'static str,
    pub token_enter: &'static str,
    pub token_wrong: &'static str,
    pub token_wait: &'static str,
    pub gone: &'static str,
    pub gone_how: &'static str,
    pub never: &'static str,
    pub today: &'static str,
    pub yesterday: &'static str,
    pub blocked: &'static str,
    pub others: &'static str,
    pub unread: &'static str,
    pub unread_how: &'static str,
    pub address: &'static str,
    pub address_how: &'static str,
}

static VI: Words = Words {
    title: "Trạm chuyển tiếp Sổ Tay",
    skip: "Đến nội dung",
    other_code: "en",
    other_name: "English",
    leave: "Thoát",
    ready: "Đang phục vụ các điện thoại",
    not_ready: "Chưa phục vụ được",
    units: "Chi bộ và đơn vị",
    up_to_date: "đã đủ",
    behind: "còn thiếu",
    silent: "im lặng trên 30 ngày",
    silent_short: "im lặng",
    phones_now: "điện thoại đang kết nối",
    storage: "Dung lượng",
    database: "Cơ sở dữ liệu",
    disk_left: "Còn trống trên đĩa",
    syncs: "Đồng bộ trong 24 giờ qua",
    syncs_none: "Chưa có lần đồng bộ nào trong 24 giờ qua.",
    satisfied: "trong 2 giây",
    tolerated: "trong 8 giây",
    frustrated: "lâu hơn 8 giây",
    hours_ago: "24 giờ trước",
    now: "bây giờ",
    refusals: "Từ chối trong 24 giờ qua",
    refusals_none: "Không có gì bị từ chối.",
    reason: "Lý do",
    count: "Số lần",
    unit: "Đơn vị",
    state: "Tình trạng",
    phones: "Điện thoại",
    phones_note: "đủ / thiếu / im lặng",
    last_contact: "Liên lạc gần nhất",
    size: "Dung lượng",
    units_none: "Chưa có đơn vị nào. Đơn vị xuất hiện khi người lập đơn vị đồng bộ lần đầu.",
    unserved: "không phục vụ",
    back: "Tất cả đơn vị",
    devices: "Điện thoại",
    device: "Máy",
    whole: "Có đủ mọi thứ",
    spaces: "Không gian",
    space: "Loại",
    envelopes: "Số phong bì",
    of_limit: "So với giới hạn",
    sign_in: "Cần đăng nhập",
    sign_in_how: "Trên máy chủ, hãy chạy lệnh dưới đây rồi mở đường dẫn mà lệnh in ra. Đường dẫn dùng được một lần, trong 10 phút.",
    link_over: "Đường dẫn đã dùng rồi hoặc đã hết hạn.",
    token: "Mã truy cập",
    token_how: "Hoặc nhập mã truy cập ghi trong tệp cấu hình (page-token).",
    token_enter: "Đăng nhập",
    token_wrong: "Mã truy cập không đúng.",
    token_wait: "Vừa có người nhập sai mã. Hãy đợi một giây rồi thử lại.",
    gone: "Không có trang này",
    gone_how: "Đơn vị không có trên trạm này, hoặc địa chỉ sai.",
    never: "chưa bao giờ",
    today: "hôm nay",
    yesterday: "hôm qua",
    blocked: "bị chặn",
    others: "máy khác chưa bao giờ liên lạc: máy dùng một lần cho thư góp ý không tên, hoặc khách.",
    unread: "Hiện chưa đọc được",
    unread_how: "Hiện chưa đọc được cơ sở dữ liệu. Điện thoại vẫn giữ đủ dữ liệu của mình và sẽ thử lại.",
    address: "Địa chỉ cho điện thoại",
    address_how: "Gửi dòng này cho bí thư các chi bộ, hoặc đưa mã để quét.",
};

static EN: Words = Words {
    title: "Sổ Tay relay",
    skip: "Skip to content",
    other_code: "vi",
    other_name: "Tiếng Việt",
    leave: "Sign out",
    ready: "Serving phones",
    not_ready: "Not serving",
    units: "Branches and units",
    up_to_date: "up to date",
    behind: "behind",
    silent: "silent for 30 days",
    silent_short: "silent",
    phones_now: "phones connected",
    storage: "Storage",
    database: "Database",
    disk_left: "Left on the disk",
    syncs: "Syncs of the last 24 hours",
    syncs_none: "No sync in the last 24 hours.",
    satisfied: "within 2 seconds",
    tolerated: "within 8 seconds",
    frustrated: "longer than 8 seconds",
    hours_ago: "24 hours ago",
    now: "now",
    refusals: "Refused in the last 24 hours",
    refusals_none: "Nothing was refused.",
    reason: "Reason",
    count: "Times",
    unit: "Unit",
    state: "State",
    phones: "Phones",
    phones_note: "up to date / behind / silent",
    last_contact: "Last contact",
    size: "Size",
    units_none: "No unit yet. A unit appears when its founder syncs for the first time.",
    unserved: "not served",
    back: "All units",
    devices: "Phones",
    device: "Device",
    whole: "Had everything",
    spaces: "Spaces",
    space: "Kind",
    envelopes: "Envelopes",
    of_limit: "Of the limit",
    sign_in: "Sign in first",
    sign_in_how: "On the server, run the command below and open the link it prints. The link works once, within 10 minutes.",
    link_over: "The link was used before or is over.",
    token: "Token",
    token_how: "Or enter the token of the configuration file (page-token).",
    token_enter: "Sign in",
    token_wrong: "The token is wrong.",
    token_wait: "Somebody has just entered a wrong token. Wait a second and try again.",
    gone: "No such page",
    gone_how: "The unit is not on this relay, or the address is wrong.",
    never: "never",
    today: "today",
    yesterday: "yesterday",
    blocked: "blocked",
    others: "more never came: one-time devices for letters without a name, or guests.",
    unread: "Not to be read now",
    unread_how: "The database cannot be read now. Phones keep what they have and try again.",
    address: "Address for phones",
    address_how: "Give this line to the secretaries of the branches, or let them scan the code.",
};

impl Words {
    /// A reason of the metrics, in a sentence.
    pub fn refusal(&self, reason: &str) -> &'static str {
        let (vi, en) = match reason {
            "not-served" => (
                "Đơn vị không được phép dùng trạm này",
                "A unit this relay does not serve",
            ),
            "unknown-unit" => (
                "Đơn vị chưa được lập ở đây",
                "A unit whose founding record is not here",
            ),
            "unknown-device" | "not-granted" => ("Điện thoại chưa được kết nạp", "A phone nobody admitted"),
            "revoked" => ("Điện thoại đã bị gỡ khỏi đơn vị", "A phone that was removed"),
            "suspended" => ("Điện thoại đang bị tạm dừng", "A phone that was set aside"),
            "forked" | "fork" => (
                "Điện thoại chạy tiếp từ bản sao cũ của chính nó",
                "A phone that went on from an old copy of itself",
            ),
            "beyond-cut-off" => (
                "Viết sau khi điện thoại đã bị gỡ",
                "Written after the phone was removed",
            ),
            "rank" | "not-member" | "wrong-kind" | "wrong-space" | "probationary" => {
                ("Người viết không có quyền này", "The member may not do that")
            }
            "gap" => (
                "Phong bì trước đó chưa đến; sẽ được gửi lại",
                "An earlier envelope is still on its way",
            ),
            "too-many-feeds" => (
                "Quá nhiều điện thoại trong một không gian",
                "Too many phones in one space",
            ),
            "cover" => (
                "Không khớp với bản gộp mà hai cán bộ đã ký",
                "Not what two officers signed as packed together",
            ),
            "quota" => (
                "Điện thoại đã dùng hết hạn mức; sẽ thử lại",
                "A phone over its quota; it tries again",
            ),
            _ => (
                "Dữ liệu hỏng, giả mạo, hoặc của ứng dụng mới hơn",
                "Damaged, forged, or of a newer app",
            ),
        };
        self.choose(vi, en)
    }

    /// A trouble of the health checks.
    pub fn trouble(&self, words: &'static str) -> &'static str {
        let vi = match words {
            "starting" => "đang khởi động",
            "stopping" => "đang dừng",
            "the disk is full" => "đĩa đã đầy",
            "the database cannot be written" => "không ghi được cơ sở dữ liệu",
            "the database is damaged" => "cơ sở dữ liệu bị hỏng",
            "the disk fails" => "đĩa bị lỗi",
            "the database server does not answer" => "máy chủ cơ sở dữ liệu không trả lời",
            _ => "cần khởi động lại",
        };
        self.choose(vi, words)
    }

    /// What a device may do; nothing of one that has no right any more.
    pub fn rank(&self, rank: Option<u64>) -> &'static str {
        match rank {
            Some(0 | 1) => self.choose("cấp trên", "level above"),
            Some(2) => self.choose("bí thư", "secretary"),
            Some(3) => self.choose("phó bí thư", "deputy"),
            Some(4) => self.choose("đảng viên", "member"),
            Some(_) => self.choose("khách hoặc thư", "guest or letter"),
            None => "",
        }
    }

    /// A state of a device, or a kind of space.
    pub fn named(&self, word: &str) -> String {
        let vi = match word {
            "active" => "hoạt động",
            "suspended" => "tạm dừng",
            "forked" => "tách nhánh",
            "revoked" => "đã gỡ",
            "not-granted" => "chưa kết nạp",
            "roll" => "danh sách",
            "main" => "chung",
            "committee" => "cấp ủy",
            "inbox" => "hộp thư",
            "report" => "báo cáo",
            "private" => "riêng",
            "broadcast" => "cấp trên gửi",
            _ => word,
        };
        match self.other_code {
            "en" => vi.to_owned(),
            _ => word.replace('-', " "),
        }
    }

    /// Since when is counted.
    pub fn counted(&self, hours: i64) -> String {
        let since = self.choose("Tính từ lúc trạm khởi động", "Counted since the relay started");
        let ago = match hours {
            0 => self
                .choose("chưa đầy một giờ trước", "less than an hour ago")
                .to_owned(),
            1 => self.choose("1 giờ trước", "1 hour ago").to_owned(),
            hours => format!("{hours} {}", self.choose("giờ trước", "hours ago")),
        };
        format!("{since}, {ago}.")
    }

    /// So many days ago.
    pub fn days(&self, days: i64) -> String {
        match days {
            0 => self.today.to_owned(),
            1 => self.yesterday.to_owned(),
            days => format!("{days} {}", self.choose("ngày trước", "days ago")),
        }
    }

    fn choose(&self, vi: &'static str, en: &'static str) -> &'static str {
        if self.other_code == "en" { vi } else { en }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::{deny_label, refuse_label};
    use sotay_sync::{DenyReason, RefuseReason};

    #[test]
    fn the_reasons_operators_meet_are_told_in_both_languages() {
        let other = Lang::En.words().refusal("malformed");
        for label in [
            deny_label(DenyReason::NotServed),
            deny_label(DenyReason::UnknownUnit),
            deny_label(DenyReason::UnknownDevice),
            deny_label(DenyReason::Revoked),
            deny_label(DenyReason::Suspended),
            refuse_label(RefuseReason::Quota { retry_after: 1 }),
            refuse_label(RefuseReason::Gap { expected: 1 }),
            refuse_label(RefuseReason::TooManyFeeds),
            refuse_label(RefuseReason::Cover { seq: 1 }),
        ] {
            let (vi, en) = (Lang::Vi.words().refusal(label), Lang::En.words().refusal(label));
            assert!(en != other && vi != en, "{label}");
        }
    }

    #[test]
    fn every_trouble_has_words_of_its_own() {
        use crate::health::Trouble;
        let all = [
            Trouble::Starting,
            Trouble::Stopping,
            Trouble::Full,
            Trouble::ReadOnly,
            Trouble::Corrupt,
            Trouble::Away,
            Trouble::Io,
            Trouble::Dead,
        ];
        let words: std::collections::BTreeSet<_> = all
            .iter()
            .map(|trouble| Lang::Vi.words().trouble(trouble.words()))
            .collect();
        assert_eq!(words.len(), all.len());
    }
}
