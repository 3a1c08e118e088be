//! Schedules in cron's five fields, as Kubernetes' CronJobs read them: minute, hour, day of month, month, day of
//! week; or one of the `@` names.

use schemars::{Schema, SchemaGenerator, json_schema};

const MINUTE: &str = "[0-5]?[0-9]";
const HOUR: &str = "([01]?[0-9]|2[0-3])";
const DAY: &str = "(0?[1-9]|[12][0-9]|3[01])";
const MONTH: &str = "(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)";
const WEEKDAY: &str = "([0-6]|sun|mon|tue|wed|thu|fri|sat)";
const NAMES: &str = "@(yearly|annually|monthly|weekly|daily|midnight|hourly)";

/// A list of values, ranges and steps of one field.
fn field(value: &str) -> String {
    let item = format!(r"(\*|{value}(-{value})?)(/[1-9][0-9]?)?");
    format!("{item}(,{item})*")
}

/// The grammar of a schedule as one regular expression without anchors.
fn pattern() -> String {
    let fields = [MINUTE, HOUR, DAY, MONTH, WEEKDAY].map(field).join(" +");
    format!("(?i)^({NAMES}|{fields})$")
}

/// Schema of a schedule; the empty text switches the schedule off.
pub(crate) fn schedule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 100,
        "x-kubernetes-validations": [{
            "rule": format!("self == '' || self.matches(r'{}')", pattern()),
            "message": "write five cron fields (minute hour day month weekday, Sunday = 0) in UTC, such as '0 2 * * *', or one of @hourly @daily @weekly @monthly @yearly",
        }],
    })
}
