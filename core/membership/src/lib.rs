//! sotay-membership
