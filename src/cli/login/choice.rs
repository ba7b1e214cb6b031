//! By which ways a login can be finished, and why: what was asked for goes before what the surroundings suggest.
//!
//! | where | by default |
//! |---|---|
//! | a display, or a browser named by `--browser` or `BROWSER` | browser, and a paste at a terminal |
//! | ssh, a container, a service, no display | the address is printed; a forwarded port, or a paste at a terminal |
//! | the same without a terminal, an automatic build | the address is printed, and a code for another device if the provider offers one |
//! | `--device` | a code for another device and nothing else, unless `--paste` wants both |
//!
//! The listener is open in every row but the last: the first answer that is valid wins, by whichever way it comes.

use crate::app::login::Device;
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
    /// `--device`.
    pub(super) device: bool,
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
    /// The answer may come back from a browser, here or by a paste.
    pub(super) browser: bool,
    /// A code for another device is asked for.
    pub(super) device: Device,
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
    let browser = !asked.device || asked.paste;
    let paste = browser && (asked.paste || known.person);
    let device = match unopened {
        _ if asked.device => Device::Asked,
        Some(_) if !paste => Device::IfOffered,
        _ => Device::No,
    };
    Choice { unopened, paste, browser, device }
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
        let elsewhere = Asked { device: true, ..asked };
        let unseen = |why| Some(Unopened::Unseen(why));
        use Device::{Asked as Wanted, IfOffered, No};
        for (asked, known, unopened, pastes, device) in [
            (asked, DESKTOP, None, true, No),
            (asked, Known { person: false, ..DESKTOP }, None, false, No),
            (paste, Known { person: false, ..DESKTOP }, None, true, No),
            (no_browser, DESKTOP, Some(Flag), true, No),
            (no_browser, Known { person: false, ..DESKTOP }, Some(Flag), false, IfOffered),
            (asked, Known { browser_off: true, ..DESKTOP }, Some(Variable), true, No),
            (browser, Known { browser_off: true, ..DESKTOP }, None, true, No),
            (asked, ssh, unseen(Unseen::Ssh), true, No),
            (asked, Known { person: false, ..ssh }, unseen(Unseen::Ssh), false, IfOffered),
            (browser, ssh, None, true, No),
            (no_browser, ssh, Some(Flag), true, No),
            (asked, Known { browser_named: true, ..ssh }, None, true, No),
            (asked, Known { browser_named: true, browser_off: true, ..ssh }, Some(Variable), true, No),
            (asked, without_display(|it| it.container = true), unseen(Unseen::Container), true, No),
            (asked, without_display(|it| it.service = true), unseen(Unseen::Service), true, No),
            (asked, without_display(|_| ()), unseen(Unseen::NoDisplay), true, No),
            (asked, ci, unseen(Unseen::Ci), true, No),
            (asked, Known { person: false, ..ci }, unseen(Unseen::Ci), false, IfOffered),
            (browser, ci, None, true, No),
            (Asked { paste: true, ..elsewhere }, ssh, unseen(Unseen::Ssh), true, Wanted),
        ] {
            let expected = Choice { unopened, paste: pastes, browser: true, device };
            assert_eq!(choose(asked, known), expected, "{asked:?} {known:?}");
        }
        for (known, unopened) in [(DESKTOP, None), (ssh, unseen(Unseen::Ssh))] {
            let expected = Choice { unopened, paste: false, browser: false, device: Wanted };
            assert_eq!(choose(elsewhere, known), expected, "{known:?}");
        }
    }
}
