//! What the person gave, kept out of whatever is said afterwards: a gateway may quote the request that it refuses.

use url::form_urlencoded;

use super::super::open;
use super::super::wire::Node;
use crate::backends::sign_in::{Failed, Person, Visit};
use crate::backends::{Boxed, Sent, Unavailable};
use crate::secret::Secret;

/// A person whose secrets are remembered, and told to nobody.
pub(super) struct Discreet<'a> {
    person: &'a dyn Person,
    given: Sent,
}

impl<'a> Discreet<'a> {
    pub(super) fn before(person: &'a dyn Person) -> Self {
        Self { person, given: Sent::default() }
    }

    /// As it was given, and in every form in which it may have been sent.
    fn note(&self, secret: &Secret) {
        let text = secret.expose();
        let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let xml = Node::from(text).xml();
        let xml = xml.trim_start_matches("<val>").trim_end_matches("</val>");
        for form in [text, text.trim(), &form, xml] {
            self.given.note_whole(form);
        }
        if let Some(cookie) = open::session_of(text) {
            self.given.note_whole(cookie.expose());
        }
    }

    /// The failure without any of them.
    pub(super) fn out_of(&self, failed: Failed) -> Failed {
        failed.without(&self.given)
    }
}

impl Person for Discreet<'_> {
    fn say(&self, text: &str) {
        let mut text = text.to_owned();
        self.given.hide(&mut text);
        self.person.say(&text);
    }

    fn ask<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>> {
        self.person.ask(question)
    }

    fn ask_hidden<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move {
            let answer = self.person.ask_hidden(question).await;
            answer.inspect(|secret| self.note(secret))
        })
    }

    fn visit<'a>(&'a self, visit: Visit<'a>) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move {
            let answer = self.person.visit(visit).await;
            answer.inspect(|secret| self.note(secret))
        })
    }
}
