//! Queries and updates in AWS's shapes, and files of any bytes.

mod describe;
mod fuzz;
