//! The metrics page as a scraper sees it, and the numbers of `/proc`.

use super::metrics::{ALL, JOURNAL_FSYNC_SECONDS, Kind, READINGS};
use super::process::{cpu_seconds, resident_bytes};
use super::{Buckets, Page, logging};

#[test]
fn names_are_unique_and_follow_the_custom() {
    for (index, metric) in ALL.iter().enumerate() {
        assert!(!ALL[..index].iter().any(|other| other.name == metric.name), "{} twice", metric.name);
        let is_total = metric.name.ends_with("_total");
        assert_eq!(is_total, metric.kind == Kind::Counter, "{}: counters, and only they, end in _total", metric.name);
        assert!(metric.help.ends_with('.'), "{}", metric.name);
    }
}

#[test]
fn labels_are_quoted_and_escaped() {
    let mut page = Page::new();
    page.each(&READINGS, [("new", 3), ("a\"b\\c\nd", 1)]);
    let expected = "# HELP pollux_readings_total Readings by what became of them.\n# TYPE pollux_readings_total counter\n\
                    pollux_readings_total{outcome=\"new\"} 3\npollux_readings_total{outcome=\"a\\\"b\\\\c\\nd\"} 1\n";
    assert_eq!(page.finish(), expected);
}

#[test]
fn buckets_are_cumulative() {
    let mut page = Page::new();
    page.histogram(&JOURNAL_FSYNC_SECONDS, &Buckets { bounds: &[0.000_1, 0.01], counts: &[2, 1, 3, 1], sum: 0.5 });
    let expected = "# HELP pollux_journal_fsync_seconds How long bringing a group to the disk took.\n\
                    # TYPE pollux_journal_fsync_seconds histogram\n\
                    pollux_journal_fsync_seconds_bucket{le=\"0.0001\"} 2\n\
                    pollux_journal_fsync_seconds_bucket{le=\"0.01\"} 3\n\
                    pollux_journal_fsync_seconds_bucket{le=\"+Inf\"} 7\n\
                    pollux_journal_fsync_seconds_sum 0.5\n\
                    pollux_journal_fsync_seconds_count 7\n";
    assert_eq!(page.finish(), expected);
}

#[test]
fn proc_is_read_past_odd_names() {
    let stat = "1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 1 1 1 1";
    assert_eq!(cpu_seconds(stat), Some(2.0));
    assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152));
    assert_eq!(resident_bytes(""), None);
}

#[test]
fn a_slip_in_a_log_filter_is_found() {
    for good in ["info", "off", "warn,pollux::ingress=debug", "info,pollux[span]=trace"] {
        assert!(logging::check_filter(good).is_ok(), "{good}");
    }
    for bad in ["inof", "info,pollux=loud", ""] {
        assert!(logging::check_filter(bad).is_err(), "{bad}");
    }
}
