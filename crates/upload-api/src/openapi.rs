//! Assembles the OpenAPI document from the routes.

use utoipa::{
    OpenApi,
    openapi::{
        Components,
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

use crate::{
    Ports, Problem,
    offer::Offer,
    problem,
    routes::{
        self,
        definition::{Audience, supported_methods},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sightline",
        description = "Sightline tells you what is in your pictures. Ask for an upload URL, put an image there, and read a JSON document that says what it shows.\n\nEvery error is a problem document (RFC 9457, `application/problem+json`) with a stable `code`. Every reply has the header `x-request-id`, which identifies the request in the service's log.\n\nWhere the service has guests, they call the same paths of images, results, thumbnails and labels under `/guest`, and sign their requests with temporary credentials (Signature Version 4, service `execute-api`). A request that did not come through the site's own address may get 403 `not-through-site`.",
    ),
    components(schemas(problem::Document)),
    servers((url = "/", description = "The service that this document comes from.")),
    tags(
        (name = "images", description = "Images and what they show."),
        (name = "service", description = "The service itself.")
    )
)]
struct Base;

/// The document as indented JSON with a final newline. It is the same in every run.
pub(crate) fn document<P: Ports>(offer: Offer) -> String {
    let table = routes::table::table::<P>(offer);
    let mut document = Base::openapi();
    add_security_schemes(document.components.get_or_insert_default(), offer);
    for route in &table {
        let mut problems = (route.problems)();
        let supported = supported_methods(&table, &route.path);
        problems.push(Problem::method_not_allowed("TRACE", &supported));
        let responses = problem::responses(problems);
        let mut description = (route.description)();
        for item in description.paths.paths.values_mut() {
            let operations = [
                &mut item.get,
                &mut item.post,
                &mut item.put,
                &mut item.patch,
                &mut item.delete,
            ];
            for operation in operations.into_iter().flatten() {
                operation.responses.responses.extend(responses.clone());
                operation.security = Some(security(route.audience, offer));
            }
        }
        document.merge(description);
    }
    // Plain data always serialises.
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// How callers who sign in identify themselves.
const TOKEN: &str = "token";
/// How guests do.
const GUEST: &str = "guest";

fn add_security_schemes(components: &mut Components, offer: Offer) {
    if offer.sign_in {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "The access token of a user who signed in. Its claim `sub` is the owner of the user's images.",
            ))
            .build();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(token));
    }
    if offer.guests {
        let signature = ApiKeyValue::with_description(
            "Authorization",
            "Signature Version 4 of the request, service `execute-api`, with a guest's temporary credentials.",
        );
        components.add_security_scheme(GUEST, SecurityScheme::ApiKey(ApiKey::Header(signature)));
    }
}

/// What a route asks of its callers; nothing where nobody signs in.
fn security(audience: Audience, offer: Offer) -> Vec<SecurityRequirement> {
    let scheme = match audience {
        Audience::Callers if offer.sign_in => TOKEN,
        Audience::Guests if offer.guests => GUEST,
        Audience::Callers | Audience::Guests | Audience::Public => return Vec::new(),
    };
    vec![SecurityRequirement::new(scheme, [""; 0])]
}
