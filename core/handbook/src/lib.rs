//! sotay-handbook
