use model::log::{Line, Source};
use model::time::Timestamp;

use super::Filter;

#[test]
fn takes_a_source_exactly_and_a_process_by_name_or_type() {
    let cases = [
        (None, None, "app web.1", true),
        (Some(Source::App), None, "app web.1", true),
        (Some(Source::App), None, "heroku web.1", false),
        (None, Some("web"), "app web.1", true),
        (None, Some("web"), "heroku web.12", true),
        (None, Some("web"), "app webhook.1", false),
        (None, Some("web.1"), "app web.1", true),
        (None, Some("web.1"), "app web.12", false),
        (None, Some("router"), "heroku router", true),
        (Some(Source::App), Some("router"), "heroku router", false),
    ];
    for (source, process, line, wanted) in cases {
        let filter = Filter { source, process: process.map(str::to_owned) };
        assert_eq!(filter.matches(&parse(line)), wanted, "{filter:?} on {line}");
    }
}

fn parse(text: &str) -> Line {
    let (source, process) = text.split_once(' ').expect("two words");
    let source = Source::from_word(source).expect("a source");
    Line { at: Timestamp::default(), source, process: process.to_owned(), message: String::new() }
}
