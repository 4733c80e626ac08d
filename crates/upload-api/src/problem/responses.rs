//! Problems in the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::{
    PartialSchema,
    openapi::{
        ContentBuilder, HeaderBuilder, Ref, RefOr, Schema,
        example::ExampleBuilder,
        header::Header,
        response::{Response, ResponseBuilder},
    },
};

use super::{Code, PROBLEM_JSON, Problem, retry_after};

/// One response for each status among these problems, with each problem as an example.
pub(crate) fn responses(mut problems: Vec<Problem>) -> BTreeMap<String, RefOr<Response>> {
    problems.sort_by_key(Problem::code);
    let mut by_status = BTreeMap::<_, Vec<_>>::new();
    for problem in problems {
        let status = problem.code().status().as_str().to_owned();
        by_status.entry(status).or_default().push(problem);
    }
    by_status
        .into_iter()
        .map(|(status, problems)| (status, response(&problems).into()))
        .collect()
}

fn response(problems: &[Problem]) -> Response {
    let codes = || problems.iter().map(Problem::code);
    let described: Vec<_> = codes()
        .map(|code| format!("`{}`: {}.", code.name(), code.title()))
        .collect();
    let examples = problems.iter().map(|problem| {
        let example = ExampleBuilder::new()
            .summary(problem.code().title())
            .value(serde_json::to_value(problem).ok());
        (problem.code().name(), example)
    });
    let mut response = ResponseBuilder::new()
        .description(described.join(" "))
        .content(
            PROBLEM_JSON,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .examples_from_iter(examples)
                .build(),
        );
    if codes().any(|code| retry_after(code).is_some()) {
        response = response.header(
            "Retry-After",
            header(u32::schema(), "Seconds to wait before trying again."),
        );
    }
    if codes().any(|code| code == Code::MethodNotAllowed) {
        response = response.header(
            "Allow",
            header(String::schema(), "The methods that the path supports."),
        );
    }
    response.build()
}

fn header(schema: RefOr<Schema>, description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .build()
}
