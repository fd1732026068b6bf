//! Python, as far as the doctor needs it: the statements of a file, each with its words and what it stands under.
//!
//! Not a parser: expressions stay rows of tokens. It never fails and never recurses; what is no Python becomes odd
//! tokens, which no check knows. Why not a library: docs/adr.

mod tokens;
mod values;

use std::rc::Rc;

pub(crate) use tokens::{Kind, Token};
pub(crate) use values::{Value, comma_parts, value};

use tokens::Line;

/// Deepest nesting of blocks: Python's own limit.
const DEPTH_MAX: usize = 100;
/// Words that begin a compound statement.
const COMPOUND: [&str; 14] = [
    "if", "elif", "else", "try", "except", "finally", "for", "while", "with", "def", "class", "async",
    "match", "case",
];

/// The statements of one file, in order.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// The file's path.
    pub(crate) path: String,
    pub(crate) statements: Vec<Statement>,
}

/// One simple statement.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) tokens: Vec<Token>,
    /// Its first and its last line, from 1.
    pub(crate) line: usize,
    pub(crate) end: usize,
    /// The innermost block that it stands in.
    pub(crate) block: Option<Rc<Block>>,
}

/// A block and what it stands in.
#[derive(Debug)]
pub(crate) struct Block {
    /// The header, without its colon.
    pub(crate) header: Vec<Token>,
    pub(crate) line: usize,
    pub(crate) outer: Option<Rc<Block>>,
    depth: usize,
}

impl Block {
    pub(crate) fn word(&self) -> &str {
        self.header.first().map_or("", |token| &token.text)
    }
}

impl Statement {
    /// The blocks around it, innermost first.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Rc<Block>> {
        std::iter::successors(self.block.as_ref(), |block| block.outer.as_ref())
    }

    /// Whether it is run whenever its file is; `try` and `with` change nothing about that.
    pub(crate) fn is_certain(&self) -> bool {
        self.blocks().all(|block| matches!(block.word(), "try" | "with"))
    }

    /// Whether it is run when the file is imported, under some condition or none.
    pub(crate) fn is_at_import(&self) -> bool {
        self.blocks().all(|block| !matches!(block.word(), "def" | "class" | "async"))
    }

    /// The name that a plain assignment gives a value, and the value.
    pub(crate) fn assignment(&self) -> Option<(&str, &[Token])> {
        let name = self.tokens.first().filter(|token| token.kind == Kind::Name)?;
        if self.tokens.get(1)?.is("=") {
            return Some((&name.text, &self.tokens[2..]));
        }
        // With a type: `DEBUG: bool = True`.
        let equals = self.tokens.iter().position(|token| token.is("="))?;
        self.tokens[1].is(":").then(|| (name.text.as_str(), &self.tokens[equals + 1..]))
    }

    /// Where `words` stand one after the other.
    pub(crate) fn find(&self, words: &[&str]) -> Option<usize> {
        let same = |window: &[Token]| window.iter().zip(words).all(|(token, word)| token.is(word));
        self.tokens.windows(words.len()).position(same)
    }
}

impl Module {
    /// Reads a file's text.
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let mut statements = Vec::new();
        let mut open: Vec<(usize, Rc<Block>)> = Vec::new();
        for Line { indent, tokens } in tokens::lines(text) {
            while open.last().is_some_and(|(outer, _)| *outer >= indent) {
                open.pop();
            }
            let outer = open.last().map(|(_, block)| Rc::clone(block));
            if let Some(block) = statements_of(tokens, outer, &mut statements) {
                if block.depth > DEPTH_MAX {
                    break;
                }
                open.push((indent, block));
            }
        }
        Self { path: path.to_owned(), statements }
    }

    /// Every string in it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let headers = self.statements.iter().flat_map(|statement| &statement.tokens);
        headers.filter(|token| token.kind == Kind::Text).map(|token| token.text.as_str())
    }
}

/// Takes one line apart; the block that it opens, if it does.
fn statements_of(
    tokens: Vec<Token>,
    mut outer: Option<Rc<Block>>,
    statements: &mut Vec<Statement>,
) -> Option<Rc<Block>> {
    let mut rest = tokens;
    let is_compound =
        rest.first().is_some_and(|it| it.kind == Kind::Name && COMPOUND.contains(&it.text.as_str()));
    if is_compound && let Some(colon) = colon(&rest) {
        let body = rest.split_off(colon + 1);
        rest.pop();
        let line = rest.first().map_or(0, |token| token.line);
        let depth = outer.as_ref().map_or(0, |outer| outer.depth) + 1;
        let block = Rc::new(Block { header: rest, line, outer, depth });
        if body.is_empty() {
            return Some(block);
        }
        // `if debug: SECRET_KEY = "x"`
        outer = Some(block);
        rest = body;
    }
    for part in rest.split(|token| token.kind == Kind::Sign && token.text == ";") {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        statements.push(Statement {
            line: first.line,
            end: last.end,
            tokens: part.to_vec(),
            block: outer.clone(),
        });
    }
    None
}

/// Where the header of a compound statement ends.
fn colon(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|token| {
        if token.kind == Kind::Sign {
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                ":" if depth == 0 => return true,
                _ => {}
            }
        }
        false
    })
}

#[cfg(test)]
mod tests;
