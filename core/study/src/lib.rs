//! sotay-study
