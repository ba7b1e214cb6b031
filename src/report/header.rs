//! Words for secret headers that are missing, refused or not to be had.

use super::{Exit, Report};

pub(super) fn unfit(header: &str, why: &str) -> Report {
    Report::new(Exit::Usage, "unfit_header", format!("no value of the header `{header}` can be kept"))
        .cause(why.to_owned())
        .hint("`--header NAME` takes the name alone; the value is asked for, or read from standard input")
}

pub(super) fn missing(connection: &str, header: &str, is_elsewhere: bool) -> Report {
    let cause = match is_elsewhere {
        true => "its value was given for another address than `url` names now, and is not sent there",
        false => "no value of it is stored",
    };
    Report::new(Exit::LoginRequired, "header_missing", format!("`{connection}` needs the header `{header}`"))
        .cause(cause)
        .hint(format!("`keyward login {connection} --header {header}`"))
}

pub(super) fn refused(connection: &str, headers: &[String]) -> Report {
    let flags: String = headers.iter().map(|header| format!(" --header {header}")).collect();
    let names = headers.iter().map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", ");
    Report::new(Exit::LoginRequired, "headers_refused", format!("`{connection}` refuses the stored headers"))
        .cause(format!("the service refused a request with {names} and asked for no other login"))
        .hint(format!("`keyward login {connection}{flags}`"))
}
