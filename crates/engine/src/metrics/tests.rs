use super::*;

fn written(metrics: &Metrics) -> String {
    let mut text = Text::default();
    metrics.write(&mut text);
    text.into_string()
}

#[test]
fn given_durations_at_and_between_the_ends_when_noted_then_each_is_in_its_class() {
    let metrics = Metrics::default();
    for micros in [0, 250, 251, 5_000_000, 5_000_001] {
        metrics.commits.note(Duration::from_micros(micros));
    }

    let text = written(&metrics);

    let of = |le: &str| format!("innkeeper_store_commit_seconds_bucket{{le=\"{le}\"}} ");
    for (le, count) in [("0.00025", 2), ("0.0005", 3), ("5", 4), ("+Inf", 5)] {
        assert!(text.contains(&format!("{}{count}\n", of(le))), "{text}");
    }
    assert!(text.contains("innkeeper_store_commit_seconds_sum 10.000502\n"));
    assert!(text.contains("innkeeper_store_commit_seconds_count 5\n"));
}

#[test]
fn given_a_consumer_that_lags_when_written_then_it_is_named() {
    let metrics = Metrics::default();
    metrics.journal_lag("mail", 3);
    metrics.journal_lag("mail", 2);

    let text = written(&metrics);

    assert!(text.contains("innkeeper_journal_lag_entries{consumer=\"mail\"} 2\n"));
    assert_eq!(text.matches("consumer=").count(), 1);
}

/// Two families of one name, or a family without words, is what a scraper refuses.
#[test]
fn given_everything_when_written_then_each_family_is_announced_once() {
    let text = written(&Metrics::default());

    let names: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(names.iter().any(|name| line.starts_with(name)), "{line}");
    }
}
