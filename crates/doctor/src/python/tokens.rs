//! Python text into logical lines of tokens: comments gone, strings whole, brackets joined over line ends.

/// Most tokens of a file; what comes after is left out.
const TOKENS_MAX: usize = 200_000;
/// Signs of more than one character, the longest first.
const LONG_SIGNS: [&str; 24] = [
    "**=", "//=", ">>=", "<<=", "...", "!=", "==", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "@=", "**", "//", "<<", ">>",
];

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Name,
    Number,
    /// A string without parts that are computed; its text is its value.
    Text,
    /// A string with parts that are computed (`f"…"`); its text is as written.
    Template,
    Sign,
}

/// A word of Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// The lines on which it begins and ends, from 1.
    pub(crate) line: usize,
    pub(crate) end: usize,
}

impl Token {
    /// Whether it is this name or sign.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Name | Kind::Sign) && self.text == word
    }
}

/// A line as Python sees it.
#[derive(Debug)]
pub(super) struct Line {
    /// Columns before its first token.
    pub(super) indent: usize,
    pub(super) tokens: Vec<Token>,
}

/// Cuts a text.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut reader = Reader { rest: text, line: 1, tokens: 0 };
    let mut lines = Vec::new();
    while !reader.rest.is_empty() && reader.tokens < TOKENS_MAX {
        let indent = reader.indent();
        let tokens = reader.logical_line();
        if !tokens.is_empty() {
            lines.push(Line { indent, tokens });
        }
    }
    lines
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: usize,
}

impl Reader<'_> {
    fn indent(&mut self) -> usize {
        let mut columns = 0;
        loop {
            match self.peek() {
                Some(' ') => columns += 1,
                Some('\t') => columns = (columns / 8 + 1) * 8,
                Some('\x0c') => columns = 0,
                _ => return columns,
            }
            self.take();
        }
    }

    /// Tokens up to the end of the line; lines within brackets are one.
    fn logical_line(&mut self) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        let mut depth = 0_usize;
        while let Some(next) = self.peek() {
            match next {
                '\n' => {
                    self.take();
                    if depth == 0 || self.tokens >= TOKENS_MAX {
                        break;
                    }
                }
                '#' => self.take_while(|c| c != '\n'),
                '\\' if self.rest[1..].trim_start_matches('\r').starts_with('\n') => {
                    self.take_while(|c| c != '\n');
                    self.take();
                }
                c if c.is_whitespace() => self.skip(1),
                _ => {
                    let token = self.token(next);
                    if token.kind == Kind::Sign {
                        match token.text.as_str() {
                            "(" | "[" | "{" => depth += 1,
                            ")" | "]" | "}" => depth = depth.saturating_sub(1),
                            _ => {}
                        }
                    }
                    self.tokens += 1;
                    tokens.push(token);
                }
            }
        }
        tokens
    }

    fn token(&mut self, first: char) -> Token {
        let line = self.line;
        let (kind, text) = if first == '"' || first == '\'' {
            self.string("")
        } else if first.is_alphabetic() || first == '_' {
            let name = self.taken(|c| c.is_alphanumeric() || c == '_');
            let is_prefix = name.len() <= 2 && name.chars().all(|c| "rRbBuUfFtT".contains(c));
            match self.peek() {
                Some('"' | '\'') if is_prefix => self.string(&name),
                _ => (Kind::Name, name),
            }
        } else if first.is_ascii_digit() {
            (Kind::Number, self.taken(|c| c.is_alphanumeric() || c == '_' || c == '.'))
        } else {
            let long = LONG_SIGNS.iter().find(|sign| self.rest.starts_with(**sign));
            let text = long.map_or_else(|| first.to_string(), |sign| (*sign).to_owned());
            self.skip(text.chars().count());
            (Kind::Sign, text)
        };
        Token { kind, text, line, end: self.line }
    }

    /// A string from its first quote on. One that is not closed ends with its line, or with the text if it has three
    /// quotes.
    fn string(&mut self, prefix: &str) -> (Kind, String) {
        let is_raw = prefix.contains(['r', 'R']);
        let is_template = prefix.contains(['f', 'F', 't', 'T']);
        let kind = if is_template { Kind::Template } else { Kind::Text };
        let Some(quote) = self.take() else { return (kind, String::new()) };
        let close: String = std::iter::repeat_n(quote, 3).collect();
        let close = if self.rest.starts_with(&close[1..]) { close } else { quote.to_string() };
        if close.len() > 1 {
            self.skip(2);
        }
        let mut text = String::new();
        let mut computed = 0_usize;
        while let Some(next) = self.peek() {
            if computed == 0 && self.rest.starts_with(&close) {
                self.skip(close.len());
                break;
            }
            match next {
                '\n' if close.len() == 1 => break,
                '\\' => {
                    self.take();
                    let escaped = self.take();
                    text.extend(unescaped(escaped, is_raw));
                    continue;
                }
                '{' if is_template => computed += 1,
                '}' => computed = computed.saturating_sub(1),
                // A string within: its own quotes do not end this one (Python 3.12).
                '"' | '\'' if computed > 0 => {
                    text.extend(self.take());
                    text += &self.taken(|c| c != next && c != '\n');
                }
                _ => {}
            }
            text.extend(self.take());
        }
        (kind, text)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        self.line += usize::from(next == '\n');
        Some(next)
    }

    fn skip(&mut self, characters: usize) {
        for _ in 0..characters {
            self.take();
        }
    }

    fn taken(&mut self, of: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !of(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    /// For what has no line end in it.
    fn take_while(&mut self, of: impl Fn(char) -> bool) {
        drop(self.taken(of));
    }
}

/// What an escape stands for; the rare ones stay as written, which is near enough.
fn unescaped(escaped: Option<char>, is_raw: bool) -> Vec<char> {
    match escaped {
        Some('\n') if !is_raw => Vec::new(),
        Some(c @ ('\\' | '\'' | '"')) if !is_raw => vec![c],
        Some('n') if !is_raw => vec!['\n'],
        Some('t') if !is_raw => vec!['\t'],
        Some(c) => vec!['\\', c],
        None => vec!['\\'],
    }
}
