//! The keychain here is a map that refuses what Windows would refuse, also if it kept text as UTF-16, and that can be
//! interrupted before any of its calls: by a crash, or by another program that does something whole.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;

use super::super::keychain::habits::windows;
use super::*;

const LIMIT: usize = windows::ITEM;
const CRASH: Error = Error::Busy;

type Stored = BTreeMap<String, Zeroizing<Vec<u8>>>;
type Map = Rc<RefCell<Stored>>;
type Interruption<'a> = Box<dyn FnMut(usize, &Map) -> Result<(), Error> + 'a>;

struct Keychain<'a> {
    map: Map,
    calls: usize,
    switched_at: usize,
    before_each: Interruption<'a>,
}

impl<'a> Keychain<'a> {
    fn of(map: &Map) -> Self {
        Self::watched(map, |_, _| Ok(()))
    }

    fn interrupted(map: &Map, at: usize, mut then: impl FnMut(&Map) -> Result<(), Error> + 'a) -> Self {
        Self::watched(map, move |call, map| if call == at { then(map) } else { Ok(()) })
    }

    fn watched(map: &Map, before_each: impl FnMut(usize, &Map) -> Result<(), Error> + 'a) -> Self {
        Self { map: Rc::clone(map), calls: 0, switched_at: 0, before_each: Box::new(before_each) }
    }

    fn step(&mut self) -> Result<(), Error> {
        self.calls += 1;
        (self.before_each)(self.calls - 1, &self.map)
    }
}

impl Items for Keychain<'_> {
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.step()?;
        Items::get(&mut *self.map.borrow_mut(), name)
    }

    fn set(&mut self, name: &str, content: &str) -> Result<(), Error> {
        let size = content.len().max(content.encode_utf16().count() * 2);
        if size > windows::BLOB {
            return Err(Error::TooLarge { size, limit: windows::BLOB });
        }
        self.step()?;
        if name == key().as_str() {
            self.switched_at = self.calls - 1;
        }
        self.map.borrow_mut().set(name, content)
    }

    fn delete(&mut self, name: &str) -> Result<bool, Error> {
        self.step()?;
        self.map.borrow_mut().delete(name)
    }
}

fn key() -> Key {
    Key::grant("a")
}

fn save(keychain: &mut Keychain<'_>, text: &str) -> Result<(), Error> {
    Split::new(keychain, &key(), LIMIT).save(&Secret::new(text))
}

fn load(keychain: &mut Keychain<'_>) -> Result<Option<String>, Error> {
    Ok(Split::new(keychain, &key(), LIMIT).load()?.map(|secret| secret.expose().to_owned()))
}

fn delete(keychain: &mut Keychain<'_>) -> Result<bool, Error> {
    Split::new(keychain, &key(), LIMIT).delete()
}

fn holding(text: &str) -> Map {
    let map = Map::default();
    save(&mut Keychain::of(&map), text).unwrap();
    map
}

fn copy(map: &Map) -> Map {
    Rc::new(RefCell::new(map.borrow().clone()))
}

fn names(map: &Map) -> Vec<String> {
    map.borrow().keys().cloned().collect()
}

fn large(letter: &str) -> String {
    letter.repeat(8192 / letter.len())
}

/// Every pair of sizes that takes another way: one item or several, before and after.
fn sizes() -> [(String, String); 4] {
    let (small, other) = ("o".repeat(40), "n".repeat(41));
    [(large("o"), large("n")), (small.clone(), large("n")), (large("o"), other.clone()), (small, other)]
}

/// How many calls `work` makes when nothing interrupts it.
fn calls_of(map: &Map, work: impl Fn(&mut Keychain<'_>)) -> usize {
    let mut keychain = Keychain::of(&copy(map));
    work(&mut keychain);
    keychain.calls
}

#[test]
fn the_double_refuses_what_windows_refuses_in_either_way_of_counting() {
    let mut keychain = Keychain::of(&Map::default());
    for (text, size) in [("x".repeat(1281), 2562), ("€".repeat(854), 2562), ("🔑".repeat(641), 2564)] {
        assert_eq!(keychain.set("a", &text), Err(Error::TooLarge { size, limit: windows::BLOB }), "{size}");
    }
    for text in ["x".repeat(1280), "€".repeat(853), "🔑".repeat(640)] {
        assert_eq!(keychain.set("a", &text), Ok(()));
    }
}

#[test]
fn a_grant_of_8_kib_fits_into_the_items_of_windows_whatever_its_letters() {
    for letter in ["x", "ü", "€", "🔑", "x🔑", "xü€🔑"] {
        let text = large(letter);
        assert_eq!(load(&mut Keychain::of(&holding(&text))).unwrap(), Some(text), "{letter}");
    }
    // Items of the whole limit fit as bytes, and not as UTF-16: that is what the half is for.
    let mut keychain = Keychain::of(&Map::default());
    let refused = Split::new(&mut keychain, &key(), windows::BLOB).save(&Secret::new(large("x")));
    assert!(matches!(refused, Err(Error::TooLarge { .. })));
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was(text in "\\PC{0,3000}") {
        prop_assert_eq!(load(&mut Keychain::of(&holding(&text))).unwrap(), Some(text));
    }

    #[test]
    fn no_content_of_a_head_is_trusted(text in "keyward/1 (whole|split) [0-9 a-f\n]{0,90}", bytes in any::<Vec<u8>>()) {
        for content in [text.into_bytes(), bytes] {
            let map = Map::default();
            map.borrow_mut().insert(key().to_string(), Zeroizing::new(content));
            prop_assert_eq!(load(&mut Keychain::of(&map)), Err(Error::Damaged { key: key() }));
        }
    }
}

#[test]
fn a_secret_that_fits_is_one_item_and_a_larger_one_is_several() {
    assert_eq!(names(&holding(&"x".repeat(LIMIT - 100))), ["grant a"]);
    let names = names(&holding(&"x".repeat(LIMIT)));
    assert_eq!(names.iter().filter(|name| name.starts_with("part ")).count(), 1);
    assert_eq!(names.len(), 3);
}

#[test]
fn a_secret_at_every_size_around_the_limit_comes_back() {
    for size in (LIMIT - 120..LIMIT + 4).chain(2 * LIMIT - 2..2 * LIMIT + 3) {
        for letter in ["x", "ü", "€", "🔑"] {
            let text = format!("{}{letter}{letter}", "x".repeat(size));
            assert_eq!(load(&mut Keychain::of(&holding(&text))).unwrap(), Some(text));
        }
    }
}

#[test]
fn r20_a_secret_beyond_all_parts_is_refused_and_the_old_one_stays() {
    let map = holding("old");
    let limit = (LIMIT - 3) * PARTS;
    assert_eq!(save(&mut Keychain::of(&map), &"€".repeat(limit / 3)), Ok(()));
    let refused = save(&mut Keychain::of(&map), &"x".repeat(limit + 1));
    assert_eq!(refused, Err(Error::TooLarge { size: limit + 1, limit }));
    assert_eq!(load(&mut Keychain::of(&map)).unwrap(), Some("€".repeat(limit / 3)));
}

#[test]
fn a_reader_at_any_moment_of_a_save_sees_the_old_or_the_new_one() {
    for (old, new) in sizes() {
        let start = holding(&old);
        for at in 0..calls_of(&start, |keychain| save(keychain, &new).unwrap()) {
            let map = copy(&start);
            let mut seen = None;
            let reader = |map: &Map| {
                seen = load(&mut Keychain::of(map))?;
                Ok(())
            };
            save(&mut Keychain::interrupted(&map, at, reader), &new).unwrap();
            assert!(seen == Some(old.clone()) || seen == Some(new.clone()), "at call {at}");
            assert_eq!(load(&mut Keychain::of(&map)).unwrap(), Some(new.clone()));
        }
    }
}

#[test]
fn a_save_or_a_logout_at_any_moment_of_a_load_gives_the_old_or_the_new_state() {
    for (old, new) in sizes() {
        let start = holding(&old);
        for at in 0..calls_of(&start, |keychain| drop(load(keychain))) {
            for times in 1..4 {
                let saves = |map: &Map| (0..times).try_for_each(|_| save(&mut Keychain::of(map), &new));
                let seen = load(&mut Keychain::interrupted(&copy(&start), at, saves)).unwrap();
                assert!(seen == Some(old.clone()) || seen == Some(new.clone()), "at call {at}");
            }
            let logout = |map: &Map| delete(&mut Keychain::of(map)).map(drop);
            let seen = load(&mut Keychain::interrupted(&copy(&start), at, logout)).unwrap();
            assert!(seen.is_none() || seen == Some(old.clone()), "at call {at}");
        }
    }
}

#[test]
fn a_reader_that_always_comes_too_late_gives_up() {
    struct Restless(Keychain<'static>, usize);
    impl Items for Restless {
        fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
            let found = self.0.get(name);
            self.1 += 1;
            assert!(self.1 < 1000, "it never gives up");
            save(&mut self.0, &large(["a", "b", "c"][self.1 % 3]))?;
            found
        }
        fn set(&mut self, _: &str, _: &str) -> Result<(), Error> {
            panic!("a reader writes nothing")
        }
        fn delete(&mut self, _: &str) -> Result<bool, Error> {
            panic!("a reader removes nothing")
        }
    }
    let mut restless = Restless(Keychain::of(&holding(&large("a"))), 0);
    let outcome = Split::new(&mut restless, &key(), LIMIT).load();
    assert_eq!(outcome.err(), Some(Error::Damaged { key: key() }));
}

#[test]
fn a_crash_at_any_moment_of_a_save_leaves_the_old_or_the_new_one_and_nothing_for_ever() {
    for (old, new) in sizes() {
        let start = holding(&old);
        for at in 0..calls_of(&start, |keychain| save(keychain, &new).unwrap()) {
            let map = copy(&start);
            let _ = save(&mut Keychain::interrupted(&map, at, crash()), &new);
            let seen = load(&mut Keychain::of(&map)).unwrap();
            assert!(seen == Some(old.clone()) || seen == Some(new.clone()), "at call {at}");

            let gone = copy(&map);
            assert_eq!(delete(&mut Keychain::of(&gone)), Ok(true));
            assert_eq!(names(&gone), [""; 0], "after a crash at call {at} and a logout");

            for text in [&old, &new] {
                save(&mut Keychain::of(&map), text).unwrap();
            }
            assert_eq!(names(&map).len(), names(&holding(&new)).len(), "after a crash at call {at} and two saves");
        }
    }
}

/// No operation goes on after a call of the keychain that failed, so this is what a crash leaves behind, too.
fn crash() -> impl FnMut(&Map) -> Result<(), Error> {
    |_| Err(CRASH)
}

#[test]
fn a_crash_at_any_moment_of_a_logout_leaves_the_old_secret_or_none() {
    for (old, _) in sizes() {
        let start = holding(&old);
        for at in 0..calls_of(&start, |keychain| assert_eq!(delete(keychain), Ok(true))) {
            let map = copy(&start);
            let _ = delete(&mut Keychain::interrupted(&map, at, crash()));
            let seen = load(&mut Keychain::of(&map)).unwrap();
            assert!(seen.is_none() || seen == Some(old.clone()), "at call {at}");
            let existed = delete(&mut Keychain::of(&map)).unwrap();
            assert_eq!(existed, seen.is_some());
            assert_eq!(names(&map), [""; 0], "after a crash at call {at}");
        }
    }
}

#[test]
fn whatever_another_writer_does_during_a_save_readers_see_whole_secrets_and_one_of_them_wins() {
    for (first, second) in sizes() {
        let start = holding(&large("s"));
        let whole = [large("s"), first.clone(), second.clone()].map(Some);
        let mut alone = Keychain::of(&copy(&start));
        save(&mut alone, &first).unwrap();
        for at in 0..alone.calls {
            for times in 1..5 {
                // Two whole saves between the last look and the switch cannot be seen by this writer before it reads
                // back. Writers that hold the lock never get there.
                let unseen = at == alone.switched_at && times > 1;
                let map = copy(&start);
                let others_and_reader = |call, map: &Map| {
                    if call == at {
                        (0..times).try_for_each(|_| save(&mut Keychain::of(map), &second))?;
                    }
                    let seen = load(&mut Keychain::of(map));
                    assert!(unseen || whole.contains(&seen.unwrap()), "{times} at {at}, seen at {call}");
                    Ok(())
                };
                save(&mut Keychain::watched(&map, others_and_reader), &first).unwrap();
                let seen = load(&mut Keychain::of(&map)).unwrap();
                assert!(whole[1..].contains(&seen), "{times} at call {at}");
                if !unseen {
                    let later = copy(&map);
                    [&first, &second].iter().for_each(|text| save(&mut Keychain::of(&later), text).unwrap());
                    assert_eq!(names(&later).len(), names(&holding(&second)).len(), "{times} at {at}, two saves later");
                }
                delete(&mut Keychain::of(&map)).unwrap();
                assert_eq!(names(&map), [""; 0], "{times} at call {at}");
            }
        }
    }
}

#[test]
fn a_logout_at_any_moment_of_a_save_never_leaves_half_of_it() {
    for (old, new) in sizes() {
        let start = holding(&old);
        for at in 0..calls_of(&start, |keychain| save(keychain, &new).unwrap()) {
            let map = copy(&start);
            let logout = |map: &Map| delete(&mut Keychain::of(map)).map(drop);
            let saved = save(&mut Keychain::interrupted(&map, at, logout), &new);
            let seen = load(&mut Keychain::of(&map)).unwrap();
            assert!(seen.is_none() || seen == Some(new.clone()), "at call {at}");
            assert!(saved == Ok(()) || seen.is_none(), "at call {at}: {saved:?}");
            delete(&mut Keychain::of(&map)).unwrap();
            assert_eq!(names(&map), [""; 0], "at call {at}");
        }
    }
}

#[test]
fn a_damaged_secret_is_never_returned_and_a_save_replaces_it() {
    let damage: [fn(&mut Stored); 5] = [
        |map| map.retain(|name, _| !name.starts_with("part 1 ")),
        |map| map.iter_mut().filter(|(name, _)| name.starts_with("part 2 ")).for_each(|(_, part)| part[7] ^= 1),
        |map| map.iter_mut().filter(|(name, _)| name.starts_with("part 0 ")).for_each(|(_, part)| part.truncate(9)),
        |map| map.get_mut("grant a").unwrap().truncate(30),
        |map| map.get_mut("grant a").unwrap().extend_from_slice(b"more"),
    ];
    for (number, damage) in damage.iter().enumerate() {
        let map = holding(&large("o"));
        damage(&mut map.borrow_mut());
        let mut keychain = Keychain::of(&map);
        assert_eq!(load(&mut keychain), Err(Error::Damaged { key: key() }), "damage {number}");
        // The seven parts, and the head before and after them.
        assert!(keychain.calls <= 9, "it reads on although nobody is writing");
        save(&mut Keychain::of(&map), "new").unwrap();
        assert_eq!(load(&mut Keychain::of(&map)).unwrap().as_deref(), Some("new"));
    }
    let map = holding("short");
    map.borrow_mut().get_mut("grant a").unwrap().pop();
    assert_eq!(load(&mut Keychain::of(&map)), Err(Error::Damaged { key: key() }));
}

#[test]
fn a_damaged_item_is_set_aside_when_it_is_replaced_once_and_no_more() {
    let aside = |map: &Map| {
        let found = Split::new(&mut Keychain::of(map), &key().damaged(), LIMIT).load().unwrap();
        found.map(|secret| secret.expose().to_owned())
    };
    let map = Map::default();
    let write = |content: &[u8]| map.borrow_mut().insert(key().to_string(), Zeroizing::new(content.to_vec()));
    write(b"not ours");
    save(&mut Keychain::of(&map), "new").unwrap();
    assert_eq!(aside(&map).as_deref(), Some("not ours"));
    // A healthy one is not set aside, and a newer damaged one takes the place of the older.
    save(&mut Keychain::of(&map), "newer").unwrap();
    assert_eq!(aside(&map).as_deref(), Some("not ours"));
    write(&[0xFF, 0x00, 0x41]);
    save(&mut Keychain::of(&map), "newest").unwrap();
    assert_eq!(aside(&map).as_deref(), Some("hex ff0041"));
    assert_eq!(names(&map), ["damaged grant a", "grant a"]);
    // What was set aside may itself be damaged: it is replaced, and nothing piles up.
    map.borrow_mut().insert(key().damaged().to_string(), Zeroizing::new(b"worse".to_vec()));
    write(b"again");
    save(&mut Keychain::of(&map), "last").unwrap();
    assert_eq!(aside(&map).as_deref(), Some("again"));
    assert_eq!(names(&map), ["damaged grant a", "grant a"]);
}

#[test]
fn a_damaged_item_that_cannot_be_set_aside_is_replaced_all_the_same() {
    let map = Map::default();
    map.borrow_mut().insert(key().to_string(), Zeroizing::new(b"not ours".to_vec()));
    map.borrow_mut().insert(key().damaged().to_string(), Zeroizing::new(b"keyward/2 newer".to_vec()));
    save(&mut Keychain::of(&map), "new").unwrap();
    assert_eq!(load(&mut Keychain::of(&map)).unwrap().as_deref(), Some("new"));
}

#[test]
fn r22_the_items_of_earlier_versions_are_read_and_replaced_without_a_rest() {
    let grant = include_str!("../../../tests/layouts/grant-1-oauth.json").trim_end();
    for items in [
        include_str!("../../../tests/layouts/items-1-whole.json"),
        include_str!("../../../tests/layouts/items-1-split.json"),
    ] {
        let items: BTreeMap<String, String> = serde_json::from_str(items).unwrap();
        let map = Map::default();
        for (name, content) in items {
            map.borrow_mut().insert(name, Zeroizing::new(content.into_bytes()));
        }
        let key = Key::grant("box");
        let load = |map| Split::new(&mut Keychain::of(map), &key, LIMIT).load();
        assert!(load(&map).unwrap().unwrap().matches(grant));
        Split::new(&mut Keychain::of(&map), &key, LIMIT).save(&Secret::new("new")).unwrap();
        assert!(load(&map).unwrap().unwrap().matches("new"));
        Split::new(&mut Keychain::of(&map), &key, LIMIT).save(&Secret::new("newer")).unwrap();
        assert_eq!(names(&map), ["grant box"], "two saves later nothing of the older version is left");
    }
}

#[test]
fn r22_a_newer_format_is_refused_and_left_alone() {
    let map = Map::default();
    for newer in ["keyward/2", "keyward/2 whole 1 2 3\nsecret", "keyward/10\nsecret", "keyward/2\u{0}"] {
        map.borrow_mut().insert(key().to_string(), Zeroizing::new(newer.as_bytes().to_vec()));
        let before = map.borrow().clone();
        assert_eq!(load(&mut Keychain::of(&map)), Err(Error::Newer { key: key() }), "{newer}");
        assert_eq!(save(&mut Keychain::of(&map), &large("n")), Err(Error::Newer { key: key() }));
        assert_eq!(delete(&mut Keychain::of(&map)), Err(Error::Newer { key: key() }));
        assert_eq!(*map.borrow(), before);
    }
}

#[test]
fn a_keychain_that_does_not_keep_what_it_took_is_found_out_when_saving() {
    struct Forgetful(Stored, &'static str);
    impl Items for Forgetful {
        fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
            Items::get(&mut self.0, name)
        }
        fn set(&mut self, name: &str, content: &str) -> Result<(), Error> {
            if name.starts_with(self.1) { Ok(()) } else { self.0.set(name, content) }
        }
        fn delete(&mut self, name: &str) -> Result<bool, Error> {
            self.0.delete(name)
        }
    }
    for start in [Map::default(), holding("old")] {
        for forgotten in ["part 1 ", "grant"] {
            let mut forgetful = Forgetful(start.borrow().clone(), forgotten);
            let outcome = Split::new(&mut forgetful, &key(), LIMIT).save(&Secret::new(large("n")));
            assert!(matches!(outcome, Err(Error::Failed { .. })), "{forgotten}: {outcome:?}");
        }
    }
}

#[test]
fn a_proof_leaves_nothing_behind_whatever_fails() {
    let map = Map::default();
    assert_eq!(prove(&mut Keychain::of(&map)), Ok(()));
    assert_eq!(names(&map), [""; 0]);
    let mut failing = Keychain::interrupted(&map, 1, crash());
    assert_eq!(prove(&mut failing), Err(CRASH));
    assert_eq!(names(&map), [""; 0]);
    let forget = |map: &Map| {
        map.borrow_mut().clear();
        Ok(())
    };
    let mut forgetting = Keychain::interrupted(&map, 1, forget);
    assert_eq!(prove(&mut forgetting), Err(Error::Failed { cause: "it does not keep what is stored".to_owned() }));
}
