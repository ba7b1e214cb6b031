//! The world that all APIs speak of: products, and the devices that have their serial numbers.

use super::trouble::is_marked;

/// An operating system, by the names that the APIs have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Os {
    /// In bugs.
    pub(super) bug: &'static str,
    /// In software suggestions.
    pub(super) suggestion: &'static str,
    /// The release that Cisco recommends, the day of it, and the start and end of its image's name.
    pub(super) suggested: (&'static str, &'static str),
    pub(super) image: (&'static str, &'static str),
    /// Older releases, newest first.
    pub(super) releases: &'static [&'static str],
}

/// Classic IOS.
pub(super) const IOS: Os = Os {
    bug: "ios",
    suggestion: "IOS Software",
    suggested: ("15.2(7)E10", "14-Mar-2024"),
    image: ("c2960x-universalk9-mz.", ".bin"),
    releases: &["15.2(7)E", "15.6(3)M0a"],
};
/// IOS XE, whose images are named after the platform.
pub(super) const IOSXE: Os = Os {
    bug: "iosxe",
    suggestion: "IOS XE Software",
    suggested: ("17.12.4", "2024-07-26"),
    image: ("cat9k_iosxe.", ".SPA.bin"),
    releases: &["17.9.5", "17.9.4a", "17.3.1"],
};
/// NX-OS.
pub(super) const NXOS: Os = Os {
    bug: "nxos",
    suggestion: "NX-OS System Software",
    suggested: ("10.2(5)", "11-Mar-2023"),
    image: ("nxos64-cs.", ".M.bin"),
    releases: &["9.3(10)", "9.3(7)"],
};

/// Milestones of an end of life, in the order of the wire, and what replaces the product.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) bulletin: &'static str,
    /// Announcement, sale, software maintenance, security, failure analysis, contract renewal, support, attachment of
    /// services, update of the record. Unknown ones are `""` or `" "`.
    pub(super) dates: [&'static str; 9],
    pub(super) option: &'static str,
    pub(super) replacement: &'static str,
}

/// A product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) pid: &'static str,
    pub(super) name: &'static str,
    /// Without `Cisco` in front and `Switches` or the like at the end.
    pub(super) series: &'static str,
    pub(super) kind: &'static str,
    pub(super) released: &'static str,
    pub(super) mdf: &'static str,
    pub(super) os: Option<Os>,
    pub(super) end: Option<End>,
}

impl Product {
    /// The series as Cisco writes it.
    pub(super) fn full_series(&self) -> String {
        format!("Cisco {} Series {}", self.series, self.kind)
    }

    /// Whether it is a chassis rather than a part of one.
    pub(super) fn is_chassis(&self) -> bool {
        self.kind != "Modules"
    }
}

const fn product(
    pid: &'static str,
    (name, series, kind): (&'static str, &'static str, &'static str),
    released: &'static str,
    mdf: &'static str,
    os: Option<Os>,
) -> Product {
    Product { pid, name, series, kind, released, mdf, os, end: None }
}

const fn ending(
    product: Product,
    bulletin: &'static str,
    dates: [&'static str; 9],
    replacement: &'static str,
) -> Product {
    let option = if replacement.is_empty() { "No Replacement Available" } else { "Enter PID(s)" };
    Product { end: Some(End { bulletin, dates, option, replacement }), ..product }
}

const SWITCHES: &str = "Switches";
const ROUTERS: &str = "Integrated Services Routers";
const MODULES: &str = "Modules";

/// Every product.
pub(super) const PRODUCTS: [Product; 14] = [
    ending(
        product(
            "WS-C3850-48XS-E",
            ("Catalyst 3850 48 Port 10G Fiber Switch IP Services", "Catalyst 3850", SWITCHES),
            "2015-09-16",
            "284455437",
            Some(IOSXE),
        ),
        "EOL14101",
        [
            "2021-04-30",
            "2021-10-30",
            "2022-10-30",
            "",
            "2022-10-30",
            "2026-01-28",
            "2026-10-31",
            "2022-10-30",
            "2022-11-11",
        ],
        "C9300X-48TX-E",
    ),
    ending(
        product(
            "ISR4431/K9",
            ("Cisco ISR 4431 (4GE,3NIM,8G FLASH,4G DRAM,IPB)", "4000", ROUTERS),
            "2013-06-19",
            "285018114",
            Some(IOSXE),
        ),
        "EOL14741",
        [
            "2022-11-07",
            "2023-11-07",
            "2024-11-06",
            "2026-11-06",
            "2024-11-06",
            "2028-02-03",
            "2028-11-30",
            "2024-11-06",
            "2023-01-15",
        ],
        "C8300-1N1S-4T2X",
    ),
    ending(
        product(
            "WIC-1T=",
            ("1-Port Serial WAN Interface Card Spare", "WAN Interface Cards", MODULES),
            "1998-05-01",
            "268438065",
            None,
        ),
        "EOL5103",
        ["2006-05-15", "2006-11-15", " ", " ", " ", "2010-11-14", "2011-11-14", "2007-11-14", "2021-03-02"],
        "HWIC-1T=",
    ),
    ending(
        product(
            "HWIC-4ESW",
            ("4-Port Ethernet Switch HWIC", "High-Speed WAN Interface Cards", MODULES),
            "2004-09-13",
            "279121573",
            None,
        ),
        "EOL10321",
        ["2015-06-16", "2015-12-16", "", "", "2016-12-15", "2020-03-12", "2020-12-31", "2016-12-15", "2020-12-31"],
        "",
    ),
    ending(
        product(
            "N9K-C93180YC-EX",
            ("Nexus 93180YC-EX Switch", "Nexus 9000", SWITCHES),
            "2016-03-03",
            "286305946",
            Some(NXOS),
        ),
        "EOL13867",
        [
            "2020-08-04",
            "2021-02-02",
            "2022-02-02",
            "2024-02-02",
            "2022-02-02",
            "2025-05-03",
            "2026-02-28",
            "2022-02-02",
            "2021-02-02",
        ],
        "N9K-C93180YC-FX",
    ),
    ending(
        product(
            "WS-C2960X-48FPD-L",
            ("Catalyst 2960-X 48 GigE PoE 740W, 2 x 10G SFP+, LAN Base", "Catalyst 2960-X", SWITCHES),
            "2013-06-19",
            "284795737",
            Some(IOS),
        ),
        "EOL14423",
        [
            "2021-10-31",
            "2022-10-31",
            "2023-10-31",
            "2025-10-30",
            "2023-10-31",
            "2027-01-28",
            "2027-10-31",
            "2023-10-31",
            "2022-12-01",
        ],
        "C9200L-48P-4X-E",
    ),
    ending(
        product(
            "WS-C6509-E",
            ("Catalyst 6500 Enhanced 9-slot chassis,14RU,no PS,no Fan Tray", "Catalyst 6500", SWITCHES),
            "2004-10-05",
            "280828227",
            Some(IOS),
        ),
        "EOL12473",
        [
            "2019-04-30",
            "2019-10-30",
            "2020-10-30",
            "",
            "2020-10-30",
            "2024-01-28",
            "2024-10-31",
            "2020-10-30",
            "2021-10-30",
        ],
        "C9606R",
    ),
    product(
        "C9300-48P",
        ("Catalyst 9300 48-port PoE+, Network Advantage", "Catalyst 9300", SWITCHES),
        "2017-06-20",
        "286315874",
        Some(IOSXE),
    ),
    product(
        "C9300X-48TX-E",
        ("Catalyst 9300X 48-port mGig, Network Essentials", "Catalyst 9300", SWITCHES),
        "2021-02-16",
        "286315875",
        Some(IOSXE),
    ),
    product(
        "C9410R",
        ("Cisco Catalyst 9400 Series 10 slot chassis", "Catalyst 9400", SWITCHES),
        "2017-06-20",
        "286315863",
        Some(IOSXE),
    ),
    product(
        "C8300-1N1S-4T2X",
        ("Cisco Catalyst C8300-1N1S-4T2X Router", "Catalyst 8300", "Edge Platforms"),
        "2020-10-06",
        "286324472",
        Some(IOSXE),
    ),
    product(
        "N9K-C93180YC-FX",
        ("Nexus 9300 with 48p 1/10G/25G, 6p 40G/100G", "Nexus 9000", SWITCHES),
        "2017-06-27",
        "286314783",
        Some(NXOS),
    ),
    product(
        "QSFP-100G-SM-SR=",
        ("100GBASE CWDM4 Lite QSFP Transceiver, 2km over SMF", "100GBASE QSFP-100G", MODULES),
        "2018-05-08",
        "286291283",
        None,
    ),
    product(
        "CUCM-USR-LIC",
        ("Cisco Unity Connection Version 10.5", "Unified Communications", "Software"),
        "2014-06-30",
        "285963825",
        None,
    ),
];

/// The product with this id; any `FAKE-NNN` is a switch that brings trouble.
pub(super) fn product_of(pid: &str) -> Option<&'static Product> {
    let pid = pid.trim();
    let wanted =
        if pid.to_ascii_uppercase().starts_with("FAKE-") || pid.starts_with("fake:") { "C9300-48P" } else { pid };
    PRODUCTS.iter().find(|product| product.pid.eq_ignore_ascii_case(wanted))
}

/// The product with this id in Cisco's metadata framework.
pub(super) fn product_of_mdf(mdf: &str) -> Option<&'static Product> {
    let wanted = if is_marked(mdf) { "286315874" } else { mdf };
    PRODUCTS.iter().find(|product| product.mdf == wanted)
}

/// A device.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) serial: String,
    pub(super) instance: String,
    pub(super) product: &'static Product,
    pub(super) covered: bool,
    /// The end of the coverage; empty without one.
    pub(super) until: &'static str,
    pub(super) contract: &'static str,
    /// The device that it is built into.
    pub(super) parent: &'static str,
}

/// Serial number, product, end of coverage, contract, parent.
const DEVICES: [(&str, &str, &str, &str, &str); 9] = [
    ("FOC0000A0AA", "WS-C2960X-48FPD-L", "2027-12-31", "200000001", ""),
    ("FOC0000A0AB", "C9300-48P", "2028-06-30", "200000001", ""),
    ("FDO0000A0AC", "N9K-C93180YC-EX", "2027-03-31", "200000001", ""),
    ("FLM0000A0AD", "ISR4431/K9", "", "", ""),
    ("FCW0000A0AE", "WS-C3850-48XS-E", "2024-02-29", "200000002", ""),
    ("FXS0000A0AF", "C9410R", "2029-01-31", "200000002", ""),
    ("FNS0000A0AA", "QSFP-100G-SM-SR=", "2028-06-30", "200000001", "FOC0000A0AB"),
    ("FNS0000A0AB", "QSFP-100G-SM-SR=", "", "", ""),
    ("FOC0000A0AG", "WIC-1T=", "", "", "FLM0000A0AD"),
];
/// How many more there are, `SER00000001` and on.
pub(super) const SERIES: usize = 80;

/// The device with this serial number.
pub(super) fn device(serial: &str) -> Option<Device> {
    let serial = serial.trim();
    let made =
        |place: usize, (_, pid, until, contract, parent): (&str, &str, &'static str, &'static str, &'static str)| {
            let instance = (900_000_001 + place).to_string();
            let product = product_of(pid)?;
            // The calendar of this world stands still in 2026.
            let covered = until > "2026-11-28";
            Some(Device { serial: serial.to_owned(), instance, product, covered, until, contract, parent })
        };
    let wanted = if is_marked(serial) { "FOC0000A0AB" } else { serial };
    if let Some((place, known)) = DEVICES.iter().enumerate().find(|(_, known)| known.0.eq_ignore_ascii_case(wanted)) {
        return made(place, *known);
    }
    let number: usize = serial.strip_prefix("SER").filter(|digits| digits.len() == 8)?.parse().ok()?;
    let known = DEVICES.get(number % 6).filter(|_| (1..=SERIES).contains(&number))?;
    made(1_000 + number, *known)
}

/// The device with this instance number.
pub(super) fn device_of_instance(instance: &str) -> Option<Device> {
    let number = instance.parse::<usize>().ok()?.checked_sub(900_000_001)?;
    if is_marked(instance) {
        return device("FOC0000A0AB");
    }
    match DEVICES.get(number) {
        Some(known) => device(known.0),
        None => device(&format!("SER{:08}", number.checked_sub(1_000)?)),
    }
}
