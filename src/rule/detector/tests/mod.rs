//! Detectors: what is found before they run. How they run is shown in `iotevents::detector::tests`, with conditions that are written out.

mod loading;
