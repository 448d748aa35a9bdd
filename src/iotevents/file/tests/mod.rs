//! Files in all their shapes.
