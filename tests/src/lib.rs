//! sotay-tests
