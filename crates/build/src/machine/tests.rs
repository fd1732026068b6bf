use super::{Machine, for_uv};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn uv_is_told_the_indexes_that_pip_has() {
    const CONF: &str =
        "[global]\ncert = /x.pem\nindex-url = https://a.example/simple\nextra-index-url=https://b.example\n";
    let both = pairs(&[
        ("UV_DEFAULT_INDEX", "https://a.example/simple"),
        ("UV_EXTRA_INDEX_URL", "https://b.example"),
    ]);
    assert_eq!(for_uv(&[], CONF), both);
    let set = pairs(&[("PIP_INDEX_URL", "https://c.example")]);
    assert_eq!(for_uv(&set, CONF)[0], pairs(&[("UV_DEFAULT_INDEX", "https://c.example")])[0]);
    let own =
        pairs(&[("UV_DEFAULT_INDEX", "https://d.example"), ("UV_EXTRA_INDEX_URL", "https://e.example")]);
    assert_eq!(for_uv(&own, CONF), []);
    assert_eq!(for_uv(&[], ""), []);
}

#[test]
fn nothing_but_known_variables_is_handed_on() {
    let machine = Machine::look(|name| match name {
        "PIP_INDEX_URL" | "AWS_SECRET_ACCESS_KEY" | "PATH" | "PIP_FIND_LINKS" => Some("value".to_owned()),
        _ => None,
    });
    let variables = machine.variables();
    let own: Vec<&str> =
        variables.iter().filter(|(_, value)| value == "value").map(|(name, _)| name.as_str()).collect();
    assert_eq!(own, ["PIP_INDEX_URL", "UV_DEFAULT_INDEX"]);
}
