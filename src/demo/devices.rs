//! Who sends what, on which topic, how often: the devices and controllers of the demo plant, each with its own connection.
//!
//! Half of them publish natively, half in the formats that `twins/bindings.yaml` describes. About thirty messages a second in all.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::reading::Timestamp;

use super::garbage;
use super::plant::{LEVEL_SENSOR_SILENT, MixerName, Mode, Moment, Plant, PumpName, TankName};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

impl Message {
    pub(super) fn json(topic: impl Into<String>, payload: &Json) -> Message {
        Message { topic: topic.into(), payload: payload.to_string().into_bytes() }
    }

    /// As a device does that knows Pollux: `pollux/<twin>/telemetry`.
    fn telemetry(twin: &str, payload: &Json) -> Message {
        Message::json(format!("pollux/{twin}/telemetry"), payload)
    }
}

/// One connection.
pub(super) struct Device {
    pub(super) client_id: &'static str,
    pub(super) streams: Vec<Stream>,
}

type Make = Box<dyn Fn(&Plant, Moment, Timestamp) -> Vec<Message> + Send + Sync>;

/// What a device sends with one rhythm.
pub(super) struct Stream {
    pub(super) every: Duration,
    pub(super) make: Make,
}

fn every_ms(millis: u64, make: impl Fn(&Plant, Moment, Timestamp) -> Vec<Message> + Send + Sync + 'static) -> Stream {
    Stream { every: Duration::from_millis(millis), make: Box::new(make) }
}

pub(super) fn all() -> Vec<Device> {
    vec![
        drive("drive-pump-water", "pump-water", PumpName::Water, 5.5),
        drive("drive-pump-syrup", "pump-syrup", PumpName::Syrup, 3.0),
        drive("drive-pump-juice", "pump-juice", PumpName::Juice, 3.0),
        drive("drive-pump-product", "pump-product", PumpName::Product, 4.0),
        mixing_plc(),
        bottling_plc(),
        boiler_plc(),
        tank_gateway(),
        level_sensor(),
        spare_level_sensor(),
        vibration_sensor("vs-mixer-1", MixerName::One),
        vibration_sensor("vs-mixer-2", MixerName::Two),
        energy_meter("em-raw-materials", 6.0, 3.0),
        energy_meter("em-mixing", 14.0, 6.0),
        energy_meter("em-bottling", 38.0, 4.0),
        energy_meter("em-utilities", 22.0, 9.0),
    ]
}

/// A frequency converter that speaks for its pump and its motor.
fn drive(client_id: &'static str, pump: &'static str, name: PumpName, rated_kw: f64) -> Device {
    let fast = every_ms(1000, move |plant, at, now| {
        let state = plant.pump(name, at);
        let motor = plant.pump_motor(name, rated_kw, at);
        vec![
            Message::telemetry(
                pump,
                &json!({"ts": millis(now), "speed": round(state.speed_rpm, 1), "flow": round(state.flow_l_min, 1), "pressure": round(state.pressure_bar, 2)}),
            ),
            Message::telemetry(
                &format!("motor-{pump}"),
                &json!({"ts": millis(now), "current": round(motor.current_a, 2), "power": round(motor.power_kw, 3)}),
            ),
        ]
    });
    let slow = every_ms(5000, move |plant, at, now| {
        let motor = plant.pump_motor(name, rated_kw, at);
        vec![
            Message::telemetry(pump, &json!({"ts": millis(now), "mode": mode_code(plant.pump(name, at).mode)})),
            Message::telemetry(&format!("motor-{pump}"), &json!({"ts": millis(now), "windingTemperature": round(motor.winding_c, 1)})),
        ]
    });
    Device { client_id, streams: vec![fast, slow] }
}

/// Speaks for two mixers in a dialect of its own (binding `mixing-plc`), and natively for their motors.
fn mixing_plc() -> Device {
    let mixers = every_ms(500, |plant, at, now| {
        [("MX1", MixerName::One), ("MX2", MixerName::Two)]
            .into_iter()
            .map(|(tag, name)| {
                let state = plant.mixer(name, at);
                // A probe that has just been rinsed is not to be trusted.
                let opc_quality = if state.mode == Mode::Clean { 64 } else { 192 };
                let payload = json!({
                    "ts": millis(now), "q": opc_quality, "T": round(state.temperature_c * 1.8 + 32.0, 1), "p": round(state.pressure_bar * 10.0, 1),
                    "n": round(state.speed_rpm, 1), "M": round(state.torque_nm, 0), "V": round(state.volume_l, 0), "st": mode_code(state.mode),
                });
                Message::json(format!("plc/mixing/{tag}/values"), &payload)
            })
            .collect()
    });
    let motors = every_ms(1000, |plant, at, now| {
        [("motor-mixer-1", MixerName::One), ("motor-mixer-2", MixerName::Two)]
            .into_iter()
            .map(|(twin, name)| motor_message(twin, plant.mixer_motor(name, at), now))
            .collect()
    });
    Device { client_id: "plc-mixing", streams: vec![mixers, motors] }
}

fn motor_message(twin: &str, motor: super::plant::Motor, now: Timestamp) -> Message {
    let payload = json!({"ts": millis(now), "current": round(motor.current_a, 2), "power": round(motor.power_kw, 3), "windingTemperature": round(motor.winding_c, 1)});
    Message::telemetry(twin, &payload)
}

fn bottling_plc() -> Device {
    let stream = every_ms(1000, |plant, at, now| {
        let state = plant.filler(at);
        let word = match state.mode {
            Mode::Idle => "STOPPED",
            Mode::Run => "PRODUCING",
            Mode::Clean => "CIP",
            Mode::Fault => "ALARM",
        };
        let payload = json!({
            "time": now.to_string(), "state": word, "speed": state.bottles_per_minute,
            "count": {"good": state.bottles, "bad": state.rejected}, "productT": round(state.product_c, 1),
        });
        let load = if state.mode == Mode::Run { 0.55 } else { 0.05 };
        vec![Message::json("plc/bottling/FL1", &payload), motor_message("motor-filler-1", plant.motor(10, 11.0, load, at), now)]
    });
    Device { client_id: "plc-bottling", streams: vec![stream] }
}

fn boiler_plc() -> Device {
    let stream = every_ms(1000, |plant, at, now| {
        let state = plant.boiler(at);
        let payload = json!({
            "ts": millis(now), "steam": {"p_kPa": round(state.steam_kpa, 0), "T": round(state.steam_c, 1)}, "gas_m3h": round(state.gas_m3_h, 1), "run": 1,
        });
        let fan_load = (state.gas_m3_h / 100.0).clamp(0.1, 1.0);
        vec![Message::json("plc/utilities/boiler-1", &payload), motor_message("motor-boiler-fan", plant.motor(12, 2.2, fan_load, at), now)]
    });
    Device { client_id: "plc-boiler", streams: vec![stream] }
}

/// All tanks but the one with a sensor of its own, on one topic.
fn tank_gateway() -> Device {
    let stream = every_ms(2000, |plant, at, now| {
        let tanks = [
            ("tank-water", TankName::Water),
            ("tank-syrup", TankName::Syrup),
            ("tank-juice", TankName::Juice),
            ("tank-buffer", TankName::Buffer),
        ];
        tanks
            .into_iter()
            .map(|(twin, name)| {
                let state = plant.tank(name, at);
                let mut payload = json!({"tank": twin, "at": millis(now) as f64 / 1000.0, "temp": round(state.temperature_c, 1)});
                if name != TankName::Water {
                    payload["level"] = json!(round(state.level_m * 1000.0, 0));
                }
                Message::json("gateway/tanks", &payload)
            })
            .collect()
    });
    Device { client_id: "gateway-tanks", streams: vec![stream] }
}

/// The sensor that drops out: its radio link fails on schedule, and the level of the water tank goes stale.
fn level_sensor() -> Device {
    let level = every_ms(1000, |plant, at, now| {
        if LEVEL_SENSOR_SILENT.is_on(at.elapsed) {
            return Vec::new();
        }
        vec![Message::telemetry("ls-101", &json!({"ts": millis(now), "level": round(plant.tank(TankName::Water, at).level_m, 3)}))]
    });
    let about_itself = every_ms(60_000, |_, at, now| {
        let battery = round((97.0 - at.elapsed / 7200.0).max(5.0), 1);
        vec![
            Message::json("pollux/ls-101/reported", &json!({"firmware": "2.4.1"})),
            Message::telemetry("ls-101", &json!({"ts": millis(now), "battery": battery})),
        ]
    });
    Device { client_id: "ls-101", streams: vec![level, about_itself] }
}

fn spare_level_sensor() -> Device {
    let stream = every_ms(2000, |_, at, now| vec![garbage::message(at, now)]);
    Device { client_id: "ls-102", streams: vec![stream] }
}

/// Ten samples a second in one block (binding `vibration-blocks`), and the bearings of the motor it sits on.
fn vibration_sensor(id: &'static str, mixer: MixerName) -> Device {
    let number = match mixer {
        MixerName::One => 1,
        MixerName::Two => 2,
    };
    let block = every_ms(1000, move |plant, at, now| {
        let samples: Vec<Json> = (0..10u32)
            .map(|tick| {
                let ago_ms = (9 - tick) * 100;
                let then = Moment { elapsed: (at.elapsed - f64::from(ago_ms) / 1000.0).max(0.0), hour: at.hour };
                json!({"t": millis(now) - i64::from(ago_ms), "v": round(plant.bearing(mixer, true, then).velocity_mm_s, 2)})
            })
            .collect();
        let temperature = round(plant.bearing(mixer, true, at).temperature_c - 2.0, 1);
        vec![Message::json(format!("vibro/{id}/block"), &json!({"temp": temperature, "samples": samples}))]
    });
    let bearings = every_ms(1000, move |plant, at, now| {
        [("de", true), ("nde", false)]
            .into_iter()
            .map(|(end, is_drive_end)| {
                let state = plant.bearing(mixer, is_drive_end, at);
                let payload = json!({"ts": millis(now), "vibrationVelocity": round(state.velocity_mm_s, 2), "temperature": round(state.temperature_c, 1)});
                Message::telemetry(&format!("bearing-mixer-{number}-{end}"), &payload)
            })
            .collect()
    });
    Device { client_id: id, streams: vec![block, bearings] }
}

/// A cheap meter without a clock: it sends no time, so the time of receipt counts.
fn energy_meter(id: &'static str, base_kw: f64, swing_kw: f64) -> Device {
    let stream = every_ms(1000, move |plant, at, _| {
        let (power, energy) = plant.meter(base_kw, swing_kw, at);
        vec![Message::telemetry(
            id,
            &json!({"power": round(power, 2), "energy": round(energy, 3), "powerFactor": round(0.88 + power / base_kw * 0.03, 2)}),
        )]
    });
    Device { client_id: id, streams: vec![stream] }
}

/// The numbers of `Machine.mode`.
fn mode_code(mode: Mode) -> u8 {
    match mode {
        Mode::Idle => 0,
        Mode::Run => 1,
        Mode::Clean => 2,
        Mode::Fault => 9,
    }
}

/// Milliseconds since 1970, whole.
pub(super) fn millis(now: Timestamp) -> i64 {
    now.0.div_euclid(1000)
}

/// As many digits as an instrument shows.
pub(super) fn round(value: f64, digits: i32) -> f64 {
    let factor = 10f64.powi(digits);
    (value * factor).round() / factor
}
