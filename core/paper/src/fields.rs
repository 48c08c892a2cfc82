//! What a template asks for, read without filling it: so a field that no document has is found in every branch.
//!
//! Templates of pages use a part of MiniJinja: placing, `if`, `for`, `set` of one value, comments. What else there is would
//! be refused anyway or hides fields (`raw`). Tags are short and nest little, so that the depth of an expression, which a
//! parser and a program have to follow, stays small whatever somebody publishes.

use std::collections::BTreeMap;

use serde_json::Value;
use sotay_handbook::template::{NAME_CHARS_MAX, TemplateError};

use crate::limits::{BLOCKS_MAX, BRACKETS_MAX, TAG_BYTES_MAX};

/// What stands in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    /// A text or a number.
    Literal,
    Mark(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    If,
    For,
}

/// What is known of a value: examples of it, or nothing.
#[derive(Clone)]
enum Shape<'a> {
    Any,
    Like(Vec<&'a Value>),
}

impl<'a> Shape<'a> {
    fn field(&self, name: &str) -> Option<Self> {
        match self {
            Self::Any => Some(Self::Any),
            Self::Like(examples) => {
                let found: Vec<&Value> = examples.iter().filter_map(|one| one.get(name)).collect();
                (!found.is_empty()).then_some(Self::Like(found))
            }
        }
    }

    fn item(&self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Like(examples) => {
                let lists = examples.iter().filter_map(|one| one.as_array());
                Self::Like(lists.flatten().collect())
            }
        }
    }
}

const WORDS: [&str; 13] = [
    "if", "else", "and", "or", "not", "in", "is", "true", "True", "false", "False", "none", "None",
];

struct Check<'a> {
    model: Shape<'a>,
    blocks: Vec<Block>,
    /// Names of loops, innermost last, and what was set in them; the first is of no loop.
    scopes: Vec<BTreeMap<&'a str, Shape<'a>>>,
    line: usize,
}

/// Whether a template keeps to the part of the language above; with an example of its document, also whether every field
/// it names is there. What stands behind an index is left to filling.
pub(crate) fn check<'a>(source: &'a str, example: Option<&'a Value>) -> Result<(), TemplateError> {
    let mut check = Check {
        model: example.map_or(Shape::Any, |example| Shape::Like(vec![example])),
        blocks: Vec::new(),
        scopes: vec![BTreeMap::new()],
        line: 1,
    };
    let mut rest = source;
    while let Some(at) = rest.find('{') {
        check.pass(&rest[..at]);
        rest = &rest[at..];
        rest = match rest.as_bytes().get(1) {
            Some(b'#') => {
                let end = rest[2..].find("#}").map(|end| end + 4);
                let end = end.ok_or(TemplateError::Malformed { line: check.line })?;
                check.pass(&rest[..end]);
                &rest[end..]
            }
            Some(&kind @ (b'{' | b'%')) => {
                let (tokens, end) = check.tokens(rest, kind)?;
                if kind == b'{' {
                    check.expression(&tokens)?;
                } else {
                    check.statement(&tokens)?;
                }
                check.pass(&rest[..end]);
                &rest[end..]
            }
            _ => &rest[1..],
        };
    }
    if check.blocks.is_empty() {
        Ok(())
    } else {
        Err(TemplateError::Malformed { line: check.line })
    }
}

impl<'a> Check<'a> {
    fn pass(&mut self, text: &str) {
        self.line += text.matches('\n').count();
    }

    fn construct<T>(&self, name: &str) -> Result<T, TemplateError> {
        Err(TemplateError::Construct {
            name: name.chars().take(NAME_CHARS_MAX).collect(),
            line: self.line,
        })
    }

    fn malformed<T>(&self) -> Result<T, TemplateError> {
        Err(TemplateError::Malformed { line: self.line })
    }

    /// What stands in a tag, and where it ends.
    fn tokens(&self, tag: &'a str, kind: u8) -> Result<(Vec<Token<'a>>, usize), TemplateError> {
        let close: &[u8] = if kind == b'{' { b"}}" } else { b"%}" };
        let bytes = tag.as_bytes();
        let (mut tokens, mut open, mut at) = (Vec::new(), 0_usize, 2);
        if matches!(bytes.get(at), Some(b'-' | b'+')) {
            at += 1;
        }
        loop {
            if at > TAG_BYTES_MAX + 2 {
                return self.construct("…");
            }
            let Some(&byte) = bytes.get(at) else {
                return self.malformed();
            };
            let signed = matches!(byte, b'-' | b'+');
            let after = at + usize::from(signed);
            if bytes[after..].starts_with(close) {
                return Ok((tokens, after + 2));
            }
            match byte {
                b'"' | b'\'' => {
                    at += 1;
                    while let Some(&inside) = bytes.get(at).filter(|inside| **inside != byte) {
                        at += if inside == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                    tokens.push(Token::Literal);
                }
                b'{' | b'}' => return self.construct(if byte == b'{' { "{" } else { "}" }),
                _ if byte.is_ascii_alphanumeric() || byte == b'_' => {
                    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                    let len = bytes[at..].iter().take_while(|byte| word(byte)).count();
                    tokens.push(if byte.is_ascii_digit() {
                        Token::Literal
                    } else {
                        Token::Name(&tag[at..at + len])
                    });
                    at += len;
                }
                _ => {
                    match byte {
                        b'(' | b'[' => open += 1,
                        b')' | b']' => open = open.saturating_sub(1),
                        _ => {}
                    }
                    if open > BRACKETS_MAX {
                        return self.construct("(");
                    }
                    if !byte.is_ascii_whitespace() {
                        tokens.push(Token::Mark(byte));
                    }
                    at += 1;
                }
            }
        }
    }

    fn statement(&mut self, tokens: &[Token<'a>]) -> Result<(), TemplateError> {
        let Some((&Token::Name(word), rest)) = tokens.split_first() else {
            return self.malformed();
        };
        match (word, self.blocks.last()) {
            ("if", _) => {
                self.expression(rest)?;
                self.begin(Block::If)
            }
            ("elif", Some(Block::If)) => self.expression(rest),
            ("else", Some(Block::If)) => Ok(()),
            ("else", Some(Block::For)) => {
                self.scopes.pop();
                self.scopes.push(BTreeMap::new());
                Ok(())
            }
            ("endif", Some(Block::If)) => {
                self.blocks.pop();
                Ok(())
            }
            ("endfor", Some(Block::For)) => {
                self.blocks.pop();
                self.scopes.pop();
                Ok(())
            }
            ("for", _) => self.begin_loop(rest),
            ("set", _) => match rest {
                [Token::Name(name), Token::Mark(b'='), value @ ..] => {
                    self.expression(value)?;
                    if let Some(scope) = self.scopes.last_mut() {
                        scope.insert(name, Shape::Any);
                    }
                    Ok(())
                }
                _ => self.construct("set"),
            },
            ("elif" | "else" | "endif" | "endfor", _) => self.malformed(),
            (other, _) => self.construct(other),
        }
    }

    fn begin(&mut self, block: Block) -> Result<(), TemplateError> {
        if self.blocks.len() == BLOCKS_MAX {
            return self.construct(if block == Block::If { "if" } else { "for" });
        }
        self.blocks.push(block);
        Ok(())
    }

    /// `for NAME, … in LIST if CONDITION`
    fn begin_loop(&mut self, tokens: &[Token<'a>]) -> Result<(), TemplateError> {
        let Some(at) = tokens.iter().position(|token| *token == Token::Name("in")) else {
            return self.malformed();
        };
        let (names, list) = (&tokens[..at], &tokens[at + 1..]);
        let end = list.iter().position(|token| *token == Token::Name("if"));
        let (list, condition) = list.split_at(end.unwrap_or(list.len()));
        self.expression(list)?;
        let mut scope = BTreeMap::from([("loop", Shape::Any)]);
        let path = list.iter().enumerate().all(|(at, token)| match token {
            Token::Name(_) => at % 2 == 0,
            Token::Mark(b'.') => at % 2 == 1,
            _ => false,
        });
        let item = match (path, names) {
            (true, [Token::Name(_)]) => self.resolve(list)?.0.item(),
            _ => Shape::Any,
        };
        for name in names {
            match name {
                Token::Name(name) => drop(scope.insert(name, item.clone())),
                Token::Mark(b',' | b'(' | b')') => {}
                _ => return self.malformed(),
            }
        }
        self.begin(Block::For)?;
        self.scopes.push(scope);
        self.expression(condition)
    }

    /// Every name of an expression that stands for a field.
    fn expression(&self, tokens: &[Token<'a>]) -> Result<(), TemplateError> {
        let mut at = 0;
        while at < tokens.len() {
            let before = at.checked_sub(1).map(|before| tokens[before]);
            let test = before == Some(Token::Name("is"))
                || (before == Some(Token::Name("not")) && at >= 2 && tokens[at - 2] == Token::Name("is"));
            let of_another = matches!(before, Some(Token::Mark(b'.' | b'|')));
            match tokens[at] {
                Token::Name(name) if !of_another && !test && !WORDS.contains(&name) => {
                    at += self.resolve(&tokens[at..])?.1;
                }
                _ => at += 1,
            }
        }
        Ok(())
    }

    /// What the path at the beginning of these tokens leads to, and how many of them it is.
    fn resolve(&self, tokens: &[Token<'a>]) -> Result<(Shape<'a>, usize), TemplateError> {
        let Some(&Token::Name(first)) = tokens.first() else {
            return self.malformed();
        };
        let known = self
            .scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(first).cloned());
        let (mut path, mut at) = (first.to_owned(), 1);
        let mut shape = match known.or_else(|| self.model.field(first)) {
            Some(shape) => shape,
            None => return self.unknown(path),
        };
        while let [Token::Mark(b'.'), Token::Name(name), ..] = &tokens[at..] {
            path = format!("{path}.{name}");
            shape = match shape.field(name) {
                Some(shape) => shape,
                None => return self.unknown(path),
            };
            at += 2;
        }
        Ok((shape, at))
    }

    fn unknown<T>(&self, path: String) -> Result<T, TemplateError> {
        Err(TemplateError::UnknownField {
            name: path.chars().take(NAME_CHARS_MAX).collect(),
            line: self.line,
        })
    }
}
