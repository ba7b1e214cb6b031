//! The API families behind the gateway: where each is, how long it may take and how often it may be asked.

use std::time::Duration;

use crate::backends::turns::Rate;

/// One API family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Bug,
    Case,
    Eox,
    Product,
    Serial,
    Software,
    Rma,
    Images,
    Psirt,
}

/// Four requests a second over all APIs together; Cisco publishes no figure, clients of others live with five.
const ALL: Rate = Rate { name: "all", most: 4, within: Duration::from_secs(1) };
/// openVuln, "Browsing, sorting, filtering and rate limits": five a second, 30 a minute, 5,000 a day.
const PSIRT_MINUTE: Rate = Rate { name: "psirt-minute", most: 30, within: Duration::from_secs(60) };
const PSIRT_DAY: Rate = Rate { name: "psirt-day", most: 5_000, within: Duration::from_secs(86_400) };

impl Api {
    /// Its name as Cisco's console writes it, where an application's owner ticks it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Bug => "Bug API",
            Self::Case => "Case API",
            Self::Eox => "EOX API",
            Self::Product => "Product Information API",
            Self::Serial => "Serial Number to Information API",
            Self::Software => "Software Suggestion API",
            Self::Rma => "Service Order Return (RMA) API",
            Self::Images => "Automated Software Distribution API",
            Self::Psirt => "Cisco PSIRT openVuln API",
        }
    }

    /// Where it is, below the gateway's address.
    pub(super) const fn base(self) -> &'static str {
        match self {
            Self::Bug => "bug/v2.0/bugs",
            Self::Case => "case/v3/cases",
            Self::Eox => "supporttools/eox/rest/5",
            Self::Product => "product/v1/information",
            Self::Serial => "sn2info/v2",
            Self::Software => "software/suggestion/v2/suggestions",
            Self::Rma => "return/v1.0/returns",
            Self::Images => "software/v4.0",
            Self::Psirt => "security/advisories/v2",
        }
    }

    /// How many requests it stands.
    pub(super) const fn rates(self) -> &'static [Rate] {
        match self {
            Self::Psirt => &[ALL, PSIRT_MINUTE, PSIRT_DAY],
            _ => &[ALL],
        }
    }

    /// How long an answer may take; returns and pages of end-of-life data were seen to be slow.
    pub(super) const fn time(self) -> Duration {
        match self {
            Self::Rma | Self::Eox => Duration::from_secs(90),
            _ => Duration::from_secs(60),
        }
    }
}
