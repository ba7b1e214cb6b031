//! What the tools take: each argument with its limits and its meaning, and which arguments go together.

use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{Arguments, arguments};

const DEPTHS: Form = Form::Choice(&["basic", "advanced"]);
const FORMATS: Form = Form::Choice(&["markdown", "text"]);
/// The largest offset: no answer is longer.
const FAR: Form = Form::Whole(0, 100_000_000);
/// Patterns and instructions; the service names no limit.
const LONG: Form = Form::Text(2_000);

/// Arguments that go together, or do not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// The first only with the second.
    Needs(&'static str, &'static str),
    /// The first not with the second.
    Not(&'static str, &'static str),
    /// The first only if the second is one of these; an empty word among them stands for its absence.
    Only(&'static str, &'static str, &'static [&'static str]),
    /// The first day is not after the second.
    Days(&'static str, &'static str),
}

/// A search.
pub(super) static SEARCH: Arguments = arguments!(&[
    (
        Field::required("query", Form::Text(400)),
        "What to search for, as you would type it into a search engine; at most 400 characters. Split a complex \
         question into several searches.",
    ),
    (
        Field::new("search_depth", Form::Choice(&["basic", "advanced", "fast", "ultra-fast"])),
        "`basic` (unless given) suits most questions; `advanced` finds more relevant passages and costs two credits \
         instead of one; `fast` and `ultra-fast` give up relevance for speed.",
    ),
    (
        Field::new("topic", Form::Choice(&["general", "news", "finance"])),
        "`news` for current events, with dates of publication; `finance` for markets and companies; `general` (unless \
         given) for everything else.",
    ),
    (Field::new("max_results", Form::Whole(0, 20)), "How many results to return; 5 unless given."),
    (
        Field::new("time_range", Form::Choice(&["day", "week", "month", "year", "d", "w", "m", "y"])),
        "Only pages published or updated within this time up to now. Not together with `start_date` or `end_date`.",
    ),
    (Field::new("start_date", Form::Day), "Only pages published or updated on or after this day, as YYYY-MM-DD."),
    (Field::new("end_date", Form::Day), "Only pages published or updated on or before this day, as YYYY-MM-DD."),
    (Field::new("max_age_hours", Form::Whole(1, 1_000_000)), "Only pages that are at most this many hours old."),
    (Field::new("days", Form::Whole(1, 36_500)), "Only news of this many days; the older form of `time_range`."),
    (Field::new("include_domains", Form::Texts(300)), "Only results from these domains, for example `wikipedia.org`."),
    (
        Field::new("include_domains_mode", Form::Choice(&["restrict", "prefer"])),
        "`prefer` also allows results from other domains than `include_domains`; `restrict` unless given.",
    ),
    (Field::new("exclude_domains", Form::Texts(150)), "No results from these domains."),
    (
        Field::new("country", Form::Text(100)),
        "Prefer results from this country, by its full English name, for example `switzerland`. Only with the topic \
         `general`.",
    ),
    (Field::new("language", Form::Text(50)), "Prefer pages in this language, by its English name or code."),
    (Field::new("filter_by_language", Form::Flag), "Only pages in `language`."),
    (Field::new("exact_match", Form::Flag), "Phrases in quotation marks inside `query` must appear word for word."),
    (
        Field::new("include_answer", Form::FlagOr(&["basic", "advanced"])),
        "Also return an answer composed from the results: `true` or `basic` for a short one, `advanced` for a detailed \
         one.",
    ),
    (
        Field::new("include_raw_content", Form::FlagOr(&["markdown", "text"])),
        "Also return the text of each page: `true` or `markdown`, or `text` for plain text. Long; prefer reading one \
         page with the extract tool.",
    ),
    (
        Field::new("chunks_per_source", Form::Whole(1, 3)),
        "How many passages to return from each page; 3 unless given, and only with the depths `advanced` and `fast`.",
    ),
    (Field::new("include_images", Form::Flag), "Also return addresses of images."),
    (Field::new("include_image_descriptions", Form::Flag), "Describe each image; includes the images."),
    (Field::new("include_favicon", Form::Flag), "Return the address of each site's icon."),
    (Field::new("include_published_date", Form::Flag), "Return when each page was published, where that is known."),
    (Field::new("filter_by_published_date", Form::Flag), "Only pages whose date of publication is known."),
    (
        Field::new("auto_parameters", Form::Flag),
        "Let the service choose topic, depth and time range from the query; it may choose the depth `advanced`, which \
         costs two credits.",
    ),
    (
        Field::new("safe_search", Form::Flag),
        "Leave out unsafe pages; for enterprise plans, and not with the depths `fast` and `ultra-fast`.",
    ),
    (Field::new("fetch_timeout", Form::Number(1.0, 60.0)), "Seconds to wait for the pages."),
    (Field::new("cache_fallback", Form::Flag), "Take what the service remembers of a page that cannot be fetched."),
]);
/// What goes together in a search.
pub(super) const SEARCH_RULES: &[Rule] = &[
    Rule::Not("time_range", "start_date"),
    Rule::Not("time_range", "end_date"),
    Rule::Days("start_date", "end_date"),
    Rule::Only("country", "topic", &["general", ""]),
    Rule::Only("days", "topic", &["news"]),
    Rule::Needs("include_domains_mode", "include_domains"),
    Rule::Needs("filter_by_language", "language"),
    Rule::Only("safe_search", "search_depth", &["basic", "advanced", ""]),
];

/// Reading pages.
pub(super) static EXTRACT: Arguments = arguments!(&[
    (
        Field::required("urls", Form::Texts(20)),
        "Addresses of the pages to read, http or https; at most 20. Give one address to get as much of its text as \
         possible.",
    ),
    (
        Field::new("query", LONG),
        "Return only the passages of each page that are about this, instead of its whole text.",
    ),
    (
        Field::new("chunks_per_source", Form::Whole(1, 5)),
        "How many passages to return from each page; 3 unless given, and only with `query`.",
    ),
    (
        Field::new("extract_depth", DEPTHS),
        "`advanced` also reads tables and embedded content, takes longer and costs twice as much as `basic`.",
    ),
    (Field::new("format", FORMATS), "How to write the text of the pages; `markdown` unless given."),
    (Field::new("include_images", Form::Flag), "Also return addresses of the images on each page."),
    (Field::new("include_favicon", Form::Flag), "Return the address of each site's icon."),
    (
        Field::new("timeout", Form::Number(1.0, 60.0)),
        "Seconds to wait for the pages; 10 for the depth `basic` and 30 for `advanced` unless given.",
    ),
    (
        Field::new("offset", FAR),
        "Go on this many characters into the text of the page; only with a single address. Use the `next_offset` of an \
         earlier result that was cut. What a running serve still remembers of that result costs nothing.",
    ),
]);
/// What goes together in reading pages.
pub(super) const EXTRACT_RULES: &[Rule] = &[Rule::Needs("chunks_per_source", "query")];

const URL: (Field, &str) =
    (Field::required("url", Form::Text(2_000)), "The site to begin at, for example `docs.example.com`.");
const INSTRUCTIONS: (Field, &str) =
    (Field::new("instructions", LONG), "In plain words, which pages to look for; doubles the cost of finding them.");
const MAX_DEPTH: (Field, &str) =
    (Field::new("max_depth", Form::Whole(1, 5)), "How many links away from the first page to go; 1 unless given.");
const MAX_BREADTH: (Field, &str) =
    (Field::new("max_breadth", Form::Whole(1, 500)), "How many links of each page to follow; 20 unless given.");
const LIMIT: (Field, &str) = (
    Field::new("limit", Form::Whole(1, 10_000)),
    "How many links to follow in all; 50 unless given. Each ten cost credits.",
);
const SELECT_PATHS: (Field, &str) = (
    Field::new("select_paths", Form::Texts(100)),
    "Only paths that match one of these regular expressions, for example `/docs/.*`.",
);
const SELECT_DOMAINS: (Field, &str) = (
    Field::new("select_domains", Form::Texts(100)),
    "Only domains that match one of these regular expressions, for example `^docs\\.example\\.com$`.",
);
const EXCLUDE_PATHS: (Field, &str) =
    (Field::new("exclude_paths", Form::Texts(100)), "No paths that match one of these regular expressions.");
const EXCLUDE_DOMAINS: (Field, &str) =
    (Field::new("exclude_domains", Form::Texts(100)), "No domains that match one of these regular expressions.");
const ALLOW_EXTERNAL: (Field, &str) =
    (Field::new("allow_external", Form::Flag), "Whether links to other domains count; true unless given.");
const CATEGORIES: (Field, &str) =
    (Field::new("categories", Form::Texts(20)), "Only pages of these categories; an older filter of the service.");
const TIMEOUT: (Field, &str) =
    (Field::new("timeout", Form::Number(10.0, 150.0)), "Seconds to wait for the site; 150 unless given.");

/// Reading a site.
pub(super) static CRAWL: Arguments = arguments!(&[
    URL,
    INSTRUCTIONS,
    MAX_DEPTH,
    MAX_BREADTH,
    LIMIT,
    SELECT_PATHS,
    SELECT_DOMAINS,
    EXCLUDE_PATHS,
    EXCLUDE_DOMAINS,
    ALLOW_EXTERNAL,
    (
        Field::new("chunks_per_source", Form::Whole(1, 5)),
        "How many passages to return from each page; 3 unless given, and only with `instructions`.",
    ),
    (
        Field::new("extract_depth", DEPTHS),
        "`advanced` also reads tables and embedded content, and costs twice as much as `basic`.",
    ),
    (Field::new("format", FORMATS), "How to write the text of the pages; `markdown` unless given."),
    (Field::new("include_images", Form::Flag), "Also return addresses of the images on each page."),
    (Field::new("include_favicon", Form::Flag), "Return the address of the site's icon."),
    CATEGORIES,
    TIMEOUT,
    (
        Field::new("offset", FAR),
        "Leave out this many pages: the `next_offset` of an earlier result of the same call. What a running serve still \
         remembers of it costs nothing; otherwise the site is read anew.",
    ),
]);
/// What goes together in reading a site.
pub(super) const CRAWL_RULES: &[Rule] = &[Rule::Needs("chunks_per_source", "instructions")];

/// Listing a site.
pub(super) static MAP: Arguments = arguments!(&[
    URL,
    INSTRUCTIONS,
    MAX_DEPTH,
    MAX_BREADTH,
    LIMIT,
    SELECT_PATHS,
    SELECT_DOMAINS,
    EXCLUDE_PATHS,
    EXCLUDE_DOMAINS,
    ALLOW_EXTERNAL,
    CATEGORIES,
    TIMEOUT,
    (
        Field::new("offset", FAR),
        "Leave out this many addresses: the `next_offset` of an earlier result of the same call. What a running serve \
         still remembers of it costs nothing; otherwise the site is listed anew.",
    ),
]);

/// A piece of research.
pub(super) static RESEARCH: Arguments = arguments!(&[
    (
        Field::new("input", Form::Text(20_000)),
        "The task, in plain words. It is begun once, and costs from 4 to 250 credits.",
    ),
    (
        Field::new("request_id", Form::Text(100)),
        "Instead of `input`: a task that was begun earlier, to wait for it or to read on. Costs nothing.",
    ),
    (
        Field::new("model", Form::Choice(&["mini", "pro", "auto"])),
        "`mini` for a narrow question, `pro` for a broad one, `auto` (unless given) to let the service choose.",
    ),
    (
        Field::new("output_schema", Form::Object),
        "The form of the answer, as JSON Schema: `properties`, each with a `type` and a `description`, and `required`.",
    ),
    (
        Field::new("citation_format", Form::Choice(&["numbered", "mla", "apa", "chicago"])),
        "How the report names its sources; `numbered` unless given.",
    ),
    (
        Field::new("stream", Form::Flag),
        "Follow the report as it is written: cancelling the call then stops the task. Unless given, so it is if the host \
         asks for progress. Otherwise the task goes on at the service, and `request_id` finds it.",
    ),
    (
        Field::new("wait", Form::Whole(0, 900)),
        "Seconds to wait for the report where it is not followed; 45 unless given. After that the result says \
         `in_progress`, and a call with `request_id` waits on.",
    ),
    (
        Field::new("offset", FAR),
        "Go on this many characters into the report; only with `request_id`. Use the `next_offset` of a result that was \
         cut.",
    ),
]);
/// What goes together in a piece of research.
pub(super) const RESEARCH_RULES: &[Rule] = &[
    Rule::Not("request_id", "input"),
    Rule::Needs("model", "input"),
    Rule::Needs("output_schema", "input"),
    Rule::Needs("citation_format", "input"),
    Rule::Needs("stream", "input"),
    Rule::Needs("offset", "request_id"),
];

/// How much is used up.
pub(super) static USAGE: Arguments = arguments!(&[]);

/// What a connection can preset for its calls: arguments, by their names, and what marks its requests.
pub static DEFAULTS: &[Field] = &[
    Field::new("search_depth", Form::Choice(&["basic", "advanced", "fast", "ultra-fast"])),
    Field::new("topic", Form::Choice(&["general", "news", "finance"])),
    Field::new("max_results", Form::Whole(0, 20)),
    Field::new("time_range", Form::Choice(&["day", "week", "month", "year", "d", "w", "m", "y"])),
    Field::new("include_domains", Form::Texts(300)),
    Field::new("exclude_domains", Form::Texts(150)),
    Field::new("country", Form::Text(100)),
    Field::new("language", Form::Text(50)),
    Field::new("include_answer", Form::FlagOr(&["basic", "advanced"])),
    Field::new("include_raw_content", Form::FlagOr(&["markdown", "text"])),
    Field::new("include_images", Form::Flag),
    Field::new("include_image_descriptions", Form::Flag),
    Field::new("include_favicon", Form::Flag),
    Field::new("auto_parameters", Form::Flag),
    Field::new("safe_search", Form::Flag),
    Field::new("chunks_per_source", Form::Whole(1, 5)),
    Field::new("extract_depth", DEPTHS),
    Field::new("format", FORMATS),
    Field::new("timeout", Form::Number(1.0, 150.0)),
    Field::new("max_depth", Form::Whole(1, 5)),
    Field::new("max_breadth", Form::Whole(1, 500)),
    Field::new("limit", Form::Whole(1, 10_000)),
    Field::new("allow_external", Form::Flag),
    Field::new("model", Form::Choice(&["mini", "pro", "auto"])),
    Field::new("citation_format", Form::Choice(&["numbered", "mla", "apa", "chicago"])),
    Field::new("project", Form::Text(200)),
    Field::new("organization", Form::Text(200)),
    Field::new("session", Form::Text(200)),
    Field::new("human", Form::Text(200)),
    Field::new("client_name", Form::Text(200)),
];
