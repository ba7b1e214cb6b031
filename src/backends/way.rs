//! The ways to sign in that a backend may have.

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// No credential is needed.
    None,
    /// OAuth: authorization code with PKCE in the browser.
    OAuth,
    /// An API key that the person pastes once.
    ApiKey,
    /// A bearer token that the person pastes once.
    Bearer,
    /// A token of the service's own kind that the person pastes once, and that the service says whose it is.
    Token,
    /// OAuth without a person: the client asks for itself, with its secret or its key.
    ClientCredentials,
    /// This machine is attached to the person's account, in the browser or with the password once; its secret is kept.
    Device,
    /// The person's name and password, which are kept.
    Password,
    /// A session that the person opened elsewhere.
    Session,
    /// A ticket that an administrator gave to the person, which opens one session.
    Ticket,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::OAuth,
        Self::ApiKey,
        Self::Bearer,
        Self::Token,
        Self::ClientCredentials,
        Self::Device,
        Self::Password,
        Self::Session,
        Self::Ticket,
    ];

    /// The word for it in the configuration, in `status` and in `--json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OAuth => "oauth",
            Self::ApiKey => "api-key",
            Self::Bearer => "bearer",
            Self::Token => "token",
            Self::ClientCredentials => "client-credentials",
            Self::Device => "device",
            Self::Password => "password",
            Self::Session => "session",
            Self::Ticket => "ticket",
        }
    }

    /// The way of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.word() == word)
    }

    /// Whether what the store keeps is attached to no request as it is: the backend opens its own sessions with it, or
    /// makes the header of it.
    pub const fn is_exchanged(self) -> bool {
        matches!(self, Self::Token | Self::Device | Self::Password | Self::Session | Self::Ticket)
    }
}
