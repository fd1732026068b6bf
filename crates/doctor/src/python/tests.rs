use proptest::prelude::{any, prop, proptest};

use super::{Module, Value, value};

fn read(text: &str) -> Module {
    Module::read("a.py", text)
}

/// Each statement with its lines, whether it is certain, and its tokens.
fn shown(text: &str) -> Vec<String> {
    let module = read(text);
    let line = |it: &super::Statement| {
        let words: Vec<&str> = it.tokens.iter().map(|token| token.text.as_str()).collect();
        let mark = if it.is_certain() { "" } else { "?" };
        format!("{}-{}{mark} {}", it.line, it.end, words.join(" "))
    };
    module.statements.iter().map(line).collect()
}

#[test]
fn statements_know_their_lines_and_what_they_stand_under() {
    let text = "\
'''A doc
of two lines'''
import os  # DEBUG = True
X = [
    'a',  # not the end
    'b',
]
if os.environ.get('A'):
    Y = 1; Z = 2
    if True: W = f\"{x['y']} {z!r:>{w}}\"
else:
    Y = 3
try:
    import q
except ImportError:
    q = None
V = 1 + \\
    2
s = r'\\d' 'b'
def f(a: int = 3) -> str:
    return a
U: bool = True
";
    assert_eq!(
        shown(text),
        [
            "1-2 A doc\nof two lines",
            "3-3 import os",
            "4-7 X = [ a , b , ]",
            "9-9? Y = 1",
            "9-9? Z = 2",
            "10-10? W = {x['y']} {z!r:>{w}}",
            "12-12? Y = 3",
            "14-14 import q",
            "16-16? q = None",
            "17-18 V = 1 + 2",
            "19-19 s = \\d b",
            "21-21? return a",
            "22-22 U : bool = True",
        ]
    );
}

#[test]
fn values_are_read_off_where_they_stand_there() {
    let of = |text: &str| {
        let module = read(&format!("X = {text}\n"));
        let (_, tokens) = module.statements[0].assignment().expect("an assignment");
        value(tokens)
    };
    let texts = |all: &[&str]| Value::Texts(all.iter().map(|&it| it.to_owned()).collect());
    assert_eq!(of("'a' \"b\""), Value::Text("ab".to_owned()));
    assert_eq!(of("('a'\n 'b')"), Value::Text("ab".to_owned()));
    assert_eq!(of("True"), Value::True);
    assert_eq!(of("[]"), texts(&[]));
    assert_eq!(of("()"), texts(&[]));
    assert_eq!(of("['a', 'b' 'c',]"), texts(&["a", "bc"]));
    assert_eq!(of("('a',)"), texts(&["a"]));
    assert_eq!(of("{'a'}"), texts(&["a"]));
    for computed in ["['a', b]", "f'a'", "os.environ['A']", "not True", "{'a': 'b'}", "['a'] + x", "a or 'b'"]
    {
        assert_eq!(of(computed), Value::Computed, "{computed}");
    }
}

#[test]
fn what_is_no_python_ends_where_its_line_does() {
    assert_eq!(shown("x = 'never closed\ny = 1\n"), ["1-1 x = never closed", "2-2 y = 1"]);
    assert_eq!(shown("x = '''never closed\ny = 1\n"), ["1-3 x = never closed\ny = 1\n"]);
    let nested: String = (0..200).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    assert!(shown(&format!("{nested}{}y = 1\n", " ".repeat(200))).is_empty(), "nested too deep");
    assert_eq!(shown(&"(".repeat(100_000)).len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn any_bits_of_python_are_read(parts in prop::collection::vec(
        prop::sample::select(vec![
            "'", "\"", "'''", "\"\"\"", "f'", "rb'", "{", "}", "(", ")", "[", "]", ":", ";", "\\", "\n", "\t", "  ",
            "if x", "else", "class A", "=", "#", "name", "1.5", "é", "\r\n", ",",
        ]), 0..60)) {
        let text = parts.concat();
        let lines = text.lines().count().max(1) + 1;
        for statement in read(&text).statements {
            assert!(statement.line <= statement.end && statement.end <= lines, "{text:?}");
        }
    }
}
