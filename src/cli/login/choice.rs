//! By which ways a login can be finished, and why: what was asked for goes before what the surroundings suggest.
//!
//! | where | by default |
//! |---|---|
//! | a display, or a browser named by `--browser` or `BROWSER` | browser, and a paste at a terminal |
//! | ssh, a container, a service, no display | the address is printed; a forwarded port, or a paste at a terminal |
//! | an automatic build | the address is printed |
//!
//! The listener is open in every row: the first answer that is valid wins, by whichever way it comes.

use crate::machine::{Surroundings, Unseen};

/// What the command line asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// `--browser PROGRAM`.
    pub(super) browser: bool,
    /// `--no-browser`.
    pub(super) no_browser: bool,
    /// `--paste`.
    pub(super) paste: bool,
}

/// What is known without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) surroundings: Surroundings,
    /// `BROWSER` names a program.
    pub(super) browser_named: bool,
    /// `KEYWARD_NO_BROWSER` is set.
    pub(super) browser_off: bool,
    /// Somebody sits at standard input and reads standard error.
    pub(super) person: bool,
}

/// The ways of one login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Why no browser is opened; `None` if one is.
    pub(super) unopened: Option<Unopened>,
    /// What is typed is read.
    pub(super) paste: bool,
}

/// Why no browser is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// `--no-browser`.
    Flag,
    /// `KEYWARD_NO_BROWSER`.
    Variable,
    /// Nobody would see it.
    Unseen(Unseen),
}

impl Unopened {
    /// The reason as the rest of a sentence.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::Flag => "`--no-browser` says so",
            Self::Variable => "`KEYWARD_NO_BROWSER` says so",
            Self::Unseen(Unseen::Ci) => "this is an automatic build",
            Self::Unseen(Unseen::Container) => "this is a container without a display",
            Self::Unseen(Unseen::Ssh) => "this is the far end of an ssh connection",
            Self::Unseen(Unseen::Service) => "this is a service without a person",
            Self::Unseen(Unseen::NoDisplay) => "there is no graphical display",
        }
    }

    /// The word for scripts.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Variable => "variable",
            Self::Unseen(Unseen::Ci) => "ci",
            Self::Unseen(Unseen::Container) => "container",
            Self::Unseen(Unseen::Ssh) => "ssh",
            Self::Unseen(Unseen::Service) => "service",
            Self::Unseen(Unseen::NoDisplay) => "no-display",
        }
    }
}

/// Decides.
pub(super) fn choose(asked: Asked, known: Known) -> Choice {
    let unopened = match (asked.browser, asked.no_browser) {
        (true, _) => None,
        (false, true) => Some(Unopened::Flag),
        (false, false) if known.browser_off => Some(Unopened::Variable),
        // Who names a program knows that it works here: an editor's remote window does, for one.
        (false, false) if known.browser_named => None,
        (false, false) => known.surroundings.unseen().map(Unopened::Unseen),
    };
    Choice { unopened, paste: asked.paste || known.person }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESKTOP: Known =
        Known { surroundings: Surroundings::DESKTOP, browser_named: false, browser_off: false, person: true };

    fn without_display(change: impl FnOnce(&mut Surroundings)) -> Known {
        let mut surroundings = Surroundings { display: false, ..Surroundings::DESKTOP };
        change(&mut surroundings);
        Known { surroundings, ..DESKTOP }
    }

    #[test]
    fn what_is_asked_for_goes_before_what_the_surroundings_suggest() {
        use Unopened::{Flag, Variable};
        let ssh = without_display(|it| it.ssh = true);
        let ci = without_display(|it| it.ci = true);
        let asked = Asked::default();
        let browser = Asked { browser: true, ..asked };
        let no_browser = Asked { no_browser: true, ..asked };
        let paste = Asked { paste: true, ..asked };
        let unseen = |why| Some(Unopened::Unseen(why));
        for (asked, known, unopened, pastes) in [
            (asked, DESKTOP, None, true),
            (asked, Known { person: false, ..DESKTOP }, None, false),
            (paste, Known { person: false, ..DESKTOP }, None, true),
            (no_browser, DESKTOP, Some(Flag), true),
            (asked, Known { browser_off: true, ..DESKTOP }, Some(Variable), true),
            (browser, Known { browser_off: true, ..DESKTOP }, None, true),
            (asked, ssh, unseen(Unseen::Ssh), true),
            (browser, ssh, None, true),
            (no_browser, ssh, Some(Flag), true),
            (asked, Known { browser_named: true, ..ssh }, None, true),
            (asked, Known { browser_named: true, browser_off: true, ..ssh }, Some(Variable), true),
            (asked, without_display(|it| it.container = true), unseen(Unseen::Container), true),
            (asked, without_display(|it| it.service = true), unseen(Unseen::Service), true),
            (asked, without_display(|_| ()), unseen(Unseen::NoDisplay), true),
            (asked, ci, unseen(Unseen::Ci), true),
            (asked, Known { person: false, ..ci }, unseen(Unseen::Ci), false),
            (browser, ci, None, true),
        ] {
            assert_eq!(choose(asked, known), Choice { unopened, paste: pastes }, "{asked:?} {known:?}");
        }
    }
}
