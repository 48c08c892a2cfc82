//! sotay-net
