"""The stand-in for Cisco's Support APIs, asked by libraries that nobody here wrote and that were written for Cisco itself:
`ciscosupportsdk`, `cisco_support` and Cisco's own `openVulnQuery`.

Run with KEYWARD_BIN set and the interpreter that has them. They run unmodified: a proxy leads them to the sandbox. What
they make of the answers is compared in their own models. Where they disagree with the documentation, the case says so.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, http, needs, same, scratch

keyward = Keyward()
_, sandbox = ring.start("sandbox", keyward.program, "sandbox", "--json")
_, gate = ring.start("gate", sys.executable, here / "gate.py", sandbox["url"], scratch)
# From here on, what knows Cisco's hosts is led to the sandbox.
os.environ |= {"HTTPS_PROXY": gate["url"], "REQUESTS_CA_BUNDLE": gate["certificate"]}

import cisco_support
import requests
from ciscosupportsdk.api import CiscoSupportAPI
from ciscosupportsdk.api.eox import EoxError
from ciscosupportsdk.apisession import ApiError, RateLimitError
from ciscosupportsdk.models.bug import DateModified, Severity, SortBy, Status
from ciscosupportsdk.models.eox import EoxAttrib, OSType, SoftwareRelease


def register(method):
    """A client of the sandbox that may ask for itself, and its secret."""
    form = {"client_name": "peer", "grant_types": ["client_credentials"], "response_types": [], "token_endpoint_auth_method": method}
    answer = requests.post(f"{sandbox['url']}/as/register", json=form, timeout=10)
    assert answer.status_code == 201, answer.text
    return answer.json()["client_id"], answer.json()["client_secret"]


def refused(kind, call, *words):
    """The call fails with an error of this kind that says these words."""
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), f"{error} says nothing of {words}"
        return error
    raise AssertionError(f"no {kind.__name__}")


def ids(records, name):
    return [getattr(record, name) for record in records]


sdk = CiscoSupportAPI(*register("client_secret_basic"))
posting = register("client_secret_post")
program = scratch / "openvuln.json"
program.write_text(json.dumps({"CLIENT_ID": posting[0], "CLIENT_SECRET": posting[1]}))


def plain(kind):
    """One of the classes of `cisco_support`, which print what they do."""
    return kind(*posting)


def quiet(call, *arguments, **named):
    with contextlib.redirect_stdout(io.StringIO()):
        return call(*arguments, **named)


def openvuln(*words, code=0):
    """Runs Cisco's own program and returns the JSON that it writes."""
    command = [Path(sys.executable).with_name("openVulnQuery"), "--config", program, *words, "--json", scratch / "out.json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, env=os.environ)
    assert (done.returncode == 0) == (code == 0), f"openVulnQuery {words} ended with {done.returncode}: {done.stderr[-800:]}"
    return json.loads((scratch / "out.json").read_text()) if code == 0 else done.stderr


# ---- ciscosupportsdk


def bugs_are_found():
    """ciscosupportsdk gets bugs by id, by keyword and by product, filtered, sorted and page by page."""
    bugs = list(sdk.bug.get_bug_details(["CSCwa00001", "CSCwa00007", "CSCxx00000"]))
    same(ids(bugs, "bug_id"), ["CSCwa00001", "CSCwa00007"])
    same((bugs[1].duplicate_of, bugs[0].known_fixed_releases), ("CSCwa00001", "17.9.5 17.12.1 17.12.4"))
    many = list(sdk.bug.get_bugs_by_keyword("many", modified_date=DateModified.ALL))
    same((len(many), many[-1].id), (248, "248"))
    few = list(sdk.bug.get_bugs_by_keyword("many"))
    assert 0 < len(few) < 30, "the default hides most of them"
    found = sdk.bug.get_bugs_by_product_id_and_release(
        "C9300-48P", ["17.12.4"], Status.OPEN, DateModified.ALL, Severity.THREE, SortBy.SEVERITY
    )
    same(ids(found, "bug_id"), ["CSCwa00004"])
    found = sdk.bug.get_bugs_by_product_name_and_affected_release(
        "Nexus 93180YC-EX Switch", ["10.2(5)"], modified_date=DateModified.ALL
    )
    same(ids(found, "bug_id"), ["CSCwb00002", "CSCwb00003", "CSCwb00005", "CSCwb00006"])
    found = sdk.bug.get_bugs_by_product_and_fixed_release(
        "Cisco Catalyst 9300 Series Switches", ["17.12.5"], modified_date=DateModified.ALL
    )
    same(ids(found, "bug_id"), ["CSCwa00005"])
    same(list(sdk.bug.get_bugs_by_keyword("nothing like this")), [])


def cases_are_found():
    """ciscosupportsdk gets cases by id, in detail and by contract, page by page."""
    cases = list(sdk.case.get_case_summary(["600000001", "600000002"]))
    same([(case.case_id, case.bugs, case.rmas) for case in cases][1], ("600000001", ["CSCwa00001"], ["800000001"]))
    same(cases[0].technology_name, None)
    detail = sdk.case.get_case_details("600000004")
    same((len(detail.notes), detail.status), (75, "Closed"))
    many = list(sdk.case.get_cases_by_contract_id(["200000002"], status_flag=None))
    same((len(many), len(set(ids(many, "case_id")))), (120, 120))
    same({case.status for case in sdk.case.get_cases_by_contract_id(["200000002"])}, {"Cisco Pending"})
    same(list(sdk.case.get_cases_by_user_id(["nobody"])), [])
    refused(ApiError, lambda: sdk.case.get_case_details("600000000"), "403", "CASE_NOTFOUND")


def lifecycles_are_found():
    """ciscosupportsdk gets ends of life by product, serial number, release and date, and those that were not announced."""
    found = {record.eox_input_value.strip(): record for record in sdk.eox.get_by_product_ids(["WIC-1T=", "C9300-48P"])}
    same(found["WIC-1T="].last_date_of_support.value, "2011-11-14")
    same((found["C9300-48P"].eox_error.error_id, found["C9300-48P"].last_date_of_support.date_format), ("SSA_ERR_026", None))
    serial = list(sdk.eox.get_by_serial_number(["FDO0000A0AC"]))
    same(ids(serial, "eol_product_id"), ["N9K-C93180YC-EX"])
    releases = [SoftwareRelease(os=OSType.IOS, version="12.2"), SoftwareRelease(os=OSType.IOS_XE, version="17.12.4")]
    errors = [record.eox_error and record.eox_error.error_id for record in sdk.eox.get_by_software_release(releases)]
    same(errors, ["SSA_ERR_024", "SSA_ERR_022", None])
    dated = list(sdk.eox.get_by_dates("2020-01-01", "2026-12-31", [EoxAttrib.UPDATE_TIMESTAMP]))
    same((len(dated), dated[0].eox_input_value), (2216, "2020-01-01 , 2026-12-31 , UPDATE_TIMESTAMP"))
    refused(EoxError, lambda: list(sdk.eox.get_by_product_ids(["AB*"])), "SSA_ERR_032")


def an_unencoded_slash_is_another_path():
    """ciscosupportsdk does not encode what it puts into a path, so a product id with a slash finds nothing at all."""
    refused(ApiError, lambda: list(sdk.product_information.get_info_by_product_id(["ISR4431/K9"])), "404")


def products_are_found():
    """ciscosupportsdk gets products by serial number and by product id, also where a record is an error."""
    found = list(sdk.product_information.get_info_by_serial(["FOC0000A0AB", "BADSERIAL01"]))
    same([(record.sr_no, record.base_pid) for record in found], [("FOC0000A0AB", "C9300-48P"), ("BADSERIAL01", None)])
    (part,) = sdk.product_information.get_info_by_product_id(["QSFP-100G-SM-SR="])
    same((part.product_id, part.weight), ("QSFP-100G-SM-SR=", None))


def coverage_is_found():
    """ciscosupportsdk gets coverage, owners, summaries in pages, instances and orderable products."""
    serials = [f"SER{number:08}" for number in range(1, 76)]
    same(len(list(sdk.serial_information.get_coverage_summary_by_serial(serials))), 75)
    status = {one.serial_number: one.is_covered for one in sdk.serial_information.get_coverage_status(["FOC0000A0AB", "FLM0000A0AD", "X"])}
    same(status, {"FOC0000A0AB": True, "FLM0000A0AD": False, "X": None})
    (owner,) = sdk.serial_information.get_coverage_owner_status(["FOC0000A0AB"])
    same(owner.is_owner, True)
    (instance,) = sdk.serial_information.get_coverage_summary_by_instance(["900000002"])
    same((instance.base_pid.base_pid, instance.orderable_pid.orderable_pid), ("C9300-48P", "C9300-48P"))
    (orderable,) = sdk.serial_information.get_orderable_pids(["FOC0000A0AB"])
    same(orderable.orderable_pid_list[0].pillar_description, "TAC SUPPORT")


def software_is_suggested():
    """ciscosupportsdk gets suggested and compatible software, whose numbers are in quotes."""
    (nexus,) = sdk.suggestion.get_suggestions_and_image_by_product_ids(["N9K-C93180YC-EX"])
    same((nexus.product.mdf_id, nexus.suggestions[0].rel_display_name), ("286305946", "10.2(5)"))
    same((nexus.suggestions[0].is_suggested, nexus.suggestions[0].images[0].name), (True, "nxos64-cs.10.2.5.M.bin"))
    (by_mdf,) = sdk.suggestion.get_suggestions_by_mdf_ids(["286315874"])
    same(by_mdf.suggestions[0].images, [])
    fitting = sdk.suggestion.get_compatible_by_product_id("C9300-48P", current_release="17.9.4a")
    same(ids(fitting, "rel_display_name"), ["17.12.4", "17.9.5"])


def returns_are_found():
    """ciscosupportsdk gets returns by number and by user, page by page, and the error that comes with 200."""
    (rma,) = sdk.rma.get_rma_details_by_rma_number("800000001")
    same((rma.rma_no, rma.case_id, rma.replacement_parts.tracking_info.courier_list), (800000001, "600000001", "DHL"))
    same(rma.return_lines.return_parts[0].reqturn_qty_received, "1")
    pages = list(sdk.rma.get_rma_details_by_user_id("manyuser"))
    same([len(page.returns) for page in pages], [20, 20, 5])
    refused(ApiError, lambda: list(sdk.rma.get_rma_details_by_rma_number("800000099")), "SVO_NO_RECORDS")
    refused(ApiError, lambda: list(sdk.rma.get_rma_details_by_user_id("nobody")), "SVO_NO_RECORDS")


def images_are_found():
    """ciscosupportsdk finds images and where they are, and reads the agreement that stands before one."""
    (found,) = sdk.asd.get_software_by_pid_and_release("N9K-C93180YC-EX", "9.3(7)")
    product = found.products[0]
    image = product.software_types[0].operating_systems[0].releases[0].images[0]
    status = sdk.asd.get_software_status_by_image([image.name, "nothing.bin"])
    same((status.invalid_images, status.pagination_response_record.total_records), (["nothing.bin"], 1))
    given = sdk.asd.get_download_urls("N9K-C93180YC-EX", product.mdf_id, status.metadata_trans_id, [image.image_guid])
    same((given.acceptance_form, given.items[0].image_name), (None, image.name))
    same(sdk.asd.get_k9_agreement().user_details.user_id, "exampleuser")
    refused(ApiError, lambda: list(sdk.asd.get_software_by_pid_and_release("NOSUCH", "1")), "400", "PID_INVALID")


def trouble_is_met():
    """ciscosupportsdk gets through a stale token and a 429, and meets the refusals of the gateway."""
    same([bug.bug_id for bug in sdk.bug.get_bug_details(["CSCzz00401"])], ["CSCzz00401"])
    same([bug.bug_id for bug in sdk.bug.get_bug_details(["CSCzz00427"])], ["CSCzz00427"])
    refused(RateLimitError, lambda: list(sdk.bug.get_bug_details(["CSCzz00428"])), "429", "Account Over Rate Limit")
    refused(ApiError, lambda: list(sdk.bug.get_bug_details(["CSCzz00421"])), "403", "Queries Per Second")
    order = lambda *apis: requests.post(f"{sandbox['url']}/cisco/control", json={"disabled": apis}, timeout=10).status_code
    same(order("bug"), 200)
    refused(ApiError, lambda: list(sdk.bug.get_bug_details(["CSCwa00001"])), "403", "Not Authorized")
    same((order(), len(list(sdk.bug.get_bug_details(["CSCwa00001"])))), (200, 1))


def a_hostile_bug_is_whole():
    """ciscosupportsdk reads texts of strangers as they are, and odd records as far as its models go."""
    (bug,) = sdk.bug.get_bug_details(["CSCho00001"])
    assert "<script>" in bug.description and "\x1b" in bug.description and "\U000e0049" in bug.description
    refused(ValueError, lambda: list(sdk.bug.get_bugs_by_keyword("odd", modified_date=DateModified.ALL)), "string_type")


# ---- cisco_support


def every_api_is_asked():
    """cisco_support gets an answer of the documented form from every API."""
    bugs = quiet(plain(cisco_support.Bug).get_by_keywords, ["forwarding", "leak"], modified_date=5)
    same([bug["bug_id"] for bug in bugs["bugs"]], ["CSCwa00001", "CSCwa00007"])
    cases = quiet(plain(cisco_support.Case).get_by_user_ids, ["exampleuser"], status_flag="O")
    same([case["case_id"] for case in cases["cases"]], ["600000002", "600000003"])
    eox = plain(cisco_support.EoX).get_by_software_release_strings(["12.2,IOS"])
    same(eox["PaginationResponseRecord"]["TotalRecords"], 2)
    products = plain(cisco_support.ProductInformation).get_by_serial_numbers(["FOC0000A0AB"])
    same(products["product_list"][0]["base_pid"], "C9300-48P")
    serials = plain(cisco_support.SerialNumberInformation).get_coverage_status_by_serial_numbers(["FOC0000A0AB"])
    same(serials["serial_numbers"][0]["is_covered"], "YES")
    software = plain(cisco_support.SoftwareSuggestion).get_suggested_releases_by_pid(["C9300-48P"])
    same(software["productList"][0]["suggestions"][0]["releaseFormat1"], "17.12.4")
    rma = plain(cisco_support.ServiceOrderReturn).get_by_rma_number("800000002")
    same(rma["returns"]["RmaRecord"][0]["status"], "Open")


def what_is_documented_otherwise_is_refused():
    """cisco_support has three paths and names that the documentation has otherwise, and the stand-in goes by that."""
    # The others ask for `/product_ids_mdf/…` and `/users/user_ids/…`, and write `outputReleaseVersion`.
    refused(ValueError, lambda: plain(cisco_support.ProductInformation).get_mdf_by_ids(["C9300-48P"]))
    refused(ValueError, lambda: plain(cisco_support.ServiceOrderReturn).get_by_user_id("exampleuser"))
    software = plain(cisco_support.AutomatedSoftwareDistribution).get_software_release_by_pid_and_release("C9300-48P", "17.9.4a", "latest")
    same(software["exception"]["exceptionCode"], "OUT_REL_MISSING")


# ---- openVulnQuery


def advisories_are_listed():
    """openVulnQuery lists advisories by every key it has."""
    field = lambda rows, name: [row[name] for row in rows]
    same(len(openvuln("--all", "-f", "advisory_id")), 90)
    same(field(openvuln("--latest", "2", "-f", "sir"), "sir"), ["Medium", "Critical"])
    same(len(openvuln("--year", "2022", "-f", "advisory_id")), 79)
    same(field(openvuln("--cve", "CVE-2026-20001", "-f", "bug_ids"), "bug_ids"), [["CSCwa00001"]])
    same(field(openvuln("--bugid", "CSCwa00003", "-f", "advisory_id"), "advisory_id"), ["cisco-sa-iosxe-poe-BcDeFgHi"])
    same(field(openvuln("--advisory", "cisco-sa-20180221-ucdm", "-f", "cves"), "cves"), [["CVE-2018-0124"]])
    same(len(openvuln("--product", "Cisco NX-OS", "-f", "advisory_id")), 3)
    same(len(openvuln("--severity", "critical", "--first_published", "2018-01-01:2018-12-31", "-f", "sir")), 1)
    assert "404" in openvuln("--cve", "CVE-2001-0001", code=1)


def advisories_of_a_version_are_listed():
    """openVulnQuery gets the advisories of a running version, with the first fixes, and what versions and platforms there are."""
    (poe, forwarding) = openvuln("--ios_xe", "17.9.4a", "-f", "advisory_id", "first_fixed", "ios_release")
    same((forwarding["advisory_id"], poe["ios_release"]), ("cisco-sa-iosxe-fwd-AbCdEfGh", ["17.9.4a"]))
    nexus = openvuln("--nxos", "9.3(7)", "-f", "advisory_id", "platforms", "-pa", "NEXUS9000")
    same([row["advisory_id"] for row in nexus], ["cisco-sa-nxos-lldp-DeFgHiJk", "cisco-sa-nxos-vxlan-EfGhIjKl"])
    assert {"nos_type": "IOSXE", "nos_version": "17.12.4"} in openvuln("--OS", "iosxe")
    same([row["platformAlias"] for row in openvuln("--platform", "nxos")], ["MDS9000", "NEXUS7000", "NEXUS9000"])


# ---- keyward itself, beside them


def token():
    """A token of the sandbox, as the registered client gets it."""
    form = {"grant_type": "client_credentials", "client_id": posting[0], "client_secret": posting[1]}
    return requests.post(f"{sandbox['url']}/as/token", data=form, timeout=10).json()["access_token"]


def ours(home=None):
    """keyward with a home of its own, connected to the stand-in."""
    program = Keyward(home, KEYWARD_TOKEN_CISCO=token())
    program.config(f'[connections.cisco]\nurl = "{sandbox["url"]}/cisco"\n')
    return program


def answer(tool, *arguments):
    return ours()("call", f"cisco_{tool}", *arguments, "--json").must().json()["structured"]


def the_same_is_found():
    """keyward finds the same bugs, records, coverage and advisories as the libraries, in the same order."""
    field = lambda rows, name: [row[name] for row in rows]
    many = answer("bugs", "keyword=many", "limit=4000")["bugs"]
    theirs = list(sdk.bug.get_bugs_by_keyword("many", modified_date=DateModified.ALL))
    same(field(many, "bug_id"), ids(theirs, "bug_id"))
    same(len(many), 248)
    devices = answer("coverage", "serial_numbers=FOC0000A0AA,FLM0000A0AD")["devices"]
    theirs = {one.serial_number: one.is_covered for one in sdk.serial_information.get_coverage_status(["FOC0000A0AA", "FLM0000A0AD"])}
    same({one["serial_number"]: one["covered"] for one in devices}, theirs)
    critical = answer("advisories", "severity=critical", "limit=1000")["advisories"]
    same(field(critical, "advisory_id"), [row["advisory_id"] for row in openvuln("--severity", "critical", "-f", "advisory_id")])


def arrivals(api, since):
    received = http("GET", f"{sandbox['url']}/cisco/received")["received"]
    return [one["at_ms"] for one in received[since:] if one["api"] == api]


def limits_hold_over_sixteen_processes():
    """Sixteen processes together send four requests a second, and to openVuln 30 a minute: the 31st is told when to come again."""
    program = ours()
    since = len(http("GET", f"{sandbox['url']}/cisco/received")["received"])
    for done in program.together(*[("call", "cisco_bugs", "keyword=pages", "limit=30")] * 16, seconds=120):
        done.must()
    moments = arrivals("bug", since)
    same(len(moments), 48, "requests")
    # Four at once and four more each second; a slow machine only takes longer.
    assert moments[-1] - moments[0] >= 9_500, f"48 requests within {moments[-1] - moments[0]} ms"
    ended = program.together(*[("call", "cisco_advisories", "latest=1")] * 31, seconds=120)
    refused = [done for done in ended if done.code == 9]
    same({done.code for done in ended}, {0, 9}, "exit codes")
    assert "30 requests in 60 s" in refused[0].err and "try again in" in refused[0].err, str(refused[0])
    same(len(arrivals("psirt", since)), 31 - len(refused), "requests to openVuln")
    assert len(arrivals("psirt", since)) <= 30


def thousands_of_records_need_little_memory():
    """2,216 records of end of life in three pages need at most 40 MiB beside what `serve` has."""
    process = ours().start("serve", stdin=subprocess.PIPE)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}
    call = {"from": "2000-01-01", "to": "2030-12-31", "milestone": "last_support", "limit": 5000}
    talk = lambda id, method, params: ring.talk(process, [{"jsonrpc": "2.0", "id": id, "method": method, "params": params}], 120)[id]
    talk(1, "initialize", hello)
    talk(2, "tools/call", {"name": "cisco_coverage", "arguments": {"serial_numbers": ["FOC0000A0AA"]}})
    before = memory(process, "VmRSS")
    result = talk(3, "tools/call", {"name": "cisco_end_of_life", "arguments": call})["result"]["structuredContent"]
    same((result["total"], len(result["records"])), (2216, 2216))
    added = memory(process, "VmHWM") - before
    assert added <= 40 * 1024, f"{added} KiB more"
    print(f"  {added} KiB for {len(result['records'])} records", file=sys.stderr)


def memory(process, name):
    """In KiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


# ---- what arrived


@needs(bugs_are_found, every_api_is_asked, advisories_are_listed)
def everything_was_seen():
    """The stand-in has seen requests to every API, and shows no token."""
    shown = http("GET", f"{sandbox['url']}/cisco/received")
    same({name for name, api in shown["apis"].items() if api["count"]} | {"hello"}, set(shown["apis"]))
    same({api["in_flight"] for api in shown["apis"].values()}, {0})
    same({one["bearer"] for one in shown["received"]}, {True})
    assert sdk._session.client.token["access_token"] not in json.dumps(shown)


sys.exit(
    ring.run(
        [
            bugs_are_found,
            cases_are_found,
            lifecycles_are_found,
            an_unencoded_slash_is_another_path,
            products_are_found,
            coverage_is_found,
            software_is_suggested,
            returns_are_found,
            images_are_found,
            trouble_is_met,
            a_hostile_bug_is_whole,
            every_api_is_asked,
            what_is_documented_otherwise_is_refused,
            advisories_are_listed,
            advisories_of_a_version_are_listed,
            the_same_is_found,
            limits_hold_over_sixteen_processes,
            thousands_of_records_need_little_memory,
            everything_was_seen,
        ]
    )
)
