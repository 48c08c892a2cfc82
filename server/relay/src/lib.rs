//! sotay-relay
