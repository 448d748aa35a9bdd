//! How the demo plant behaves: two mixers that take turns, what they draw from, and what becomes of their product.
//!
//! Values hang together as they do in a plant: a pump's speed makes its flow, flows fill and empty vessels, the load of a machine
//! makes the current of its motor. Every ten minutes each mixer makes a batch; all else follows from that and from the schedule of faults.

use super::signals::{Pulse, Recurring, day_cycle, drift, noise, smooth, warm_up};

/// One batch: fill, mix and heat, discharge, rinse. The second mixer is half a batch behind the first.
const BATCH_SECONDS: f64 = 600.0;
const WATER_IN: Pulse = Pulse { start: 5.0, end: 180.0, ramp: 8.0, cycle: BATCH_SECONDS };
const FLAVOUR_IN: Pulse = Pulse { start: 20.0, end: 170.0, ramp: 5.0, cycle: BATCH_SECONDS };
const STIRRING: Pulse = Pulse { start: 60.0, end: 310.0, ramp: 15.0, cycle: BATCH_SECONDS };
const HEATING_FROM: f64 = 180.0;
const HEATING_TO: f64 = 300.0;
const PRODUCT_OUT: Pulse = Pulse { start: 300.0, end: 570.0, ramp: 8.0, cycle: BATCH_SECONDS };
const RINSE_FROM: f64 = 570.0;

const WATER_LITRES_PER_SECOND: f64 = 200.0 / 60.0;
const SYRUP_LITRES_PER_SECOND: f64 = 1.0;
const JUICE_LITRES_PER_SECOND: f64 = 80.0 / 60.0;
const BOTTLE_LITRES: f64 = 0.5;

/// The filler stops for a minute in twenty; its speed is chosen so that it fills what the mixers make.
const FILLING: Pulse = Pulse { start: 10.0, end: 1140.0, ramp: 10.0, cycle: 1200.0 };
/// The tanks of raw materials are filled up at the end of each of these.
const DELIVERY_SECONDS: f64 = 2400.0;
const UNLOADING_SECONDS: f64 = 240.0;

/// The steam valve of mixer 1 sticks while it heats, in every second batch.
pub(super) const OVERHEATING: Recurring = Recurring { first: 200.0, every: 1200.0, length: 150.0 };
/// The drive-end bearing of mixer 2 wears out in half an hour and is then replaced.
const BEARING_LIFE_SECONDS: f64 = 1800.0;
/// The radio link of the level sensor at the water tank fails for a minute and a half.
pub(super) const LEVEL_SENSOR_SILENT: Recurring = Recurring { first: 180.0, every: 600.0, length: 90.0 };

/// A moment of the plant's life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Seconds since the simulation began.
    pub(super) elapsed: f64,
    /// Hour of the day, UTC, for what follows the sun.
    pub(super) hour: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Idle,
    Run,
    Clean,
    Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MixerName {
    One,
    Two,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PumpName {
    Water,
    Syrup,
    Juice,
    Product,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TankName {
    Water,
    Syrup,
    Juice,
    Buffer,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mixer {
    pub(super) temperature_c: f64,
    pub(super) pressure_bar: f64,
    pub(super) speed_rpm: f64,
    pub(super) torque_nm: f64,
    pub(super) volume_l: f64,
    pub(super) mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pump {
    pub(super) speed_rpm: f64,
    pub(super) flow_l_min: f64,
    pub(super) pressure_bar: f64,
    pub(super) mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tank {
    pub(super) level_m: f64,
    pub(super) temperature_c: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motor {
    pub(super) current_a: f64,
    pub(super) power_kw: f64,
    pub(super) winding_c: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bearing {
    pub(super) velocity_mm_s: f64,
    pub(super) temperature_c: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Filler {
    pub(super) bottles_per_minute: f64,
    pub(super) bottles: u64,
    pub(super) rejected: u64,
    pub(super) product_c: f64,
    pub(super) mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Boiler {
    pub(super) steam_kpa: f64,
    pub(super) steam_c: f64,
    pub(super) gas_m3_h: f64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Plant {
    pub(super) seed: u64,
}

impl Plant {
    fn noise(&self, channel: u64, at: Moment) -> f64 {
        noise(self.seed ^ (channel << 32), at.elapsed)
    }

    fn drift(&self, channel: u64, at: Moment, period: f64) -> f64 {
        drift(self.seed ^ (channel << 32) ^ 0xD1F7, at.elapsed, period)
    }

    pub(super) fn ambient_c(&self, at: Moment) -> f64 {
        20.0 + 4.0 * day_cycle(at.hour) + self.drift(1, at, 300.0)
    }

    pub(super) fn mixer(&self, name: MixerName, at: Moment) -> Mixer {
        let channel = 10 + name as u64;
        let phase = batch_time(name, at.elapsed).rem_euclid(BATCH_SECONDS);
        let volume_l = mixer_litres(name, phase);
        let fault = self.overheating(name, at);
        let heat = if phase < HEATING_FROM {
            0.0
        } else if phase < HEATING_TO {
            warm_up(phase - HEATING_FROM, 40.0)
        } else {
            warm_up(HEATING_TO - HEATING_FROM, 40.0) * (-(phase - HEATING_TO) / 300.0).exp()
        };
        let speed_rpm = 85.0 * STIRRING.value(phase) * (1.0 + 0.01 * self.noise(channel, at));
        let torque_nm = 4.5 * speed_rpm * (volume_l / 700.0) * (1.0 + 0.03 * self.noise(channel + 2, at));
        Mixer {
            temperature_c: self.ambient_c(at) - 3.0 + 60.0 * heat + 36.0 * fault + 0.15 * self.noise(channel + 4, at),
            pressure_bar: 1.0 + 0.9 * heat + 0.8 * fault + 0.02 * self.noise(channel + 6, at),
            speed_rpm,
            torque_nm,
            volume_l,
            mode: mixer_mode(phase, fault),
        }
    }

    fn overheating(&self, name: MixerName, at: Moment) -> f64 {
        match name {
            MixerName::One => OVERHEATING.severity(at.elapsed),
            MixerName::Two => 0.0,
        }
    }

    pub(super) fn pump(&self, name: PumpName, at: Moment) -> Pump {
        let channel = 20 + name as u64;
        let duty = pump_duty(name, at.elapsed);
        let wear = 1.0 + 0.01 * self.drift(channel, at, 120.0);
        Pump {
            speed_rpm: duty * (1450.0 + 4.0 * self.noise(channel, at)),
            flow_l_min: duty * (60.0 * litres_per_second(name) * wear + self.noise(channel + 4, at)),
            pressure_bar: 1.0 + 3.2 * duty * duty + 0.03 * self.noise(channel + 8, at),
            mode: if duty > 0.0 { Mode::Run } else { Mode::Idle },
        }
    }

    pub(super) fn tank(&self, name: TankName, at: Moment) -> Tank {
        let channel = 40 + name as u64;
        let level_m = match name {
            TankName::Water => raw_level(PumpName::Water, 4.8, 40.0 / 6.0, at.elapsed),
            TankName::Syrup => raw_level(PumpName::Syrup, 2.4, 8.0 / 3.0, at.elapsed),
            TankName::Juice => raw_level(PumpName::Juice, 2.2, 8.0 / 3.0, at.elapsed),
            TankName::Buffer => 2.0 + (pumped_litres(PumpName::Product, at.elapsed) - bottled_litres(at.elapsed)) / 1000.0 / (15.0 / 4.0),
        };
        let cooled_by = if name == TankName::Buffer { 12.0 } else { 2.0 };
        Tank {
            level_m: level_m + 0.004 * self.noise(channel, at),
            temperature_c: self.ambient_c(at) - cooled_by + 0.1 * self.noise(channel + 4, at),
        }
    }

    /// A motor that gives `load` of its rated power.
    pub(super) fn motor(&self, channel: u64, rated_kw: f64, load: f64, at: Moment) -> Motor {
        let channel = 60 + channel;
        let power_kw = rated_kw * load * (1.0 + 0.01 * self.noise(channel, at));
        // At 400 V, power factor 0.85 and efficiency 0.9; what is left at no load magnetises the iron.
        let current_a = power_kw * 1.89 + if load > 0.0 { 0.35 * rated_kw } else { 0.0 };
        let rise = 30.0 * warm_up(at.elapsed, 300.0) + 15.0 * load;
        Motor { current_a, power_kw, winding_c: self.ambient_c(at) + rise + 0.3 * self.noise(channel + 20, at) }
    }

    pub(super) fn mixer_motor(&self, name: MixerName, at: Moment) -> Motor {
        let mixer = self.mixer(name, at);
        let shaft_kw = mixer.torque_nm * mixer.speed_rpm / 9549.0;
        self.motor(name as u64, 7.5, shaft_kw / 7.5, at)
    }

    pub(super) fn pump_motor(&self, name: PumpName, rated_kw: f64, at: Moment) -> Motor {
        let duty = pump_duty(name, at.elapsed);
        self.motor(4 + name as u64, rated_kw, 0.8 * duty * duty * duty, at)
    }

    pub(super) fn bearing(&self, mixer: MixerName, is_drive_end: bool, at: Moment) -> Bearing {
        let channel = 100 + 2 * mixer as u64 + u64::from(is_drive_end);
        let turning = STIRRING.value(batch_time(mixer, at.elapsed));
        let age = at.elapsed.rem_euclid(BEARING_LIFE_SECONDS) / BEARING_LIFE_SECONDS;
        let wear = if mixer == MixerName::Two && is_drive_end { age.powi(3) } else { 0.0 };
        Bearing {
            velocity_mm_s: 0.15 + turning * (1.1 + 7.5 * wear + 0.15 * self.noise(channel, at)) + 0.02 * self.noise(channel + 4, at).abs(),
            temperature_c: self.ambient_c(at) + 14.0 * warm_up(at.elapsed, 400.0) + 22.0 * wear + 0.2 * self.noise(channel + 8, at),
        }
    }

    pub(super) fn filler(&self, at: Moment) -> Filler {
        let running = FILLING.value(at.elapsed);
        let bottles = (bottled_litres(at.elapsed) / BOTTLE_LITRES) as u64;
        Filler {
            bottles_per_minute: (60.0 * bottles_per_second() * running * (1.0 + 0.005 * self.noise(120, at))).round(),
            bottles,
            rejected: bottles / 1700,
            product_c: self.ambient_c(at) - 11.0 + 0.2 * self.noise(121, at),
            mode: if running > 0.0 { Mode::Run } else { Mode::Idle },
        }
    }

    pub(super) fn boiler(&self, at: Moment) -> Boiler {
        let heats = |name: MixerName| {
            let phase = batch_time(name, at.elapsed).rem_euclid(BATCH_SECONDS);
            smooth((phase - HEATING_FROM) / 15.0).min(smooth((HEATING_TO - phase) / 15.0))
        };
        let demand = heats(MixerName::One) + heats(MixerName::Two) + OVERHEATING.severity(at.elapsed);
        let up = warm_up(at.elapsed, 60.0);
        Boiler {
            steam_kpa: 100.0 + up * (720.0 - 45.0 * demand) + 4.0 * self.noise(130, at),
            steam_c: 20.0 + up * (151.0 - 2.0 * demand) + 0.3 * self.noise(131, at),
            gas_m3_h: 70.0 * (1.0 - up) + 14.0 + 26.0 * demand + 0.5 * self.noise(132, at),
        }
    }

    /// Power in kW and energy in kWh; the energy is the exact integral of the power without its noise.
    pub(super) fn meter(&self, base_kw: f64, swing_kw: f64, at: Moment) -> (f64, f64) {
        let turn = std::f64::consts::TAU / BATCH_SECONDS;
        let power = base_kw + swing_kw * (turn * at.elapsed).sin();
        let energy = base_kw * at.elapsed + swing_kw / turn * (1.0 - (turn * at.elapsed).cos());
        (power + 0.01 * base_kw * self.noise(140 + base_kw as u64, at), energy / 3600.0)
    }
}

/// The clock by which a mixer works off its batches.
fn batch_time(name: MixerName, elapsed: f64) -> f64 {
    match name {
        MixerName::One => elapsed,
        MixerName::Two => elapsed + BATCH_SECONDS / 2.0,
    }
}

fn mixer_mode(phase: f64, fault: f64) -> Mode {
    if fault > 0.8 {
        Mode::Fault
    } else if phase >= RINSE_FROM {
        Mode::Clean
    } else if phase < WATER_IN.start {
        Mode::Idle
    } else {
        Mode::Run
    }
}

fn batch_litres(name: MixerName) -> f64 {
    let flavour = match name {
        MixerName::One => SYRUP_LITRES_PER_SECOND,
        MixerName::Two => JUICE_LITRES_PER_SECOND,
    };
    WATER_LITRES_PER_SECOND * WATER_IN.per_cycle() + flavour * FLAVOUR_IN.per_cycle()
}

/// What went in so far in this batch, less what went out.
fn mixer_litres(name: MixerName, phase: f64) -> f64 {
    let filled = WATER_IN.total(phase) / WATER_IN.per_cycle();
    let emptied = PRODUCT_OUT.total(phase) / PRODUCT_OUT.per_cycle();
    batch_litres(name) * (filled - emptied).max(0.0)
}

/// Which mixers a pump serves, and when.
fn users(name: PumpName) -> &'static [(MixerName, Pulse)] {
    match name {
        PumpName::Water => &[(MixerName::One, WATER_IN), (MixerName::Two, WATER_IN)],
        PumpName::Syrup => &[(MixerName::One, FLAVOUR_IN)],
        PumpName::Juice => &[(MixerName::Two, FLAVOUR_IN)],
        PumpName::Product => &[(MixerName::One, PRODUCT_OUT), (MixerName::Two, PRODUCT_OUT)],
    }
}

fn litres_per_second(name: PumpName) -> f64 {
    match name {
        PumpName::Water => WATER_LITRES_PER_SECOND,
        PumpName::Syrup => SYRUP_LITRES_PER_SECOND,
        PumpName::Juice => JUICE_LITRES_PER_SECOND,
        PumpName::Product => (batch_litres(MixerName::One) + batch_litres(MixerName::Two)) / (2.0 * PRODUCT_OUT.per_cycle()),
    }
}

fn pump_duty(name: PumpName, elapsed: f64) -> f64 {
    users(name).iter().map(|(mixer, pulse)| pulse.value(batch_time(*mixer, elapsed))).sum::<f64>().min(1.0)
}

fn pumped_litres(name: PumpName, elapsed: f64) -> f64 {
    let seconds: f64 =
        users(name).iter().map(|(mixer, pulse)| pulse.total(batch_time(*mixer, elapsed)) - pulse.total(batch_time(*mixer, 0.0))).sum();
    seconds * litres_per_second(name)
}

/// Falls as the pump draws, and rises again when a delivery is unloaded.
fn raw_level(pump: PumpName, full_m: f64, floor_m2: f64, elapsed: f64) -> f64 {
    let since = elapsed.rem_euclid(DELIVERY_SECONDS);
    let drawn = pumped_litres(pump, since);
    let delivered = pumped_litres(pump, DELIVERY_SECONDS) * smooth((since - (DELIVERY_SECONDS - UNLOADING_SECONDS)) / UNLOADING_SECONDS);
    full_m - (drawn - delivered) / 1000.0 / floor_m2
}

fn bottles_per_second() -> f64 {
    let made_per_cycle = (batch_litres(MixerName::One) + batch_litres(MixerName::Two)) * FILLING.cycle / BATCH_SECONDS;
    made_per_cycle / BOTTLE_LITRES / FILLING.per_cycle()
}

fn bottled_litres(elapsed: f64) -> f64 {
    bottles_per_second() * FILLING.total(elapsed) * BOTTLE_LITRES
}
