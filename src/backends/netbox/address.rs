//! Where a NetBox is (reference: "Addressing"): its root, which may be below a longer path, and the API in it.

use url::Url;

/// What the paths of NetBox's own pages begin with, below its root.
const SECTIONS: [&str; 20] = [
    "account",
    "api",
    "circuits",
    "core",
    "dcim",
    "extras",
    "graphql",
    "ipam",
    "login",
    "logout",
    "oauth",
    "plugins",
    "search",
    "static",
    "tenancy",
    "user",
    "users",
    "virtualization",
    "vpn",
    "wireless",
];

/// The root of the NetBox that has this page.
pub(super) fn root(copied: &Url) -> Url {
    let mut url = copied.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().to_owned();
    let is_section = |name: &&str| SECTIONS.iter().any(|section| section.eq_ignore_ascii_case(name));
    let kept: Vec<&str> =
        path.split('/').filter(|name| !name.is_empty()).take_while(|name| !is_section(name)).collect();
    url.set_path(&kept.join("/"));
    url
}

/// The address of a path of the API. It is made of what the person configured, never of what an answer says.
pub(super) fn api(url: &Url, path: &str) -> String {
    page(url, &format!("api/{path}"))
}

/// The address of a page for people.
pub(super) fn page(url: &Url, path: &str) -> String {
    format!("{}/{path}", root(url).as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_root_is_found_in_the_address_of_any_page() {
        for (copied, api) in [
            ("https://netbox.example.com", "https://netbox.example.com/api/status/"),
            ("https://netbox.example.com/", "https://netbox.example.com/api/status/"),
            ("https://netbox.example.com/api/", "https://netbox.example.com/api/status/"),
            ("https://netbox.example.com/user/api-tokens/?sort=key", "https://netbox.example.com/api/status/"),
            ("https://netbox.example.com/dcim/devices/7/#x", "https://netbox.example.com/api/status/"),
            ("https://tools.example.com/netbox", "https://tools.example.com/netbox/api/status/"),
            ("https://tools.example.com/a/netbox//login/?next=/api/", "https://tools.example.com/a/netbox/api/status/"),
            ("http://127.0.0.1:8000/netbox/api", "http://127.0.0.1:8000/netbox/api/status/"),
        ] {
            assert_eq!(super::api(&copied.parse().expect("an address"), "status/"), api, "{copied}");
        }
    }
}
