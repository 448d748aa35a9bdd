//! The plant is the same for the same seed, and stays within what its types allow.

use crate::reading::Timestamp;

use super::devices;
use super::plant::{LEVEL_SENSOR_SILENT, MixerName, Mode, Moment, OVERHEATING, Plant, PumpName, TankName};
use super::signals::{Pulse, Recurring, drift, noise};

const DAY: f64 = 86_400.0;

fn at(elapsed: f64) -> Moment {
    Moment { elapsed, hour: 12.0 }
}

fn plant() -> Plant {
    Plant { seed: 7 }
}

/// Ten hours in uneven steps.
fn moments() -> impl Iterator<Item = Moment> {
    (0..9_000).map(|step| at(f64::from(step) * 4.03))
}

#[test]
fn the_same_seed_gives_the_same_signal_and_another_one_does_not() {
    let series = |seed| (0..200).map(|i| noise(seed, f64::from(i) * 0.1) + drift(seed, f64::from(i), 30.0)).collect::<Vec<_>>();
    assert_eq!(series(1), series(1));
    assert_ne!(series(1), series(2));
    assert!((0..10_000).all(|i| noise(3, f64::from(i)).abs() <= 1.0 && drift(3, f64::from(i), 17.0).abs() <= 1.0));
}

#[test]
fn the_total_of_a_pulse_is_its_area() {
    let pulse = Pulse { start: 5.0, end: 30.0, ramp: 4.0, cycle: 50.0 };
    let mut area = 0.0;
    for step in 0..150_000 {
        let seconds = f64::from(step) * 0.001;
        assert!((pulse.total(seconds) - area).abs() < 0.01, "at {seconds}");
        area += pulse.value(seconds) * 0.001;
    }
}

#[test]
fn faults_come_on_schedule_rise_and_go() {
    let fault = Recurring { first: 100.0, every: 300.0, length: 50.0 };
    assert_eq!([99.0, 101.0, 149.0, 151.0, 401.0].map(|t| fault.is_on(t)), [false, true, true, false, true]);
    assert!(fault.severity(103.0) < 0.2 && fault.severity(130.0) == 1.0 && fault.severity(149.0) < 0.2);
}

#[test]
fn mixer_1_overheats_when_it_is_meant_to_and_only_then() {
    let hottest = |fault: bool| {
        let temperatures =
            moments().filter(|m| OVERHEATING.is_on(m.elapsed) == fault).map(|m| plant().mixer(MixerName::One, m).temperature_c);
        temperatures.fold(f64::MIN, f64::max)
    };
    assert!(hottest(true) > 95.0 && hottest(true) < 130.0, "{}", hottest(true));
    assert!(hottest(false) < 88.0, "{}", hottest(false));
    assert_eq!(plant().mixer(MixerName::One, at(280.0)).mode, Mode::Fault);
}

#[test]
fn values_stay_within_the_types() {
    for moment in moments() {
        for name in [MixerName::One, MixerName::Two] {
            let mixer = plant().mixer(name, moment);
            assert!((0.0..=800.0).contains(&mixer.volume_l) && (0.0..=120.0).contains(&mixer.speed_rpm), "{mixer:?}");
            assert!((5.0..130.0).contains(&mixer.temperature_c) && (0.9..6.0).contains(&mixer.pressure_bar), "{mixer:?}");
            let motor = plant().mixer_motor(name, moment);
            assert!((0.0..7.5).contains(&motor.power_kw) && motor.winding_c < 120.0, "{motor:?}");
            assert!((0.0..15.0).contains(&plant().bearing(name, true, moment).velocity_mm_s));
        }
        for name in [PumpName::Water, PumpName::Syrup, PumpName::Juice, PumpName::Product] {
            let pump = plant().pump(name, moment);
            assert!((0.0..260.0).contains(&pump.flow_l_min) && (0.0..1500.0).contains(&pump.speed_rpm.max(0.0)), "{pump:?}");
            assert_eq!(pump.flow_l_min > 0.0, pump.mode == Mode::Run, "{pump:?}");
        }
        for (name, height) in [(TankName::Water, 6.0), (TankName::Syrup, 3.0), (TankName::Juice, 3.0), (TankName::Buffer, 4.0)] {
            let tank = plant().tank(name, moment);
            assert!(tank.level_m > 0.2 && tank.level_m < height, "{name:?} {tank:?}");
        }
    }
}

/// What the pump takes from the tank arrives in the mixer.
#[test]
fn a_tank_falls_while_its_pump_runs() {
    let (before, after) = (at(30.0), at(160.0));
    let litres_drawn = (plant().tank(TankName::Syrup, before).level_m - plant().tank(TankName::Syrup, after).level_m) * 8000.0 / 3.0;
    let flow = plant().pump(PumpName::Syrup, at(100.0)).flow_l_min;
    assert!((litres_drawn - flow * 130.0 / 60.0).abs() < 25.0, "{litres_drawn} L at {flow} L/min");
    assert!(plant().mixer(MixerName::One, after).volume_l > plant().mixer(MixerName::One, before).volume_l + litres_drawn);
}

/// Over a day the filler takes what the mixers make: the buffer neither runs dry nor over.
#[test]
fn the_buffer_stays_in_balance() {
    assert!((plant().tank(TankName::Buffer, at(0.0)).level_m - plant().tank(TankName::Buffer, at(DAY)).level_m).abs() < 0.1);
}

#[test]
fn devices_have_names_of_their_own_and_send_about_thirty_messages_a_second() {
    let devices = devices::all();
    let mut names: Vec<_> = devices.iter().map(|device| device.client_id).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), devices.len());
    let now = Timestamp(1_767_225_600_000_000);
    let streams = devices.iter().flat_map(|device| &device.streams);
    let per_second: f64 = streams.map(|stream| (stream.make)(&plant(), at(10.0), now).len() as f64 / stream.every.as_secs_f64()).sum();
    assert!((20.0..60.0).contains(&per_second), "{per_second}");
}

#[test]
fn all_payloads_are_json_but_those_of_the_bad_device() {
    let now = Timestamp(1_767_225_600_000_000);
    let mut unreadable = 0;
    for device in devices::all() {
        for moment in moments().step_by(7) {
            for message in device.streams.iter().flat_map(|stream| (stream.make)(&plant(), moment, now)) {
                let is_json = serde_json::from_slice::<serde_json::Value>(&message.payload).is_ok();
                assert!(is_json || device.client_id == "ls-102", "{}: {:?}", message.topic, String::from_utf8_lossy(&message.payload));
                unreadable += usize::from(!is_json);
            }
        }
    }
    assert!(unreadable > 20, "{unreadable}");
}

#[test]
fn the_level_sensor_falls_silent_and_comes_back() {
    let devices = devices::all();
    let sensor = devices.iter().find(|device| device.client_id == "ls-101").unwrap();
    let sends = |elapsed| (sensor.streams[0].make)(&plant(), at(elapsed), Timestamp(0)).len();
    assert!(LEVEL_SENSOR_SILENT.is_on(200.0));
    assert_eq!([sends(170.0), sends(200.0), sends(280.0)], [1, 0, 1]);
}
