//! sotay-village-meeting
