//! The chatbot's own sentences, for when a service is missing: plain words in the language of the question.

use super::Source;
use super::language::Language;

/// Passages that are read out when the model is down.
const READ_OUT: usize = 3;
/// Characters of each.
const EXCERPT: usize = 400;

/// The model is down: says so, and gives the passages that fit best.
pub(super) fn instead_of_an_answer(language: Language, sources: &[Source]) -> String {
    let (with_passages, without) = match language {
        Language::English => (
            "I cannot write an answer at the moment, because the language model is not available. These passages of your documents fit your question best:",
            "I cannot answer at the moment, because the language model is not available. Your question is kept; please ask again in a few minutes.",
        ),
        Language::Persian => (
            "در حال حاضر مدل زبانی در دسترس نیست و نمی‌توانم پاسخ بنویسم. این بخش‌ها از اسناد شما به پرسشتان نزدیک‌ترند:",
            "در حال حاضر مدل زبانی در دسترس نیست و نمی‌توانم پاسخ بدهم. پرسش شما ثبت شد؛ لطفاً چند دقیقهٔ دیگر دوباره بپرسید.",
        ),
        Language::Arabic => (
            "لا أستطيع كتابة إجابة الآن لأن النموذج اللغوي غير متاح. هذه المقاطع من مستنداتك هي الأقرب إلى سؤالك:",
            "لا أستطيع الإجابة الآن لأن النموذج اللغوي غير متاح. حُفظ سؤالك، يُرجى المحاولة بعد بضع دقائق.",
        ),
    };
    if sources.is_empty() {
        return without.to_owned();
    }
    let passages: String = sources.iter().take(READ_OUT).map(passage).collect();
    format!("{with_passages}{passages}")
}

/// The index is down: said before an answer that had no sources to look into.
pub(super) const fn without_sources(language: Language) -> &'static str {
    match language {
        Language::English => {
            "(The document search is not available at the moment, so this answer comes without sources.)\n\n"
        }
        Language::Persian => "(جست‌وجوی اسناد در حال حاضر در دسترس نیست؛ این پاسخ بدون منبع است.)\n\n",
        Language::Arabic => "(البحث في المستندات غير متاح حالياً، لذلك هذه الإجابة من دون مصادر.)\n\n",
    }
}

/// Question and sources have more words than the model can read.
pub(super) const fn too_long(language: Language) -> &'static str {
    match language {
        Language::English => {
            "I cannot answer this, because your question and its sources are too long for the language model. Please ask a shorter question."
        }
        Language::Persian => {
            "نمی‌توانم به این پاسخ بدهم، چون پرسش شما و منابع آن برای مدل زبانی بیش از حد طولانی است. لطفاً پرسش کوتاه‌تری بنویسید."
        }
        Language::Arabic => {
            "لا أستطيع الإجابة عن هذا لأن سؤالك ومصادره أطول مما يستطيع النموذج اللغوي قراءته. يُرجى طرح سؤال أقصر."
        }
    }
}

/// The model fell silent in mid-answer.
pub(super) const fn cut_off(language: Language) -> &'static str {
    match language {
        Language::English => "\n\n(The answer was cut off. Please ask again.)",
        Language::Persian => "\n\n(پاسخ ناتمام ماند. لطفاً دوباره بپرسید.)",
        Language::Arabic => "\n\n(انقطعت الإجابة. يُرجى السؤال مرة أخرى.)",
    }
}

fn passage(source: &Source) -> String {
    let mut excerpt: String = source.text.chars().take(EXCERPT).collect();
    if excerpt.len() < source.text.len() {
        excerpt.push('…');
    }
    format!("\n\n[{}] {}\n{excerpt}", source.number, source.title)
}
