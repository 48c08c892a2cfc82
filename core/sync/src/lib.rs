//! sotay-sync
