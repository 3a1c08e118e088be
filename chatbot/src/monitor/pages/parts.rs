//! Small pieces that pages share.

use jiff::Timestamp;
use maud::{Markup, html};

/// A state as a badge.
pub(super) fn state(state: &str) -> Markup {
    html! { span.badge.(state) { (match state { "discarded" => "given up", other => other }) } }
}

/// A task's id as a link.
pub(super) fn task_link(id: i64) -> Markup {
    html! { a.id href={ "/tasks/" (id) } { "#" (id) } }
}

/// How far something is.
pub(super) fn progress(percent: Option<u8>, stage: Option<&str>) -> Markup {
    html! {
        @if let Some(percent) = percent {
            span.progress {
                progress max="100" value=(percent) aria-label="Progress" { (percent) " %" }
                span { (percent) " %" @if let Some(stage) = stage { " · " (stage) } }
            }
        } @else if let Some(stage) = stage { span { (stage) } }
    }
}

/// A moment, as long ago as it is.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let seconds = now.duration_since(at).as_secs_f64();
    let words = if seconds < 0.0 { format!("in {}", span(-seconds)) } else { format!("{} ago", span(seconds)) };
    html! { time datetime=(at) title=(plain(at)) { (words) } }
}

/// The same where there may be none.
pub(super) fn maybe_ago(at: Option<Timestamp>, now: Timestamp) -> Markup {
    html! { @if let Some(at) = at { (ago(at, now)) } @else { span.faint { "never" } } }
}

/// A moment, in UTC.
pub(super) fn plain(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A duration, no finer than one reads it.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds if seconds < 60.0 => format!("{seconds:.0} s"),
        seconds if seconds < 3600.0 => format!("{:.0} min", (seconds / 60.0).floor()),
        seconds if seconds < 172_800.0 => {
            format!("{:.0} h {:.0} min", (seconds / 3600.0).floor(), (seconds % 3600.0 / 60.0).floor())
        }
        seconds => format!("{:.0} d", (seconds / 86400.0).floor()),
    }
}

/// A number with its thousands apart.
pub(super) fn number(number: i64) -> String {
    let digits = number.to_string();
    let mut apart = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && digits.as_bytes().get(index - 1).is_some_and(u8::is_ascii_digit) {
            apart.push('\u{202f}');
        }
        apart.push(digit);
    }
    apart
}

/// A button that acts. Its form is the page's; see `frame`.
pub(super) fn button(action: &str, label: &str, class: &str, confirm: Option<&str>) -> Markup {
    html! {
        button.(class) type="submit" form="act" formaction=(action) data-confirm=[confirm] { (label) }
    }
}

/// Says that there is nothing.
pub(super) fn nothing(words: &str) -> Markup {
    html! { p.nothing { (words) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_at_a_glance() {
        let told = [0.0421, 4.25, 59.2, 61.0, 3599.0, 3661.0, 200_000.0].map(span);
        assert_eq!(told, ["42 ms", "4.2 s", "59 s", "1 min", "59 min", "1 h 1 min", "2 d"]);
    }

    #[test]
    fn thousands_stand_apart() {
        let told = [0, 999, 1000, 1_234_567, -1000].map(number);
        assert_eq!(told, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567", "-1\u{202f}000"]);
    }

    #[test]
    fn what_comes_from_elsewhere_is_escaped() {
        let told = progress(Some(5), Some("<script>")).into_string();
        assert!(told.contains("&lt;script&gt;") && !told.contains("<script>"), "{told}");
    }
}
