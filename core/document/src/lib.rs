//! sotay-document
