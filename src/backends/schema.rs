//! Schemas, written by the compiler from the tables that calls are checked with, so that the two cannot differ. They are most of
//! a list of tools, which would be most of what a start costs: so they are there before it.

use super::arguments::{Field, Form};

#[cfg(test)]
mod tests;

/// JSON that grows while the compiler runs: for [`written`], where what is refused below is an error of the compiler's, and not a
/// panic. Without room (`SIZE` 0) it only counts, and so its size is found.
#[derive(Debug)]
pub struct Text<const SIZE: usize> {
    bytes: [u8; SIZE],
    len: usize,
}

/// JSON Schema as a `&'static str`: what `$write` makes of `$table`, given a [`Text`] to append to.
macro_rules! written {
    ($write:path, $table:expr) => {{
        const WRITTEN_SIZE: usize = {
            let mut text = $crate::backends::schema::Text::<0>::empty();
            $write(&mut text, $table);
            text.size()
        };
        const WRITTEN_BYTES: [u8; WRITTEN_SIZE] = {
            let mut text = $crate::backends::schema::Text::<WRITTEN_SIZE>::empty();
            $write(&mut text, $table);
            text.bytes()
        };
        const WRITTEN: &str = $crate::backends::schema::text(&WRITTEN_BYTES);
        WRITTEN
    }};
}

/// What a tool takes, from tables of its fields, each with what it is, for the model: the [`Arguments`] for its schema and for the
/// check of a call.
macro_rules! arguments {
    ($($table:expr),+ $(,)?) => {{
        const ARGUMENT_TABLES: &[&[($crate::backends::arguments::Field, &str)]] = &[$($table),+];
        const ARGUMENT_COUNT: usize = $crate::backends::schema::count(ARGUMENT_TABLES);
        const ARGUMENT_FIELDS: [$crate::backends::arguments::Field; ARGUMENT_COUNT] = $crate::backends::schema::fields(ARGUMENT_TABLES);
        $crate::backends::schema::Arguments {
            fields: &ARGUMENT_FIELDS,
            schema: $crate::backends::schema::written!($crate::backends::schema::of_fields, ARGUMENT_TABLES),
        }
    }};
}

/// The schema of an object with the [`Member`]s of these tables and no others, as a `&'static str`.
macro_rules! returns {
    ($($table:expr),+ $(,)?) => {
        $crate::backends::schema::written!($crate::backends::schema::of_members, &[$($table),+])
    };
}

pub(crate) use {arguments, returns, written};

impl<const SIZE: usize> Text<SIZE> {
    /// Nothing yet.
    pub const fn empty() -> Self {
        Self { bytes: [0; SIZE], len: 0 }
    }

    /// How many bytes it has.
    pub const fn size(&self) -> usize {
        self.len
    }

    /// All of them.
    pub const fn bytes(self) -> [u8; SIZE] {
        assert!(self.len == SIZE, "a text of another size than was counted");
        self.bytes
    }

    /// What was added.
    #[cfg(test)]
    pub fn so_far(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| str::from_utf8(bytes).ok()).expect("room, and a text")
    }

    /// Adds JSON as it is, without line breaks.
    pub const fn add(&mut self, json: &str) {
        self.add_bytes(json.as_bytes());
    }

    const fn add_bytes(&mut self, json: &[u8]) {
        if SIZE > 0 {
            let (_, room) = self.bytes.split_at_mut(self.len);
            let (to, _) = room.split_at_mut(json.len());
            to.copy_from_slice(json);
        }
        self.len += json.len();
    }

    /// Adds a text in quotation marks.
    pub const fn quote(&mut self, text: &str) {
        self.add("\"");
        let mut rest = text.as_bytes();
        while let [byte, after @ ..] = rest {
            if matches!(*byte, b'"' | b'\\') {
                self.add("\\");
            }
            self.add_bytes(&[*byte]);
            rest = after;
        }
        self.add("\"");
    }

    /// Adds a whole number.
    const fn number(&mut self, number: i64) {
        if number < 0 {
            self.add("-");
        }
        self.digits(number.unsigned_abs());
    }

    const fn digits(&mut self, number: u64) {
        if number > 9 {
            self.digits(number / 10);
        }
        self.add_bytes(&[b'0' + (number % 10) as u8]);
    }

    /// Adds a number that is whole, as one that need not be.
    const fn float(&mut self, number: f64) {
        let whole = number as i64;
        // Beyond that not every whole number is one of these.
        assert!(whole as f64 == number && whole.unsigned_abs() < 1 << 53, "a bound that is a whole number");
        self.number(whole);
        self.add(".0");
    }
}

/// What was written.
pub const fn text(bytes: &'static [u8]) -> &'static str {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    };
    assert!(!text.is_empty(), "nothing, or a part of a character");
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        assert!(*byte >= b' ', "a line break, or another control character");
        rest = after;
    }
    text
}

/// What a tool takes; see [`arguments`](arguments!).
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// What a call is checked against.
    pub fields: &'static [Field],
    /// JSON Schema, its root an object, on one line.
    pub schema: &'static str,
}

/// How many fields the tables have.
pub const fn count(mut tables: &[&[(Field, &str)]]) -> usize {
    let mut count = 0;
    while let [table, after @ ..] = tables {
        count += table.len();
        tables = after;
    }
    count
}

/// The fields of the tables.
pub const fn fields<const COUNT: usize>(mut tables: &[&[(Field, &'static str)]]) -> [Field; COUNT] {
    let mut fields = [Field::new("", Form::Flag); COUNT];
    let mut room: &mut [Field] = &mut fields;
    while let [table, after @ ..] = tables {
        let mut table: &[(Field, &str)] = table;
        while let [(field, _), later @ ..] = table {
            let (to, free) = room.split_at_mut(1);
            to.copy_from_slice(&[*field]);
            (table, room) = (later, free);
        }
        tables = after;
    }
    assert!(room.is_empty(), "fewer fields than were counted");
    let mut rest: &[Field] = &fields;
    while let [field, after @ ..] = rest {
        let mut others = after;
        while let [other, later @ ..] = others {
            assert!(!is_same(field.name, other.name), "two fields of one name");
            others = later;
        }
        rest = after;
    }
    fields
}

/// Whether two texts are the same.
pub const fn is_same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while let ([byte, after @ ..], [against, later @ ..]) = (one, other) {
        if *byte != *against {
            return false;
        }
        (one, other) = (after, later);
    }
    one.is_empty() && other.is_empty()
}

/// Writes the schema of an object with these members and no others.
pub const fn of_fields<const SIZE: usize>(out: &mut Text<SIZE>, tables: &[&[(Field, &str)]]) {
    out.add("{\"type\":\"object\",\"properties\":{");
    let (mut rest, mut list) = (tables, List::empty());
    while let [table, after @ ..] = rest {
        let mut table: &[(Field, &str)] = table;
        while let [(field, about), later @ ..] = table {
            list.name(out, field.name);
            of(out, field.form);
            end(out, about);
            table = later;
        }
        rest = after;
    }
    out.add("},\"additionalProperties\":false");
    let (mut rest, mut list) = (tables, List::empty());
    while let [table, after @ ..] = rest {
        let mut table: &[(Field, &str)] = table;
        while let [(field, _), later @ ..] = table {
            if field.required {
                list.required(out, field.name);
            }
            table = later;
        }
        rest = after;
    }
    list.end_required(out);
    out.add("}");
}

/// All but the closing brace.
const fn of<const SIZE: usize>(out: &mut Text<SIZE>, form: Form) {
    match form {
        Form::Text(longest) => {
            out.add("{\"type\":\"string\",\"maxLength\":");
            out.digits(longest as u64);
        }
        Form::Choice(words) => {
            out.add("{\"type\":\"string\",\"enum\":[");
            List::empty().words(out, words);
            out.add("]");
        }
        Form::Flag => out.add("{\"type\":\"boolean\""),
        Form::FlagOr(words) => {
            out.add("{\"type\":[\"boolean\",\"string\"],\"enum\":[true,false,");
            List::empty().words(out, words);
            out.add("]");
        }
        Form::Whole(least, most) => whole(out, least, most),
        Form::Number(least, most) => {
            out.add("{\"type\":\"number\",\"minimum\":");
            out.float(least);
            out.add(",\"maximum\":");
            out.float(most);
        }
        Form::Texts(most) => {
            out.add("{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":");
            out.digits(most as u64);
        }
        Form::Wholes(least, most) => {
            out.add("{\"type\":\"array\",\"items\":");
            whole(out, least, most);
            out.add("}");
        }
        Form::Day => out.add("{\"type\":\"string\",\"format\":\"date\""),
        Form::Object => out.add("{\"type\":\"object\""),
    }
}

const fn whole<const SIZE: usize>(out: &mut Text<SIZE>, least: i64, most: i64) {
    out.add("{\"type\":\"integer\",\"minimum\":");
    out.number(least);
    out.add(",\"maximum\":");
    out.number(most);
}

/// What a member of a result is.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text.
    Text,
    /// An integer.
    Whole,
    /// Any number.
    Number,
    /// True or false.
    Flag,
    /// A list of texts.
    Texts,
    /// An object whose members depend on what was asked for.
    Object,
    /// A list of such objects.
    Objects,
    /// A list of objects with these members.
    Rows(&'static [Member]),
}

/// A member: its name, what it is, whether it is always there, and what it means.
pub type Member = (&'static str, Shape, bool, &'static str);

/// Writes the schema of an object with these members and no others.
pub const fn of_members<const SIZE: usize>(out: &mut Text<SIZE>, tables: &[&[Member]]) {
    out.add("{\"type\":\"object\",\"properties\":{");
    members(out, &mut List::empty(), tables);
    out.add("},\"additionalProperties\":false");
    let (mut rest, mut list) = (tables, List::empty());
    while let [table, after @ ..] = rest {
        let mut table: &[Member] = table;
        while let [(word, _, is_always_there, _), later @ ..] = table {
            if *is_always_there {
                list.required(out, word);
            }
            table = later;
        }
        rest = after;
    }
    list.end_required(out);
    out.add("}");
}

/// Writes these members into the list.
pub const fn members<const SIZE: usize>(out: &mut Text<SIZE>, list: &mut List, mut tables: &[&[Member]]) {
    while let [table, after @ ..] = tables {
        let mut table: &[Member] = table;
        while let [(word, shape, _, about), later @ ..] = table {
            list.member(out, word, *shape, about);
            table = later;
        }
        tables = after;
    }
}

/// A list, which knows whether something was in it already.
#[derive(Debug)]
pub struct List {
    is_begun: bool,
}

impl List {
    /// Nothing yet.
    pub const fn empty() -> Self {
        Self { is_begun: false }
    }

    const fn comma<const SIZE: usize>(&mut self, out: &mut Text<SIZE>) {
        if self.is_begun {
            out.add(",");
        }
        self.is_begun = true;
    }

    /// Writes the name of a member, and its colon.
    pub const fn name<const SIZE: usize>(&mut self, out: &mut Text<SIZE>, word: &str) {
        self.word(out, word);
        out.add(":");
    }

    /// Writes a member.
    pub const fn member<const SIZE: usize>(&mut self, out: &mut Text<SIZE>, word: &str, shape: Shape, about: &str) {
        self.name(out, word);
        match shape {
            Shape::Text => out.add("{\"type\":\"string\""),
            Shape::Whole => out.add("{\"type\":\"integer\""),
            Shape::Number => out.add("{\"type\":\"number\""),
            Shape::Flag => out.add("{\"type\":\"boolean\""),
            Shape::Texts => out.add("{\"type\":\"array\",\"items\":{\"type\":\"string\"}"),
            Shape::Object => out.add("{\"type\":\"object\""),
            Shape::Objects => out.add("{\"type\":\"array\",\"items\":{\"type\":\"object\"}"),
            Shape::Rows(members) => {
                out.add("{\"type\":\"array\",\"items\":");
                of_members(out, &[members]);
            }
        }
        end(out, about);
    }

    const fn word<const SIZE: usize>(&mut self, out: &mut Text<SIZE>, word: &str) {
        self.comma(out);
        out.quote(word);
    }

    const fn words<const SIZE: usize>(&mut self, out: &mut Text<SIZE>, mut words: &[&str]) {
        while let [word, after @ ..] = words {
            self.word(out, word);
            words = after;
        }
    }

    /// Writes the name of a member that is always there.
    const fn required<const SIZE: usize>(&mut self, out: &mut Text<SIZE>, word: &str) {
        if !self.is_begun {
            out.add(",\"required\":[");
        }
        self.word(out, word);
    }

    const fn end_required<const SIZE: usize>(&self, out: &mut Text<SIZE>) {
        if self.is_begun {
            out.add("]");
        }
    }
}

/// The end of a schema, with what it describes.
pub const fn end<const SIZE: usize>(out: &mut Text<SIZE>, about: &str) {
    if !about.is_empty() {
        out.add(",\"description\":");
        out.quote(about);
    }
    out.add("}");
}
