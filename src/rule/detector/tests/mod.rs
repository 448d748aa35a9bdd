//! Detectors: the profile line by line, what is found before they run, and the golden traces.

mod golden;
mod iot_events;
mod loading;
mod profile;
