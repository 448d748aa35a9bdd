//! Tests of the builder language: what is refused, what is printed.
