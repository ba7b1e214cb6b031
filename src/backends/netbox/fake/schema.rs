//! The types of objects of `world.txt`: what each has, what it shows in brief, and what it can be asked for.

use std::sync::LazyLock;

/// The types and the objects at the start.
const TEXT: &str = include_str!("world.txt");

/// Every type.
pub(super) static TYPES: LazyLock<Vec<Type>> = LazyLock::new(read);

/// A type of objects.
#[derive(Default)]
pub(super) struct Type {
    pub(super) app: &'static str,
    pub(super) model: &'static str,
    /// `dcim.device`.
    pub(super) name: &'static str,
    /// The last part of its list's path.
    pub(super) list: &'static str,
    pub(super) fields: Vec<Field>,
    /// Keys of the brief form, besides those that every object has.
    pub(super) brief: Vec<&'static str>,
    /// What `q` looks at.
    pub(super) q: Vec<&'static str>,
    /// How one is called, with places for fields; `_` is a blank.
    pub(super) show: &'static str,
    /// What a relation to it is asked for by, where that is neither a slug nor a name.
    pub(super) key: &'static str,
    /// Filters by what an object is related to through others.
    pub(super) via: Vec<(&'static str, &'static str)>,
    /// Objects that only administrators see.
    pub(super) hidden: Vec<u64>,
    /// Since which release it is there.
    pub(super) since: Release,
    /// Has no tags, custom fields, owner and comments.
    pub(super) is_bare: bool,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<&'static str>,
}

/// A release, by its first two numbers.
pub(super) type Release = (u16, u16);

/// A member of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The type it leads to, its choices, or what is counted.
    pub(super) of: &'static str,
    pub(super) default: &'static str,
}

/// What a member is. The letter is that of `world.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `S` must be given, `s` may be empty, `t` may be null.
    Text { required: bool, null: bool },
    /// `I` must be given, `i` may be null.
    Number { required: bool },
    /// `f`.
    Decimal,
    /// `b` no, `B` yes unless it is said.
    Flag(bool),
    /// `c` the first unless it is said, `C` must be given, `k` may be null.
    Choice { required: bool, null: bool },
    /// `r`, `p`, `R`, `O`.
    One { required: bool, end: End },
    /// `m`.
    Many,
    /// `g`: three members, for its type, its id and the object.
    Generic,
    /// `N` a network, `A` an address in one.
    Network { host_bits: bool },
    /// `l`.
    List,
    /// `j`.
    Json,
    /// `d`.
    Date,
    /// `T`: the ends of a cable.
    Ends,
    /// `0` or `#`: how many there are of others.
    Count,
    /// `@`: found out when it is shown.
    Made,
    /// `+`: what everything has that a cable can go into.
    Ports,
    /// `+b` and `+s`: kept and never shown.
    Hidden { flag: bool },
}

/// What becomes of an object when the one it is related to is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It stays without it (`r`).
    Stays,
    /// It keeps it from being deleted (`p`, `R`).
    Keeps,
    /// It goes, too (`O`).
    Goes,
}

impl Type {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether objects of it are below each other.
    pub(super) fn is_tree(&self) -> bool {
        self.field("parent").is_some_and(|field| field.of == self.name)
            && self.field("_depth").is_some_and(|field| field.kind == Kind::Made)
    }

    /// `device`, as NetBox says it: `Device`, `IP Address`.
    pub(super) fn title(&self) -> String {
        match self.model {
            "ipaddress" => "IPAddress".to_owned(),
            "vlan" | "vrf" | "asn" | "rir" => self.model.to_ascii_uppercase(),
            model => capital(model),
        }
    }

    /// The path of an object's or the list's address, below the root.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.app, self.list)
    }
}

impl Field {
    /// Its choices, as value and label.
    pub(super) fn choices(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let is_choice = matches!(self.kind, Kind::Choice { .. });
        self.of.split(',').filter(move |choice| is_choice && !choice.is_empty()).map(|choice| {
            match choice.split_once('=') {
                Some((value, label)) => (value, label.replace('_', " ")),
                None => (choice, capital(&choice.replace('-', " "))),
            }
        })
    }

    /// Whether a request may set it.
    pub(super) const fn is_writable(&self) -> bool {
        !matches!(self.kind, Kind::Count | Kind::Made | Kind::Ports | Kind::Hidden { .. })
    }

    pub(super) const fn is_required(&self) -> bool {
        matches!(
            self.kind,
            Kind::Text { required: true, .. }
                | Kind::Number { required: true }
                | Kind::Choice { required: true, .. }
                | Kind::One { required: true, .. }
                | Kind::Network { .. }
        )
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// The type of that name.
pub(super) fn named(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|kind| kind.name == name)
}

/// The type whose list is there.
pub(super) fn listed(app: &str, list: &str) -> Option<&'static Type> {
    TYPES.iter().find(|kind| kind.app == app && kind.list == list)
}

fn read() -> Vec<Type> {
    let mut types: Vec<Type> = Vec::new();
    for line in TEXT.lines() {
        let Some((mark, rest)) = line.split_once(' ').filter(|(mark, _)| mark.len() == 1) else {
            if let Some(kind) = types.last_mut() {
                kind.rows.push(line);
            }
            continue;
        };
        match mark {
            "=" => types.push(declared(rest)),
            "+" => types.extend(plain(rest)),
            "!" => types.iter_mut().last().into_iter().for_each(|kind| set(kind, rest)),
            "#" => types.iter_mut().last().into_iter().for_each(|kind| kind.columns = rest.split('|').collect()),
            _ => {}
        }
    }
    types
}

fn declared(line: &'static str) -> Type {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    let (app, model) = name.split_once('.').unwrap_or_default();
    let list = words.next().unwrap_or_default();
    Type { app, model, name, list, show: "{name}", fields: words.filter_map(field).collect(), ..Type::default() }
}

/// Types of which there is only a list, and objects with a name.
fn plain(line: &'static str) -> impl Iterator<Item = Type> {
    let (app, models) = line.split_once(' ').unwrap_or_default();
    models.split(' ').filter_map(move |pair| {
        let (model, list) = pair.split_once('=')?;
        let name = &*format!("{app}.{model}").leak();
        let fields = ["name:S", "slug:s"].into_iter().filter_map(field).collect();
        Some(Type {
            app,
            model,
            name,
            list,
            show: "{name}",
            fields,
            brief: vec!["name"],
            q: vec!["name"],
            ..Type::default()
        })
    })
}

fn set(kind: &mut Type, line: &'static str) {
    let mut last = None;
    for word in line.split(' ') {
        let all = |text: &'static str| text.split(',').collect::<Vec<_>>();
        match word.split_once('=') {
            Some(("brief", text)) => kind.brief = all(text),
            Some(("q", text)) => kind.q = all(text),
            Some(("show", text)) => kind.show = text,
            Some(("key", text)) => kind.key = text,
            Some(("hidden", text)) => kind.hidden = text.split(',').filter_map(|id| id.parse().ok()).collect(),
            Some(("since", text)) => kind.since = release(text),
            Some((name, path)) => kind.via.extend(name.strip_prefix('~').map(|name| (name, path))),
            None => last = Some(word),
        }
        kind.is_bare |= last == Some("bare");
    }
}

/// `4.6` and whatever follows it.
pub(super) fn release(text: &str) -> Release {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

fn field(word: &'static str) -> Option<Field> {
    let (name, rest) = word.split_once(':')?;
    let (letter, of) = rest.split_once('/').unwrap_or((rest, ""));
    let (letter, default) = letter.split_once('=').unwrap_or((letter, ""));
    let one = |required, end| Kind::One { required, end };
    let kind = match letter {
        "S" => Kind::Text { required: true, null: false },
        "s" => Kind::Text { required: false, null: false },
        "t" => Kind::Text { required: false, null: true },
        "I" => Kind::Number { required: true },
        "i" => Kind::Number { required: false },
        "f" => Kind::Decimal,
        "b" => Kind::Flag(false),
        "B" => Kind::Flag(true),
        "c" => Kind::Choice { required: false, null: false },
        "C" => Kind::Choice { required: true, null: false },
        "k" => Kind::Choice { required: false, null: true },
        "r" => one(false, End::Stays),
        "p" => one(false, End::Keeps),
        "R" => one(true, End::Keeps),
        "O" => one(true, End::Goes),
        "m" => Kind::Many,
        "g" => Kind::Generic,
        "N" => Kind::Network { host_bits: false },
        "A" => Kind::Network { host_bits: true },
        "l" => Kind::List,
        "j" => Kind::Json,
        "d" => Kind::Date,
        "T" => Kind::Ends,
        "0" | "#" => Kind::Count,
        "+" => Kind::Ports,
        "+b" => Kind::Hidden { flag: true },
        "+s" => Kind::Hidden { flag: false },
        _ => Kind::Made,
    };
    Some(Field { name, kind, of, default })
}
