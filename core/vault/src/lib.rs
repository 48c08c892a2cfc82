//! sotay-vault
