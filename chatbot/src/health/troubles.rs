//! Details of what is out of order, for the log: once when they change, not with every probe.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The details that were logged last, by service.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Troubles {
    /// Logs what is new: trouble, other trouble, or its end.
    pub(super) fn note(&self, service: &'static str, detail: Option<&str>) {
        if !self.is_news(service, detail) {
            return;
        }
        if let Some(detail) = detail {
            tracing::warn!(service, detail, "a service is out of order");
        } else {
            tracing::warn!(service, "a service is in order again");
        }
    }

    fn is_news(&self, service: &'static str, detail: Option<&str>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match detail {
            Some(detail) => known.insert(service, detail.to_owned()).as_deref() != Some(detail),
            None => known.remove(service).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Troubles;

    #[test]
    fn trouble_is_news_when_it_begins_changes_and_ends() {
        let troubles = Troubles::default();
        let told = [None, Some("refused"), Some("refused"), Some("no answer"), None, None];
        let news = told.map(|detail| troubles.is_news("redis", detail));
        assert_eq!(news, [false, true, false, true, true, false]);
    }
}
