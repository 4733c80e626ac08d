//! `GET /images`.

use std::{collections::BTreeSet, time::Instant};

use axum::{
    extract::{Query as Pairs, State, rejection::QueryRejection},
    response::Response,
};
use serde::Serialize;
use sightline_pipeline::{
    Owner, Service,
    document::{AgeSpan, Status},
    index::{
        CursorError, FaceFilter, Found, ImageIndex as _, MAX_SIMILAR, Page, Position, Query,
        Search, Sort, TermKind, Unknown, Vocabulary, Wanted, fold, similar,
    },
};
use time::{OffsetDateTime, UtcOffset};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::definition::{Audience, Route};
use crate::{
    Api, Code, Ports, Problem,
    access::{Caller, forbidden, unauthenticated},
    api::{Shared, no_index},
    listed_image::{self, ListedImage},
    problem::{rejected, sentence, unavailable},
    request::query::{self, DayEnd, Parameters, invalid},
    response,
};

#[derive(OpenApi)]
#[openapi(paths(handle))]
struct Description;

pub(super) fn route<P: Ports>() -> Route<P> {
    Route::new::<__path_handle, _, _>(
        Audience::Callers,
        handle::<P>,
        Description::openapi,
        problems,
    )
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    let mut problems = query::problems("limit", MAX_LIMIT);
    problems.extend([
        invalid_cursor(CursorError::Malformed),
        unauthenticated(),
        forbidden(OPERATION),
        no_index(),
        rejected(Service::S3),
        rejected(Service::Index),
        unavailable(Service::S3),
        unavailable(Service::Index),
    ]);
    problems
}

/// What callers do here.
const OPERATION: &str = "list images";

/// The query parameters, as [`ListParameters`] describes them.
pub(crate) const PARAMETERS: [&str; 19] = [
    "q",
    "label",
    "notLabel",
    "category",
    "notCategory",
    "text",
    "filename",
    "color",
    "minConfidence",
    "minFaces",
    "emotion",
    "ageFrom",
    "ageTo",
    "status",
    "from",
    "to",
    "sort",
    "limit",
    "cursor",
];

/// The parameters that may be given several times, with what they name and whether images must not have it.
const NAMES: [(&str, TermKind, bool); 7] = [
    ("label", TermKind::Label, false),
    ("category", TermKind::Category, false),
    ("text", TermKind::Text, false),
    ("filename", TermKind::Filename, false),
    ("color", TermKind::Color, false),
    ("notLabel", TermKind::Label, true),
    ("notCategory", TermKind::Category, true),
];

/// The longest name to search for, in bytes of UTF-8. No label is nearly as long.
const MAX_NAME_BYTES: usize = 255;

/// The longest `q`, in bytes of UTF-8.
const MAX_WORDS_BYTES: usize = 1_000;

/// The most names of a search. A phrase is one.
const MAX_NAMES: usize = 20;

/// The most words of all names. Each may become a condition, and SQLite takes fewer than a thousand.
const MAX_WORDS: usize = 100;

/// For how many unknown words the index is asked whether images have them otherwise, such as in their text, and for similar
/// words.
const MAX_UNKNOWN: usize = 4;

/// How many images a page has by default.
const DEFAULT_LIMIT: usize = 50;
/// The most images of a page.
const MAX_LIMIT: usize = 100;

/// The most faces that Rekognition finds in an image (Amazon Rekognition API Reference, "DetectFaces").
const MAX_FACES: usize = 100;

/// The highest age to search for, in years.
const MAX_AGE: usize = 150;

/// How often to ask the index for one page. It may return less than a page if few of the images that it looks through
/// match.
const MAX_INDEX_PAGES: usize = 10;

/// Which images to list. Images must meet all parameters.
#[derive(Debug, Clone, PartialEq, IntoParams)]
#[into_params(rename_all = "camelCase", parameter_in = Query)]
struct ListParameters {
    /// Words, as people type them. Images must have each: as a label, another name of a label, a category, a word of the text in the
    /// picture, a word of the file name, or a colour. Several words that together are a name, such as `dining table`, count for each
    /// of them. `"…"` is a phrase, `-` excludes a word, a phrase or a name of several words whose first word is no name, and
    /// `label:`, `category:`, `text:`, `name:` and `color:` narrow a word or a phrase to one kind.
    #[param(max_length = 1000)]
    q: Option<String>,
    /// Only images with this label, or a label that has this as another name; singular or plural, in upper or lower case. Repeat it
    /// for several labels.
    #[param(inline, style = Form, explode, required = false, max_length = 255)]
    label: Vec<String>,
    /// No images with this label.
    #[param(inline, style = Form, explode, required = false, max_length = 255)]
    not_label: Vec<String>,
    /// Only images with a label of this category, in upper or lower case.
    #[param(inline, style = Form, explode, required = false, max_length = 255)]
    category: Vec<String>,
    /// No images with a label of this category.
    #[param(inline, style = Form, explode, required = false, max_length = 255)]
    not_category: Vec<String>,
    /// Only images with this word in their text, where text was analysed; of several words, all.
    #[param(inline, style = Form, explode, required = false, max_length = 255)]
    text: Vec<String>,
    /// Only images with this word in their file name, or with this extension.
    #[param(inline, style = Form, explode, required = false, max_length = 255)]
    filename: Vec<String>,
    /// Only images with this dominant colour, where image properties were analysed. Names are the simplified colours of Rekognition,
    /// such as `blue`.
    #[param(inline, style = Form, explode, required = false, max_length = 255)]
    color: Vec<String>,
    /// Only images where the labels and categories that are searched for have at least this confidence, in percent. For a category,
    /// one of its labels must have it. Text, file names and colours have no confidence: an image that has a word of `q` as one of
    /// them is found whatever this is. Exclusions ignore it. Only with `label`, `category` or `q`.
    #[param(minimum = 0, maximum = 100)]
    min_confidence: Option<f64>,
    /// Only images with at least this many faces.
    #[param(minimum = 1, maximum = 100)]
    min_faces: Option<usize>,
    /// Only images where this is the main emotion of a face, with a confidence of at least 50 percent: `Happy`, `Sad`,
    /// `Angry`, `Calm`, `Surprised`, `Confused`, `Disgusted` or `Fear`, in upper or lower case.
    emotion: Option<String>,
    /// Only images with a face whose estimated age may be this, in years, or more. Together with `ageTo`, the face's age
    /// range overlaps the span from `ageFrom` to `ageTo`.
    #[param(minimum = 0, maximum = 150)]
    age_from: Option<usize>,
    /// Only images with a face whose estimated age may be this, in years, or less.
    #[param(minimum = 0, maximum = 150)]
    age_to: Option<usize>,
    /// Only images with this status.
    #[param(inline)]
    status: Option<Status>,
    /// Only images uploaded at this time or later: a day (UTC), or a time in RFC 3339. With `sort=taken`, the time of taking counts, by
    /// the camera's clock without its offset.
    #[param(value_type = Option<String>)]
    from: Option<OffsetDateTime>,
    /// Only images uploaded, or taken, at this time or earlier. A day counts to its end.
    #[param(value_type = Option<String>)]
    to: Option<OffsetDateTime>,
    /// The order: `newest` or `oldest` upload first; `confidence`, highest first, of the first label or category that is searched for;
    /// `taken`, newest first, where an image without a time of taking counts by its upload time.
    #[param(value_type = Option<SortName>, inline)]
    sort: Option<Sort>,
    /// The most images of the page, 50 by default.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<usize>,
    /// The `cursor` of the page before, with the same other parameters.
    cursor: Option<String>,
}

/// The names of [`Sort`], for the OpenAPI document.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only described")]
enum SortName {
    Newest,
    Oldest,
    Confidence,
    Taken,
}

impl ListParameters {
    fn parse(pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>) -> Result<Self, Problem> {
        let repeatable = NAMES.map(|(name, _, _)| name);
        let mut query = Parameters::read(pairs, &PARAMETERS, &repeatable)?;
        let parameters = Self {
            q: query.all("q", MAX_WORDS_BYTES)?.into_iter().next(),
            label: query.all("label", MAX_NAME_BYTES)?,
            not_label: query.all("notLabel", MAX_NAME_BYTES)?,
            category: query.all("category", MAX_NAME_BYTES)?,
            not_category: query.all("notCategory", MAX_NAME_BYTES)?,
            text: query.all("text", MAX_NAME_BYTES)?,
            filename: query.all("filename", MAX_NAME_BYTES)?,
            color: query.all("color", MAX_NAME_BYTES)?,
            min_confidence: query.percentage("minConfidence")?,
            min_faces: query.count("minFaces", MAX_FACES)?,
            emotion: query.emotion("emotion")?,
            age_from: query.number("ageFrom", 0, MAX_AGE)?,
            age_to: query.number("ageTo", 0, MAX_AGE)?,
            status: query.status("status")?,
            from: query.time("from", DayEnd::First)?,
            to: query.time("to", DayEnd::Last)?,
            sort: query.sort("sort")?,
            limit: query.count("limit", MAX_LIMIT)?,
            cursor: query.text("cursor"),
        };
        parameters.check()?;
        Ok(parameters)
    }

    /// Rejects parameters that do not go together.
    fn check(&self) -> Result<(), Problem> {
        let has_label = !self.label.is_empty() || !self.category.is_empty() || self.q.is_some();
        if self.min_confidence.is_some() && !has_label {
            return Err(invalid(
                "minConfidence",
                "minConfidence is the confidence of a label or category. Give label, category or q with it.".to_owned(),
            ));
        }
        if self.sort == Some(Sort::Confidence) && !has_label {
            return Err(invalid(
                "sort",
                "sort=confidence orders by the confidence of a label or category. Give label, category or q with it.".to_owned(),
            ));
        }
        if let (Some(from), Some(to)) = (self.age_from, self.age_to)
            && from > to
        {
            return Err(invalid(
                "ageTo",
                format!("ageTo is {to}, which is less than ageFrom, {from}. Swap them."),
            ));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(invalid(
                "to",
                "to is earlier than from. Swap them.".to_owned(),
            ));
        }
        let wanted = self.wanted();
        let names = wanted.len();
        if names > MAX_NAMES {
            return Err(invalid(
                "q",
                format!("The search has {names} names and words; the limit is {MAX_NAMES}."),
            ));
        }
        let words: usize = wanted.iter().map(Wanted::word_count).sum();
        if words > MAX_WORDS {
            return Err(invalid(
                "q",
                format!("The search has {words} words; the limit is {MAX_WORDS}."),
            ));
        }
        Ok(())
    }

    fn values(&self, name: &str) -> &[String] {
        match name {
            "label" => &self.label,
            "notLabel" => &self.not_label,
            "category" => &self.category,
            "notCategory" => &self.not_category,
            "text" => &self.text,
            "filename" => &self.filename,
            "color" => &self.color,
            _ => &[],
        }
    }

    /// All names and words that are searched for.
    fn wanted(&self) -> Vec<Wanted> {
        let named = NAMES.into_iter().flat_map(|(name, kind, excluded)| {
            self.values(name).iter().map(move |value| Wanted {
                kind: Some(kind),
                name: value.clone(),
                excluded,
            })
        });
        let line = self.q.as_deref().unwrap_or_default().trim();
        let mut words = Wanted::parse(line);
        // Without a word, as in `label:`, it is sought as it is, so that it never finds every image.
        if words.is_empty() && !line.is_empty() {
            words.push(Wanted {
                kind: None,
                name: line.to_owned(),
                excluded: false,
            });
        }
        named.chain(words).collect()
    }

    fn faces(&self) -> FaceFilter {
        let years = |age: usize| u32::try_from(age).unwrap_or(u32::MAX);
        let ages = (self.age_from.is_some() || self.age_to.is_some()).then(|| AgeSpan {
            low: self.age_from.map_or(0, years),
            high: self.age_to.map_or(u32::MAX, years),
        });
        FaceFilter {
            min_count: self.min_faces.unwrap_or_default() as u64,
            emotion: self.emotion.clone(),
            ages,
        }
    }

    fn search(&self, owner: Option<&Owner>) -> Search {
        // Times of taking are those of cameras' clocks, whatever their offset.
        let by_clock = |time: OffsetDateTime| match self.sort {
            Some(Sort::Taken) => time.replace_offset(UtcOffset::UTC),
            _ => time,
        };
        Search {
            wanted: self.wanted(),
            rest: Query {
                owner: owner.map(|owner| owner.as_str().to_owned()),
                min_confidence: self.min_confidence,
                status: self.status,
                faces: self.faces(),
                from: self.from.map(by_clock),
                to: self.to.map(by_clock),
                sort: self.sort.unwrap_or_default(),
                ..Query::default()
            },
        }
    }
}

fn invalid_cursor(error: CursorError) -> Problem {
    Problem::new(Code::InvalidCursor, sentence(&error.to_string())).member("cursor")
}

/// A page of the list of images.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImageList {
    /// The images, newest first by time of upload unless `sort` says otherwise.
    images: Vec<ListedImage>,
    /// Send it as `cursor` to get the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cursor: Option<String>,
    /// Names that none of the caller's images has, with similar names. On the first page only; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    did_you_mean: Vec<Suggestion>,
}

/// A name that none of the caller's images has.
#[derive(Debug, Serialize, ToSchema)]
struct Suggestion {
    /// The word or name, as it was sent. Several words with spaces between them may be one name.
    #[schema(example = "dgo")]
    word: String,
    /// Labels, other names of labels, categories and colours that are written nearly so, and words of texts and file names where the
    /// index keeps a list of them; the nearest first. In `q`, a name of several words is a phrase in quotation marks.
    #[schema(example = json!(["Dog"]))]
    names: Vec<String>,
}

/// List images
///
/// Images are listed newest first by time of upload, page by page. While the reply has a `cursor`, send it with the next
/// request and keep the other parameters. No image is missing or repeated if others are added meanwhile. A page may be
/// shorter than `limit` even if more pages follow. An image is listed once it is analysed. If callers have images of their
/// own, only those are listed. Filters by faces, emotion and age find images whose faces were analysed; each of them may be
/// met by another face of the image.
#[utoipa::path(
    get,
    path = "/images",
    operation_id = "listImages",
    tag = "images",
    params(ListParameters),
    responses((
        status = 200,
        description = "The images that match.",
        body = ImageList,
        headers(("Cache-Control" = String, description = "`no-store`: the reply has signed URLs.")),
        example = json!({"images": [listed_image::example()], "cursor": "WzEsMTIzXQ"})
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    caller.authorize(OPERATION)?;
    let index = api.search_index()?;
    let parameters = ListParameters::parse(pairs)?;
    let search = parameters.search(caller.owner());
    let list = search.identity();
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    let after = parameters
        .cursor
        .map(|cursor| Position::open(&cursor, &list).map_err(invalid_cursor))
        .transpose()?;
    let literal = search.literal();
    let mut page = match &literal {
        Some(query) => read(&api, index, query, after.as_ref(), limit).await?,
        None => Page::default(),
    };
    let mut did_you_mean = Vec::new();
    // Reading the vocabulary costs more than a page, so one exact name goes without it.
    if page.images.is_empty() {
        let vocabulary = if search.needs_vocabulary() {
            let owner = caller.owner().map(Owner::as_str);
            api.with_index(index.vocabulary(owner)).await?
        } else {
            Vocabulary::default()
        };
        let resolved = search.resolve(&vocabulary);
        // The counts of images in it do not change what it finds.
        if literal.map(|query| query.identity()) != Some(resolved.query.identity()) {
            page = read(&api, index, &resolved.query, after.as_ref(), limit).await?;
        }
        if after.is_none() {
            did_you_mean = suggestions(&api, index, resolved.unknown).await?;
        }
    }
    let found = page.images.into_iter();
    let rows = found.map(|found| (found.row, found.confidence)).collect();
    let images = listed_image::list(&api, rows).await?;
    Ok(response::json(&ImageList {
        images,
        cursor: page.next.map(|position| position.seal(&list)),
        did_you_mean,
    }))
}

/// A page of the list, from as many pages of the index as time allows.
async fn read<P: Ports>(
    api: &Api<P>,
    index: &P::Index,
    query: &Query,
    after: Option<&Position>,
    limit: usize,
) -> Result<Page, Problem> {
    let mut images: Vec<Found> = Vec::new();
    let mut next = after.cloned();
    // The reply and its cursor must be ready before API Gateway gives up.
    let until = Instant::now() + api.store_timeout;
    for _ in 0..MAX_INDEX_PAGES {
        let missing = limit - images.len();
        let page = api
            .with_index(index.page(query, next.as_ref(), missing))
            .await?;
        images.extend(page.images);
        next = page.next;
        if next.is_none() || images.len() >= limit || Instant::now() >= until {
            break;
        }
    }
    Ok(Page { images, next })
}

/// Similar names for those that no image has.
async fn suggestions<P: Ports>(
    api: &Api<P>,
    index: &P::Index,
    unknown: Vec<Unknown>,
) -> Result<Vec<Suggestion>, Problem> {
    let mut suggestions = Vec::new();
    for unknown in unknown.into_iter().take(MAX_UNKNOWN) {
        let is_elsewhere = match &unknown.elsewhere {
            Some(query) => {
                let found = api.with_index(index.page(query, None, 1)).await?;
                !found.images.is_empty()
            }
            None => false,
        };
        if is_elsewhere {
            continue;
        }
        let mut names = unknown.similar.clone();
        if names.len() < MAX_SIMILAR {
            let words = similar_words(api, index, &unknown).await?;
            names.extend(words.into_iter().take(MAX_SIMILAR - names.len()));
        }
        if !names.is_empty() {
            suggestions.push(Suggestion {
                word: unknown.word,
                names,
            });
        }
    }
    Ok(suggestions)
}

/// Similar words of texts and file names, if the name may be one of them.
async fn similar_words<P: Ports>(
    api: &Api<P>,
    index: &P::Index,
    unknown: &Unknown,
) -> Result<Vec<String>, Problem> {
    let (Some(query), Some(first)) = (&unknown.elsewhere, unknown.word.chars().next()) else {
        return Ok(Vec::new());
    };
    let mut words = BTreeSet::new();
    for kind in [TermKind::Text, TermKind::Filename] {
        if unknown.kind.is_none_or(|wanted| wanted == kind) {
            let first = first.to_lowercase().next().unwrap_or(first);
            let found = index.words(query.owner.as_deref(), kind, first);
            words.extend(api.with_index(found).await?);
        }
    }
    let known = |word: &&String| !unknown.similar.iter().any(|name| fold(name) == **word);
    let words = words.iter().filter(known).map(|word| (word.as_str(), 0));
    Ok(similar(&unknown.word, words))
}
