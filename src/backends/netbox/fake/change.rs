//! Making, changing and deleting objects, with a record of each (reference: "Writing").

use serde_json::{Map, Value, json};

use super::check::{self, Wrong};
use super::doors::Who;
use super::schema::{self, End, Kind, Release, TYPES, Type};
use super::world::{Row, World, ends, generic, id_of, said};

/// A request that changes something.
pub(super) struct Change<'a> {
    pub(super) world: &'a mut World,
    pub(super) release: Release,
    pub(super) who: &'a Who,
    pub(super) request: &'a str,
}

/// What a deletion fails with.
pub(super) enum Undeleted {
    Missing,
    /// By these, as they are called.
    Kept(Vec<String>),
}

impl Change<'_> {
    pub(super) fn create(&mut self, kind: &'static Type, given: &Map<String, Value>) -> Result<u64, Wrong> {
        let row = check::checked(self.world, kind, given, None, self.release)?;
        let now = self.world.tick();
        let row = stamped(row, &["created", "last_updated"], &now);
        let after = row.clone();
        let id = self.world.add(kind, row);
        self.record((kind, id), "create", (None, Some(after)), given);
        Ok(id)
    }

    /// Sets what is given; with `whole` all that must be given is wanted.
    pub(super) fn update(
        &mut self,
        (kind, id): (&'static Type, u64),
        given: &Map<String, Value>,
        whole: bool,
    ) -> Result<(), Wrong> {
        let Some(before) = self.world.row(kind.name, id).cloned() else { return Err(check::missing(kind)) };
        let row = check::checked(self.world, kind, given, Some((id, &before, whole)), self.release)?;
        let now = self.world.tick();
        let row = stamped(row, &["last_updated"], &now);
        self.world.put(kind, id, row.clone());
        self.record((kind, id), "update", (Some(before), Some(row)), given);
        Ok(())
    }

    pub(super) fn delete(&mut self, kind: &'static Type, id: u64, given: &Map<String, Value>) -> Result<(), Undeleted> {
        if self.world.row(kind.name, id).is_none() {
            return Err(Undeleted::Missing);
        }
        let (mut goes, mut keeps) = (vec![(kind, id)], Vec::new());
        let mut at = 0;
        while let Some((of, of_id)) = goes.get(at).copied() {
            for (other, other_id, end) in related(self.world, of, of_id) {
                let is_known = goes.iter().any(|(kind, id)| kind.name == other.name && *id == other_id);
                match end {
                    End::Goes if !is_known => goes.push((other, other_id)),
                    End::Keeps => keeps.push((other, other_id)),
                    _ => {}
                }
            }
            at += 1;
        }
        keeps.retain(|(other, other_id)| !goes.iter().any(|(kind, id)| kind.name == other.name && id == other_id));
        if !keeps.is_empty() {
            let called = |(kind, id): &(&'static Type, u64)| format!("{} ({id})", self.world.display(kind, *id));
            return Err(Undeleted::Kept(keeps.iter().map(called).collect()));
        }
        for (of, of_id) in goes.into_iter().rev() {
            self.detach(of, of_id);
            let before = self.world.row(of.name, of_id).cloned();
            self.world.tick();
            self.record((of, of_id), "delete", (before, None), given);
            self.world.remove(of.name, of_id);
        }
        Ok(())
    }

    /// Takes the object out of everything that stays without it.
    fn detach(&mut self, kind: &'static Type, id: u64) {
        for (other, other_id, _) in related(self.world, kind, id) {
            let Some(row) = self.world.row_mut(other.name, other_id) else { continue };
            for field in &other.fields {
                match field.kind {
                    Kind::One { .. } if field.of == kind.name && id_of(row, field.name) == Some(id) => {
                        row.insert(field.name.to_owned(), Value::Null);
                    }
                    Kind::Many if field.of == kind.name => {
                        if let Some(all) = row.get_mut(field.name).and_then(Value::as_array_mut) {
                            all.retain(|one| one.as_u64() != Some(id));
                        }
                    }
                    Kind::Generic
                        if generic(row, field.name).is_some_and(|(of, of_id)| of.name == kind.name && of_id == id) =>
                    {
                        row.insert(format!("{}_type", field.name), Value::Null);
                        row.insert(format!("{}_id", field.name), Value::Null);
                    }
                    _ => {}
                }
            }
        }
    }

    fn record(
        &mut self,
        (kind, id): (&'static Type, u64),
        action: &str,
        (before, after): (Option<Row>, Option<Row>),
        given: &Map<String, Value>,
    ) {
        let Some(log) = schema::named("core.objectchange").filter(|_| !matches!(kind.app, "users" | "core")) else {
            return;
        };
        let quiet = |row: Row| -> Row { row.into_iter().filter(|(name, _)| name != "secret").collect() };
        let message = given.get("changelog_message").filter(|_| self.release >= (4, 4)).map(|text| said(Some(text)));
        let related = id_of(after.as_ref().or(before.as_ref()).unwrap_or(&Row::new()), "device");
        let mut row = super::world::empty(log);
        let members = json!({
            "time": self.world.now(), "user": self.who.user, "user_name": self.who.name, "request_id": self.request,
            "action": action, "changed_object_type": kind.name, "changed_object_id": id,
            "object_repr": self.world.display(kind, id), "message": message.unwrap_or_default(),
            "related_object_type": related.map(|_| "dcim.device"), "related_object_id": related,
            "prechange_data": before.map(quiet), "postchange_data": after.map(quiet),
        });
        row.extend(members.as_object().cloned().unwrap_or_default());
        self.world.add(log, row);
    }
}

fn stamped(mut row: Row, names: &[&str], now: &str) -> Row {
    row.extend(names.iter().map(|name| ((*name).to_owned(), now.into())));
    row
}

/// What is related to an object, and what becomes of that when it is deleted.
fn related(world: &World, kind: &'static Type, id: u64) -> Vec<(&'static Type, u64, End)> {
    let mut found = Vec::new();
    for other in TYPES.iter().filter(|other| other.name != "core.objectchange") {
        for field in &other.fields {
            let end = match field.kind {
                Kind::One { end, .. } if field.of == kind.name => end,
                Kind::Many if field.of == kind.name => End::Stays,
                Kind::Generic if matches!(field.name, "scope" | "termination") => End::Stays,
                Kind::Generic | Kind::Ends => End::Goes,
                _ => continue,
            };
            let is_it = |row: &Row| match field.kind {
                Kind::One { .. } => id_of(row, field.name) == Some(id),
                Kind::Many => row.get(field.name).and_then(Value::as_array).is_some_and(|all| all.contains(&id.into())),
                Kind::Ends => ends(row, field.name).iter().any(|(of, of_id)| of.name == kind.name && *of_id == id),
                _ => generic(row, field.name).is_some_and(|(of, of_id)| of.name == kind.name && of_id == id),
            };
            found.extend(world.rows(other.name).filter(|(_, row)| is_it(row)).map(|(id, _)| (other, id, end)));
        }
    }
    found
}
