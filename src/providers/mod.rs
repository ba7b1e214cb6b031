//! Identity providers as data: one file each, one line in [`ALL`].
//!
//! A provider is recognised by its issuer. What a value here changes is said where it is declared; whatever a provider
//! publishes in its metadata needs no value.

mod tavily;

/// Every provider with a particularity.
pub const ALL: &[&Provider] = &[&tavily::PROVIDER];

/// Who issues tokens, as far as it differs from the standards.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// For people.
    pub title: &'static str,
    /// Its issuers, exactly as they stand in its metadata.
    pub issuers: &'static [&'static str],
    /// Scopes to ask for when neither the service nor the configuration names any.
    pub scopes: &'static [&'static str],
    /// It may refuse a renewal for the resource that it took at the login, and then takes one that names none.
    pub renews_without_resource: bool,
}

/// Any provider that behaves as the standards say.
pub const STANDARD: Provider =
    Provider { title: "the provider", issuers: &[], scopes: &[], renews_without_resource: false };

/// The provider with that issuer.
pub fn of_issuer(issuer: &str) -> &'static Provider {
    ALL.iter().find(|provider| provider.issuers.contains(&issuer)).copied().unwrap_or(&STANDARD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_belongs_to_one_provider_and_strangers_are_standard() {
        for provider in ALL {
            for issuer in provider.issuers {
                assert_eq!(of_issuer(issuer), *provider);
            }
        }
        assert_eq!(of_issuer("https://mcp.tavily.com"), &STANDARD, "issuers are compared to the letter");
    }
}
