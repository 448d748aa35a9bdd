//! The embedded MQTT endpoint from the outside: real sockets on one side, a gate that settles when told to on the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::mqtt_peer::{Server, bytes, connect_v3, connect_v5, framed, packet, publish_v3, publish_v5};

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[test]
fn acknowledges_in_order_whatever_the_order_of_settling() {
    let server = Server::start();
    let mut client = server.client_v3("a");
    let burst: Vec<u8> = (1..=5).flat_map(|id| publish_v3(&format!("ok/{id}"), id, "{}")).collect();
    client.send(&burst);
    server.gate.offered(5);
    client.ping();
    server.gate.settle_backwards();
    for id in 1..=5 {
        client.expect(&format!("40 02 {id:04X}"));
    }
    assert_eq!(server.permits.taken(), 0);
}

#[test]
fn reads_packets_that_come_byte_by_byte() {
    let server = Server::start();
    server.gate.open();
    let mut client = server.client_v5("a");
    for byte in publish_v5("ok/x", 7, "{\"t\": 1}") {
        client.send(&[byte]);
    }
    client.expect("40 02 0007");
    assert_eq!(server.gate.offered(1), [("ok/x".to_owned(), b"{\"t\": 1}".to_vec())]);
}

#[test]
fn holds_messages_without_a_permit_and_still_answers_pings() {
    let server = Server::with(2, |_| {});
    let mut client = server.client_v3("a");
    let mut other = server.client_v5("b");
    let burst: Vec<u8> = (1..=5).flat_map(|id| publish_v3("ok/x", id, "{}")).collect();
    client.send(&burst);
    client.ping();
    assert_eq!(server.gate.offered(2).len(), 2);
    assert_eq!(server.permits.taken(), 2);
    other.send(&publish_v5("ok/shed", 0, "{}"));
    other.ping();
    assert_eq!(read(&server.counters.shed), 1);
    server.gate.open();
    for id in 1..=5 {
        client.expect(&format!("40 02 {id:04X}"));
    }
    assert_eq!(server.permits.taken(), 0);
}

#[test]
fn stops_reading_when_too_much_is_held_and_goes_on_later() {
    let server = Server::with(1, |config| config.held_packets_max = 10);
    let mut client = server.client_v3("a");
    let burst: Vec<u8> = (1..=200).flat_map(|id| publish_v3("ok/x", id, "{}")).collect();
    client.send(&burst);
    server.until("reading stops", |server| read(&server.counters.publishes_qos1) == 11);
    server.gate.open();
    for id in 1..=200 {
        client.expect(&format!("40 02 {id:04X}"));
    }
    client.ping();
}

#[test]
fn tells_the_reason_of_a_refusal() {
    let server = Server::start();
    server.gate.open();
    let mut client = server.client_v5("a");
    let cases = [
        ("topic/x", 0x90, "no binding takes this topic"),
        ("twin/x", 0x83, "there is no such twin"),
        ("payload/x", 0x99, "line 1, column 3: expected a value"),
        ("busy/x", 0x97, "try again later"),
        ("part/x", 0x00, "temperature: 900 is over 120"),
    ];
    for (topic, code, text) in cases {
        client.send(&publish_v5(topic, 9, "{}"));
        let expected = packet(0x40, &format!("0009 {code:02X} {:02X} 1F \"{text}\"", text.len() + 3));
        assert_eq!(client.packet(), Some(expected), "{topic}");
    }
    // 3.1.1 cannot say no.
    let mut client = server.client_v3("b");
    client.send(&publish_v3("topic/x", 9, "{}"));
    client.expect("40 02 0009");
    // A client that takes only short packets, or wants no reasons, gets the code alone.
    for properties in ["05 27 00000014", "02 17 00"] {
        let mut client = server.client();
        client.send(&packet(0x10, &format!("\"MQTT\" 05 02 003C {properties} \"c\"")));
        assert_eq!(client.packet().unwrap()[0], 0x20);
        client.send(&publish_v5("topic/x", 9, "{}"));
        client.expect("40 03 0009 90");
    }
}

#[test]
fn offers_again_what_nobody_has_dealt_with() {
    let server = Server::start();
    server.gate.open();
    let mut client = server.client_v5("a");
    client.send(&publish_v5("lost/x", 1, "{}"));
    let answer = client.packet().unwrap();
    assert_eq!((answer[0], &answer[2..5]), (0x40, [0x00, 0x01, 0x97].as_slice()));
    assert_eq!(server.gate.offered_so_far(), 3);
    assert_eq!(server.permits.taken(), 0);
    client.send(&publish_v5("ok/x", 2, "{}"));
    client.expect("40 02 0002");
}

#[test]
fn ends_a_connection_with_the_reason() {
    let server = Server::start();
    server.gate.open();
    let cases: &[(&str, u8)] = &[
        ("36 05 \"a\" 0001", 0x81),                   // QoS 3
        ("30 02 0000", 0x81),                         // cut off
        ("32 06 \"a\" 0000 00", 0x81),                // packet id 0
        ("30 05 \"a#\" 00", 0x90),                    // wildcard
        ("34 06 \"a\" 0001 00", 0x9B),                // QoS 2
        ("31 04 \"a\" 00", 0x9A),                     // retained
        ("30 07 \"a\" 03 23 0041", 0x94),             // alias 65 of 64
        ("30 06 0000 03 23 0001", 0x94),              // unknown alias
        ("30 FF FF FF 7F", 0x95),                     // 268 MB
        ("10 0E \"MQTT\" 05 02 003C 00 \"a\"", 0x82), // a second CONNECT
        ("82 08 0001 02 0B01 \"a\" 00", 0xA1),        // subscription id
        ("F0 00", 0x82),                              // AUTH
        ("62 02 0001", 0x82),                         // PUBREL of nothing
        ("00 00", 0x81),
    ];
    let mut bystander = server.client_v3("bystander");
    for (hex, reason) in cases {
        let mut client = server.client_v5("a");
        client.send(&publish_v5("ok/before", 1, "{}"));
        client.send(&bytes(hex));
        // What came before is still acknowledged, before or after the bad packet is seen.
        let first = client.packet().unwrap();
        if first[0] == 0x40 {
            client.expect_disconnect(*reason);
        } else {
            assert_eq!((first[0], first[2]), (0xE0, *reason), "{hex}");
            client.expect_end();
        }
        let mut client = server.client_v3("a");
        let hex_v3 = if *reason == 0x9A || *reason == 0x94 || *reason == 0xA1 { "00 00" } else { hex };
        client.send(&bytes(hex_v3));
        client.expect_end();
        bystander.ping();
    }
    server.until("all have gone", |server| read(&server.counters.connections) == 1);
    server.until("what they held is back", |server| server.permits.taken() == 0);
}

#[test]
fn turns_away_who_cannot_come_in() {
    let server = Server::with(10, |config| {
        config.connect_timeout = Duration::from_millis(200);
        config.connections_max = 2;
    });
    let refuses = |hello: &[u8], answer: &str| {
        let mut client = server.client();
        client.send(hello);
        if !answer.is_empty() {
            let packet = client.packet().expect("an answer");
            let shown: String = packet.iter().map(|byte| format!("{byte:02X}")).collect();
            assert!(shown.starts_with(&answer.replace(' ', "")), "{shown}");
        }
        client.expect_end();
    };
    refuses(&packet(0x10, "\"MQTT\" 06 02 003C 00 \"a\""), "20 03 00 84");
    refuses(&packet(0x10, "\"MQIsdp\" 03 02 003C \"a\""), "20 02 00 01");
    refuses(&packet(0x10, "\"MQTT\" 04 00 003C \"\""), "20 02 00 02");
    refuses(&packet(0x10, "\"MQTT\" 05 02 003C 04 15 \"k\" \"a\""), "20");
    refuses(&packet(0x10, "\"MQTT\" 05 03 003C 00 \"a\""), "20 03 00 81");
    refuses(&packet(0x10, "\"MQTT\" 05 16 003C 00 \"a\" 00 \"w\" \"x\""), "20");
    refuses(&packet(0x10, "\"MQTT\" 04 03 003C \"a\""), "");
    refuses(b"GET / HTTP/1.1\r\n\r\n", "");
    refuses(&[], "");
    refuses(&[0x10], "");
    let _first = server.client_v3("1");
    let _second = server.client_v5("2");
    refuses(&connect_v3("3", 60), "20 02 00 03");
    let mut third = server.client();
    third.send(&connect_v5("3", 60));
    let connack = third.packet().unwrap();
    assert_eq!((connack[0], connack[3]), (0x20, 0x89));
    third.expect_end();
}

#[test]
fn says_what_it_can_do() {
    let server = Server::start();
    let mut client = server.client();
    client.send(&packet(0x10, "\"MQTT\" 05 02 003C 05 11 0000003C \"\""));
    let connack = client.packet().unwrap();
    let shown: String = connack.iter().map(|byte| format!("{byte:02X}")).collect();
    // Receive maximum 1024, QoS 1, no retained messages, packet size, 64 aliases, no subscription ids, no shared ones, an id, no session.
    assert!(shown.contains("2104002401250027001010002200402900"), "{shown}");
    assert!(shown.contains("2A0012"), "{shown}");
    assert!(shown.ends_with("1100000000"), "{shown}");
}

#[test]
fn keeps_to_topic_aliases_and_the_receive_maximum() {
    let server = Server::with(1000, |config| config.held_packets_max = 3);
    let mut client = server.client_v5("a");
    client.send(&packet(0x32, "\"ok/alias\" 0001 03 230002"));
    client.send(&packet(0x32, "0000 0002 03 230002"));
    client.send(&publish_v5("ok/x", 3, "{}"));
    let topics: Vec<String> = server.gate.offered(3).into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics, ["ok/alias", "ok/alias", "ok/x"]);
    client.send(&publish_v5("ok/x", 4, "{}"));
    client.expect_disconnect(0x93);
    server.gate.open();
    server.until("permits come back", |server| server.permits.taken() == 0);
}

#[test]
fn takes_over_a_client_id() {
    let server = Server::start();
    server.gate.open();
    let mut old = server.client_v5("a");
    let mut new = server.client_v3("a");
    old.expect_disconnect(0x8E);
    new.ping();
    let mut newest = server.client_v5("a");
    new.expect_end();
    newest.ping();
}

#[test]
fn closes_silent_clients() {
    let server = Server::start();
    let started = Instant::now();
    let mut client = server.client();
    client.send(&connect_v5("a", 1));
    assert_eq!(client.packet().unwrap()[0], 0x20);
    client.expect_disconnect(0x8D);
    let silent = started.elapsed();
    assert!(silent >= Duration::from_millis(1400) && silent < Duration::from_secs(8), "{silent:?}");
}

#[test]
fn passes_on_what_is_committed() {
    let server = Server::start();
    let mut all = server.client_v3("all");
    all.send(&packet(0x82, "0001 \"#\" 01 \"ok/+\" 00 \"$share/g/a\" 00"));
    all.expect("90 05 0001 00 00 80");
    let mut some = server.client_v5("some");
    some.send(&packet(0x82, "0002 00 \"+/b/#\" 04 \"$share/g/a\" 00"));
    some.expect("90 05 0002 00 00 9E");
    let mut sender = server.client_v5("sender");
    sender.send(&publish_v5("ok/a", 1, "{1}"));
    sender.send(&publish_v5("topic/b", 2, "{2}"));
    sender.send(&publish_v5("ok/b/c", 3, "{3}"));
    server.gate.offered(3);
    all.ping();
    server.gate.open();
    assert_eq!(all.packet(), Some(publish_v3("ok/a", 0, "{1}")));
    assert_eq!(all.packet(), Some(publish_v3("ok/b/c", 0, "{3}")));
    assert_eq!(some.packet(), Some(publish_v5("ok/b/c", 0, "{3}")));
    // The server's own messages; a wildcard does not reach `$` topics.
    server.endpoint.publish("$pollux/x", b"no");
    server.endpoint.publish("pollux/m-1/command", b"go");
    assert_eq!(all.packet(), Some(publish_v3("pollux/m-1/command", 0, "go")));
    // No local: not what one has published oneself.
    some.send(&publish_v5("ok/b/own", 4, "{}"));
    some.expect("40 02 0004");
    some.send(&packet(0xA2, "0005 00 \"+/b/#\" \"nothing\""));
    some.expect("B0 05 0005 00 00 11");
    all.send(&packet(0xA2, "0006 \"#\""));
    assert_eq!(all.packet(), Some(publish_v3("ok/b/own", 0, "{}")));
    all.expect("B0 02 0006");
    sender.send(&publish_v5("other", 5, "{}"));
    all.ping();
}

#[test]
fn a_slow_subscriber_loses_the_oldest_and_delays_nobody() {
    let server = Server::with(1000, |config| config.subscriber_bytes_max = 100_000);
    server.gate.open();
    let mut slow = server.client_v3("slow");
    slow.send(&packet(0x82, "0001 \"big/#\" 00"));
    slow.expect("90 03 0001 00");
    let mut sender = server.client_v3("sender");
    let payload = "x".repeat(50_000);
    for round in 0..400_u16 {
        sender.send(&publish_v3("big/x", round + 1, &payload));
        sender.expect(&format!("40 02 {:04X}", round + 1));
    }
    assert!(read(&server.counters.dropped_to_subscribers) > 0);
    sender.send(&publish_v3("big/last", 999, "{}"));
    sender.expect("40 02 03E7");
    while slow.packet().unwrap() != publish_v3("big/last", 0, "{}") {}
}

#[test]
fn publishes_the_will_of_who_goes_without_a_word() {
    let server = Server::start();
    server.gate.open();
    let with_will = packet(0x10, "\"MQTT\" 04 06 003C \"a\" \"ok/will\" \"gone\"");
    let mut client = server.client();
    client.send(&with_will);
    client.expect("20 02 0000");
    client.send(&[0xE0, 0]);
    client.expect_end();
    let mut client = server.client();
    client.send(&with_will);
    client.expect("20 02 0000");
    drop(client);
    assert_eq!(server.gate.offered(1), [("ok/will".to_owned(), b"gone".to_vec())]);
    let mut client = server.client();
    client.send(&packet(0x10, "\"MQTT\" 05 06 003C 00 \"b\" 00 \"ok/will5\" \"gone\""));
    assert_eq!(client.packet().unwrap()[3], 0);
    client.send(&[0xE0, 1, 0x04]);
    client.expect_end();
    assert_eq!(server.gate.offered(2).len(), 2);
}

#[test]
fn takes_what_was_published_just_before_the_end() {
    let server = Server::with(2, |_| {});
    let mut client = server.client_v3("a");
    let mut burst: Vec<u8> = (1..=6).flat_map(|id| publish_v3("ok/x", id, "{}")).collect();
    burst.extend([0xE0, 0]);
    client.send(&burst);
    client.expect_end();
    server.gate.open();
    assert_eq!(server.gate.offered(6).len(), 6);
    server.until("permits come back", |server| server.permits.taken() == 0);
}

#[test]
fn a_client_that_never_reads_its_acks_is_closed_and_holds_no_permits() {
    let server = Server::with(1000, |config| {
        config.outgoing_bytes_max = 64 * 1024;
        config.write_timeout = Duration::from_millis(300);
    });
    server.gate.open();
    let mut deaf = server.client_v5("deaf");
    deaf.set_write_timeout(Duration::from_secs(10));
    let burst: Vec<u8> = (1..=500).flat_map(|id| publish_v5("topic/x", id, "{}")).collect();
    // Its answers fill the buffers of both kernels, then ours, and then its time is up.
    while deaf.try_send(&burst) {}
    server.until("it is closed", |server| read(&server.counters.connections) == 0 && server.permits.taken() == 0);
    server.client_v3("b").ping();
}

#[test]
fn a_huge_topic_is_a_matter_for_the_door() {
    let server = Server::start();
    server.gate.open();
    let mut client = server.client_v5("a");
    let topic = "topic/".repeat(10_000);
    client.send(&publish_v5(&topic, 1, "{}"));
    assert_eq!(client.packet().unwrap()[4], 0x90);
    client.ping();
    // A filter like that is refused.
    let filter = "a/".repeat(40);
    client.send(&packet(0x82, &format!("0001 00 \"{filter}\" 00")));
    client.expect("90 04 0001 00 8F");
    let mut body = bytes("\"ok/x\" 0001 00");
    body.resize(1024 * 1024 + 4000, b' ');
    client.send(&framed(0x32, &body));
    client.expect("40 02 0001");
    body.resize(1024 * 1024 + 5000, b' ');
    client.try_send(&framed(0x32, &body));
    client.expect_disconnect(0x95);
}

#[test]
fn stops_in_good_order() {
    let server = Server::start();
    let mut client = server.client_v5("a");
    let mut old = server.client_v3("b");
    let mut newcomer = server.client();
    client.send(&publish_v5("ok/x", 1, "{}"));
    server.gate.offered(1);
    server.begin_shutdown();
    old.expect_end();
    newcomer.expect_end();
    server.gate.open();
    client.expect("40 02 0001");
    client.expect_disconnect(0x8B);
    server.stopped();
}

/// Every connection costs the server an accept, a task and a CONNECT; nobody else may notice.
#[test]
fn survives_ten_thousand_connects() {
    const THREADS: usize = 8;
    const CONNECTS: usize = 10_000;
    let server = Server::start();
    server.gate.open();
    let mut bystander = server.client_v3("bystander");
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let server = &server;
            scope.spawn(move || {
                for number in 0..CONNECTS / THREADS {
                    let mut client = server.client();
                    match number % 4 {
                        0 => drop(client),
                        1 => client.send(&[0x00]),
                        2 => client.send(&connect_v5("same", 60)),
                        _ => {
                            client.send(&connect_v3(&format!("{thread}-{number}"), 60));
                            client.expect("20 02 0000");
                        }
                    }
                }
            });
        }
        for id in 1..=100 {
            bystander.send(&publish_v3("ok/x", id, "{}"));
            bystander.expect(&format!("40 02 {id:04X}"));
        }
    });
    let took = started.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    bystander.ping();
    server.until("all have gone", |server| read(&server.counters.connections) == 1);
}
