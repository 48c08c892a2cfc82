//! sotay-engine
