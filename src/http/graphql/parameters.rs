//! The parameters of a request, from a JSON object or from a URL. What is wrong with them is the same by every way they come.

use axum::extract::Query;
use axum::http::Uri;
use serde_json::{Map, Value as Json};

use crate::api::Request;

/// The parameters in the body of a POST, or why it has none.
pub(super) fn from_body(body: &[u8]) -> Result<Request, String> {
    if body.trim_ascii().is_empty() {
        return Err("the body is empty; send {\"query\": …}".to_owned());
    }
    match serde_json::from_slice(body) {
        Ok(Json::Object(members)) => from_object(members),
        Ok(Json::Array(_)) => Err("batches are not supported; send one object for each request".to_owned()),
        Ok(_) => Err("the body must be a JSON object".to_owned()),
        Err(error) => Err(format!("the body is not JSON: {error}")),
    }
}

/// The parameters in a JSON object. Other members are left alone: clients add their own.
pub(super) fn from_object(mut members: Map<String, Json>) -> Result<Request, String> {
    let query = text(members.remove("query"), "query")?;
    let operation_name = text(members.remove("operationName"), "operationName")?;
    let variables = object(members.remove("variables"), "variables")?;
    let extensions = object(members.remove("extensions"), "extensions")?.unwrap_or_default();
    complete(Request { query, operation_name, variables, extensions, resume_after: None })
}

/// The parameters in the URL of a GET.
pub(super) fn from_url(url: &Url) -> Result<Request, String> {
    let json = |name: &str| {
        let parse = |text: &str| serde_json::from_str(text).map_err(|error| format!("`{name}` is not JSON: {error}"));
        url.get(name)?.filter(|text| !text.is_empty()).map(parse).transpose()
    };
    let query = url.get("query")?.map(str::to_owned);
    let operation_name = url.get("operationName")?.filter(|name| !name.is_empty()).map(str::to_owned);
    let variables = object(json("variables")?, "variables")?;
    let extensions = object(json("extensions")?, "extensions")?.unwrap_or_default();
    complete(Request { query, operation_name, variables, extensions, resume_after: None })
}

/// What stands behind the `?` of a URL.
pub(super) struct Url(Vec<(String, String)>);

impl Url {
    pub(super) fn of(uri: &Uri) -> Result<Url, String> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|error| error.body_text())?;
        Ok(Url(pairs.0))
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, String> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(format!("`{name}` is given twice")),
        }
    }
}

/// A stored document is named by its hash instead.
fn complete(request: Request) -> Result<Request, String> {
    if request.query.is_none() && !request.extensions.contains_key("persistedQuery") {
        return Err("the parameter `query` is missing".to_owned());
    }
    Ok(request)
}

fn text(value: Option<Json>, name: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("`{name}` must be a string, not {}", kind_of(&other))),
    }
}

fn object(value: Option<Json>, name: &str) -> Result<Option<Map<String, Json>>, String> {
    match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(members)) => Ok(Some(members)),
        Some(other) => Err(format!("`{name}` must be an object, not {}", kind_of(&other))),
    }
}

pub(super) fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn body(body: &str, wanted: Expect) {
        wanted.assert_eq(&shown(from_body(body.as_bytes())));
    }

    fn url(uri: &str, wanted: Expect) {
        let url = Url::of(&uri.parse().unwrap()).unwrap();
        wanted.assert_eq(&shown(from_url(&url)));
    }

    fn shown(read: Result<Request, String>) -> String {
        match read {
            Ok(request) => format!(
                "{:?} {:?} {} {}",
                request.query.unwrap_or_default(),
                request.operation_name.unwrap_or_default(),
                request.variables.map_or("-".to_owned(), |variables| Json::Object(variables).to_string()),
                Json::Object(request.extensions)
            ),
            Err(message) => message,
        }
    }

    #[test]
    fn in_a_body() {
        body(r#"{"query": "{ a }"}"#, expect![[r#""{ a }" "" - {}"#]]);
        body(
            r#"{"query": "{ a }", "operationName": "O", "variables": {"x": 1}, "extensions": {"y": 2}, "id": 7}"#,
            expect![[r#""{ a }" "O" {"x":1} {"y":2}"#]],
        );
        body(r#"{"query": "{ a }", "operationName": null, "variables": null, "extensions": null}"#, expect![[r#""{ a }" "" - {}"#]]);
        body(r#"{"extensions": {"persistedQuery": {}}}"#, expect![[r#""" "" - {"persistedQuery":{}}"#]]);
        body("", expect![[r#"the body is empty; send {"query": …}"#]]);
        body("[]", expect!["batches are not supported; send one object for each request"]);
        body("7", expect!["the body must be a JSON object"]);
        body("{\"query\"", expect!["the body is not JSON: EOF while parsing an object at line 1 column 8"]);
        body(r#"{"qeury": "{ a }"}"#, expect!["the parameter `query` is missing"]);
        body(r#"{"query": ["a"]}"#, expect!["`query` must be a string, not an array"]);
        body(r#"{"query": "{ a }", "operationName": 0}"#, expect!["`operationName` must be a string, not a number"]);
        body(r#"{"query": "{ a }", "variables": "x"}"#, expect!["`variables` must be an object, not a string"]);
        body(r#"{"query": "{ a }", "extensions": false}"#, expect!["`extensions` must be an object, not a boolean"]);
    }

    #[test]
    fn in_a_url() {
        url("/graphql?query=%7B%20a%20%7D", expect![[r#""{ a }" "" - {}"#]]);
        url(
            "/graphql?view=hvac&query={+a+}&operationName=O&variables=%7B%22x%22%3A1%7D&extensions=%7B%7D",
            expect![[r#""{ a }" "O" {"x":1} {}"#]],
        );
        url("/graphql?query={a}&operationName=&variables=&extensions=null", expect![[r#""{a}" "" - {}"#]]);
        url("/graphql", expect!["the parameter `query` is missing"]);
        url("/graphql?query={a}&query={b}", expect!["`query` is given twice"]);
        url("/graphql?query={a}&variables=[1]", expect!["`variables` must be an object, not an array"]);
        url("/graphql?query={a}&variables={", expect!["`variables` is not JSON: EOF while parsing an object at line 1 column 1"]);
    }
}
