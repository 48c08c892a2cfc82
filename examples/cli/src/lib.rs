//! sotay-cli
