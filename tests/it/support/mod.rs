//! What tests of the whole program stand on.
