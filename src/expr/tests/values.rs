//! Values: the offered part of CEL, and what is ours.

use super::super::*;
use super::{World, check_text, compile};

#[test]
fn arithmetic() {
    check_text(
        &World::usual(),
        "
        1 + 2 * 3 => 7
        (1 + 2) * 3 => 9
        7 / 2 => 3
        -7 / 2 => -3
        7 % 3 => 1
        -7 % 3 => -1
        7.5 / 2 => 3.75
        count / 2.0 => 3.5
        count / 0 => unknown DIVISION_BY_ZERO
        level / 0 => unknown DIVISION_BY_ZERO
        count % 0 => unknown DIVISION_BY_ZERO
        9223372036854775807 + count => unknown OVERFLOW
        -9223372036854775807 - count => unknown OVERFLOW
        9223372036854775807 * count => unknown OVERFLOW
        level * 1e308 * 1e308 => unknown NOT_FINITE
        -level => -2.5
        --level => 2.5
        1 + 1.5 => 2.5
        0x1F => 31
        2u => 2
        .5 + 1 => 1.5
        count + level => 9.5
        ",
    );
}

#[test]
fn comparison() {
    check_text(
        &World::usual(),
        "
        temperature > 80 => true
        temperature > params.hi => true
        count > 6.5 => true
        count == 7.0 => true
        9007199254740993 > 9007199254740992.0 => true
        count * 1287 + 9007199254731984 == 9007199254740993.0 => false
        'a' < 'b' => true
        'B' < 'a' => true
        'é' > 'z' => true
        mode == 'RUN' => true
        'RUN' != mode => false
        mode in ['IDLE', 'RUN'] => true
        mode in ['IDLE', 'CLEAN'] => false
        count in [1, 7.0] => true
        2.5 in samples => true
        3 in samples => false
        3 in [] => false
        'low' in settings => true
        'none' in meta => true
        started < now => true
        elapsed > duration('1h') => true
        [1, 2] == [1.0, 2] => true
        [1, 2] == [2, 1] => false
        meta.floor == 3 => true
        meta.site == 'Basel' => true
        meta.tags == ['a', 'b'] => true
        running == true => true
        variant == 'L' ? 11000 : variant == 'M' ? 12000 : 13000 => 11000
        serial == 'MX-0042é' && !(speed > 2000) => true
        ",
    );
}

#[test]
fn units() {
    check_text(
        &World::usual(),
        "
        torque * speed > 6 => true
        convert(torque * speed, 'W') => 6283.185307179587
        convert(temperature, 'degF') => 187.7
        temperature > quantity(185, 'degF') => true
        outside > 99.9 => true
        outside == quantity(100, 'degC') => true
        outside < temperature => false
        temperature - params.hi => 1.5 K
        temperature - 10 => 76.5 degC
        temperature + (params.hi - temperature) / 2 => 85.75 degC
        temperature + params.band => 88.5 degC
        params.band + temperature => 88.5 degC
        outside + params.band => 215.6 degF
        outside - temperature < quantity(30, 'K') => true
        temperature - outside => -13.5 K
        params.hi * 0.9 => 76.5 degC
        power > 5000 => false
        power > quantity(5000, 'W') => true
        parent.power => 0.004 MW
        parent.power < power => true
        ancestor('Area').setpoint < temperature => true
        humidity > 40 => true
        humidity * power => 2.75 kW
        power / quantity(2, 'kW') => 2.75
        power / quantity(2000, 'W') => 2.75
        pressure * quantity(2, 'm^2') > quantity(1100000, 'N') => true
        math.sqrt(quantity(9, 'm^2')) => 3.0 m
        math.pow(quantity(3, 'm'), 2) => 9.0 m^2
        math.greatest(power, quantity(9000, 'W')) => 9.0 kW
        math.sin(quantity(90, 'deg')) => 1.0
        math.clamp(temperature, 0, 50) => 50.0 degC
        running ? temperature : quantity(32, 'degF') => 86.5 degC
        orElse(previous(temperature), 20) => 20.0 degC
        1 / quantity(2.0, 's') => 0.5 1/s
        steps * 2 => 180 rpm
        geo.distance(position, position) => 0.0 m
        ",
    );
}

#[test]
fn functions() {
    check_text(
        &World::usual(),
        r#"
        size(serial) => 8
        serial.size() => 8
        samples.size() => 3
        size({'a': 1}) => 1
        serial.contains('004') => true
        serial.startsWith('MX-') => true
        serial.endsWith('é') => true
        serial.matches('^MX-[0-9]+') => true
        mode.startsWith('R') => true
        serial.lowerAscii() => "mx-0042é"
        serial.substring(3) => "0042é"
        serial.substring(7, 8) => "é"
        serial.substring(9) => unknown NOT_THERE
        serial.substring(-1) => unknown NOT_THERE
        serial.replace('0', 'o', 1) => "MX-o042é"
        ' x '.trim() => "x"
        'a' + 'b' + mode => "abRUN"
        int('42') + 1 => 43
        int(3.9) => 3
        int(-3.9) => -3
        int(level * 1e30) => unknown OVERFLOW
        int(serial) => unknown NOT_CONVERTIBLE
        double('2.5') => 2.5
        double(serial) => unknown NOT_CONVERTIBLE
        string(count) + '!' => "7!"
        string(1.0) => "1"
        string(level) => "2.5"
        string(running) => "true"
        string(timestamp(0)) => "1970-01-01T00:00:00Z"
        string(duration('1h30m')) => "5400s"
        bool('true') => true
        timestamp('2023-11-14T22:13:20Z') == now => true
        now - started => "PT15M"
        started + duration('15m') == now => true
        duration('1.5s') + duration('-0.5s') => "PT1S"
        elapsed.getMinutes() => 90
        now.getFullYear() => 2023
        now.getMonth() => 10
        now.getDate() => 14
        now.getDayOfMonth() => 13
        now.getDayOfWeek() => 2
        now.getHours() => 22
        now.getHours('Europe/Berlin') => 23
        now.getHours('+05:30') => 3
        now.getDayOfWeek('Asia/Tokyo') => 3
        math.abs(-3) => 3
        math.abs(-3.5) => 3.5
        math.ceil(1.2) => 2.0
        math.floor(-1.2) => -2.0
        math.round(2.5) => 3.0
        math.round(-2.5) => -3.0
        math.trunc(-2.7) => -2.0
        math.sign(-2.7) => -1.0
        math.sign(0) => 0
        math.greatest(1, 3, 2) => 3
        math.least([1, 3.5]) => 1.0
        math.isFinite(level) => true
        math.sqrt(-level) => unknown NOT_FINITE
        math.pow(2, 10) => 1024.0
        math.ln(math.e) => 1.0
        math.log10(level * 40) => 2.0
        math.hypot(3, 4) => 5.0
        math.pi > 3.14 => true
        samples[1] => 2.5
        samples[9] => unknown NOT_THERE
        settings['low'] => 1.5
        settings.high => 9.0
        settings.nope => unknown NOT_THERE
        config.limit > 80 => true
        meta.tags[0] => "a"
        has(config.limit) => true
        has(settings.nope) => false
        has(meta.none) => false
        has(this.temperature) => true
        has(drive.current) => true
        known(previous(temperature)) => false
        quality(temperature) => "GOOD"
        quality(temperature) in ['GOOD', 'UNCERTAIN'] => true
        now - timeOf(temperature) == duration('1m') => true
        changed(temperature) => false
        known(previous(ancestor('Area').setpoint)) || changed(parent.power) => false
        samples.all(x, x > 0) => true
        samples.exists(x, x > 3) => true
        samples.exists_one(x, x > 2) => false
        samples.map(x, x * 2) => [2.0,5.0,8.0]
        samples.filter(x, x > 2) => [2.5,4.0]
        samples.map(x, x > 2, x + 1)[0] => 3.5
        samples.filter(x, x > 2).all(y, samples.exists(z, z < y)) => true
        {'at': temperature, 'mode': mode, 'p': previous(temperature)} => {"at":86.5,"mode":"RUN","p":null}
        [temperature, 'x', mode] => [86.5,"x","RUN"]
        geo.inside(position, site) => true
        twin.name + '/' + twin.id => "Mixer 1/mixer-1"
        twin.severity == 'MAJOR' => true
        alarm.overheat => false
        vars.minutes + 1 => 42
        timeout('run') && trigger == 'INPUT' && input('temperature') && !event('serviced') => true
        this.loop + 1 => 2.0
        "#,
    );
}

/// Two rows of a milling machine, by unit algebra and by hand: the same to the last digit but one.
#[test]
fn the_power_of_a_drive() {
    let power = |text: &str, torque: f64, speed: f64| {
        let shape = super::world::number("W");
        let by_units = Expect::Value { name: "power", shape: &shape };
        let expect = if text.contains("pi") { Expect::Anything } else { by_units };
        let world = World::usual().with("torque", Ok(Datum::Double(torque))).with("speed", Ok(Datum::Double(speed)));
        super::world::compile_for(text, expect).unwrap().tree.number(&world).unwrap()
    };
    for (torque, speed, watts) in [(3.8, 2886.0, 1_148.440_610_446_284_6), (75.4, 1326.0, 10_469.923_004_765_633)] {
        assert_eq!(power("convert(torque, 'N.m') * convert(speed, 'rpm') * 2 * math.pi / 60", torque, speed), watts);
        assert!((power("torque * speed", torque, speed) - watts).abs() <= 2.0 * f64::EPSILON * watts);
    }
}

#[test]
fn folds_become_operands() {
    let mut names = super::world::mixer();
    let parsed = super::world::parse(
        "children('Pump').count(p, p.temperature > quantity(176, 'degF') && p.running) >= 2 && related('fedBy').sum(p, p.power) > 3",
    )
    .unwrap();
    let checked = check(&parsed, &mut names, Expect::Condition("when")).unwrap();
    assert!(checked.reads(Operand::Fold(0)) && checked.reads(Operand::Fold(1)));
    assert_eq!(names.folds.len(), 2);
    let body = names.folds[0].body.as_ref().unwrap();
    assert_eq!(body.dependencies.iter().map(|dependency| dependency.operand).collect::<Vec<_>>(), [Operand::Slot(0), Operand::Slot(3)]);
    assert_eq!(names.folds[1].shape.unit().map(|unit| unit.symbol().to_owned()), Some("kW".to_owned()));
    assert_eq!(
        (names.folds[1].aggregate, &names.folds[1].over),
        (Aggregate::Sum, &Over::Related { relation: "fedBy".into(), of_type: None })
    );
    assert!(compile("children.exists(c, c.severity == 'CRITICAL') && children.worst(c, c.severity) in ['MAJOR', 'CRITICAL']").is_ok());
    check_text(&World::usual(), "children.count() == 2 => true\nchildren('Pump').count(p, known(p.power)) * 2 => 4");
}

#[test]
fn what_is_read_is_listed() {
    let checked =
        compile("temperature > previous(temperature) && changed(speed) && quality(torque) == 'GOOD' && level > 0 && now > started")
            .unwrap();
    let uses: Vec<(Operand, Uses)> = checked.dependencies.iter().map(|dependency| (dependency.operand, dependency.uses)).collect();
    let none = Uses::default();
    assert_eq!(
        uses,
        [
            (Operand::Slot(0), Uses { value: true, previous: true, ..none }),
            (Operand::Slot(1), Uses { changed: true, ..none }),
            (Operand::Slot(2), Uses { about: true, ..none }),
            (Operand::Slot(6), Uses { value: true, ..none }),
            (Operand::Slot(13), Uses { value: true, ..none }),
            (Operand::Now, Uses { value: true, ..none }),
        ]
    );
}

#[test]
fn the_layout_of_a_text_does_not_matter() {
    let meaning = |text: &str| compile(text).unwrap().meaning;
    assert_eq!(meaning("temperature>params.hi&&mode=='RUN'"), meaning(" ( temperature > (params.hi) ) // hot\n && this.mode == \"RUN\""));
    assert_eq!(meaning("level > 1e1"), meaning("level > 10.0"));
    assert_eq!(meaning("running && (alarm.overheat && level > 1)"), meaning("(running && alarm.overheat) && level > 1"));
    for (a, b) in
        [("level > 1", "level > 2"), ("level > 1", "level >= 1"), ("level - 1 - 2", "level - (1 - 2)"), ("level > 1", "level > 1.0")]
    {
        assert_ne!(meaning(a), meaning(b), "{a} {b}");
    }
}

#[test]
fn values_fit_members() {
    let fits = |text: &str, name: &str| {
        let shape = super::world::mixer().resolve(&[name]).unwrap().shape;
        super::world::compile_for(text, Expect::Value { name, shape: &shape })
    };
    let number = |text: &str, name: &str| fits(text, name).unwrap().tree.evaluate(&World::usual());
    assert_eq!(number("torque * speed", "power"), Ok(Datum::Double(std::f64::consts::TAU)));
    assert_eq!(number("3", "level"), Ok(Datum::Double(3.0)));
    assert_eq!(number("'CLEAN'", "mode"), Ok(Datum::Enum(2)));
    assert_eq!(number("mode", "serial"), Ok(Datum::Text("RUN".into())));
    for (text, name, code) in [
        ("serial", "mode", "E723"),
        ("'CLEEN'", "mode", "E708"),
        ("2.5", "count", "E723"),
        ("pressure", "power", "E705"),
        ("power", "level", "E705"),
        ("'x'", "running", "E723"),
    ] {
        assert_eq!(fits(text, name).unwrap_err()[0].code, code, "{text} for {name}");
    }
}
