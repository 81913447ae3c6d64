use super::*;

fn operation(method: &str, headers: &[(&'static str, &str)], query: &str) -> Result<Operation, ResourceError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    Operation::of(&method.parse().unwrap(), &map, &Parameters::parse(query).unwrap())
}

fn presentation(query: &str) -> Result<Presentation, ResourceError> {
    Presentation::of(&Operation::Read { known: None }, &Parameters::parse(query).unwrap())
}

fn message(result: Result<Operation, ResourceError>) -> (u16, String) {
    let error = result.unwrap_err();
    (error.code, error.message)
}

#[test]
fn methods_and_actions_become_operations() {
    assert_eq!(operation("GET", &[], "").unwrap().name(), "read");
    assert_eq!(operation("GET", &[], "_QUERYFILTER=true").unwrap().name(), "query");
    assert_eq!(operation("POST", &[], "").unwrap(), Operation::Create);
    assert_eq!(operation("POST", &[], "_action=CREATE").unwrap(), Operation::Create);
    assert_eq!(operation("POST", &[], "_action=").unwrap(), Operation::Action(String::new()));
    assert_eq!(operation("POST", &[], "_action=patch").unwrap(), Operation::Action("patch".into()));
    assert_eq!(operation("PUT", &[], "").unwrap().name(), "update");
    assert_eq!(operation("PUT", &[("if-none-match", "*")], "").unwrap().name(), "create");
    assert_eq!(operation("DELETE", &[], "").unwrap().name(), "delete");
}

#[test]
fn a_method_can_be_overridden_on_post_only() {
    assert_eq!(operation("POST", &[("x-http-method-override", "PATCH")], "").unwrap().name(), "patch");
    assert_eq!(operation("GET", &[("x-http-method-override", "DELETE")], "").unwrap().name(), "read");
    assert_eq!(message(operation("POST", &[("x-http-method-override", "patch")], "")), (501, "Method patch not supported".into()));
}

#[test]
fn other_methods_are_not_supported() {
    for method in ["HEAD", "OPTIONS", "TRACE", "CONNECT", "LOCK"] {
        assert_eq!(message(operation(method, &[], "")), (501, format!("Method {method} not supported")));
    }
}

#[test]
fn an_older_protocol_names_its_action() {
    let old = [("accept-api-version", "protocol=1.0")];
    assert_eq!(message(operation("POST", &old, "")), (400, "No values provided for the request parameter '_action'".into()));
    assert_eq!(operation("PUT", &old, "").unwrap(), Operation::Put(Put::Replace(Expected::Any)));
}

#[test]
fn repeated_single_parameters_are_refused() {
    let expected = "Multiple values provided for the single-valued request parameter '_action'";
    assert_eq!(message(operation("POST", &[], "_action=a&_action=a")), (400, expected.into()));
    let expected = "Multiple values provided for the single-valued request parameter '_queryFilter'";
    assert_eq!(message(operation("GET", &[], "_queryFilter=true&_queryFilter=false")), (400, expected.into()));
}

#[test]
fn queries_are_exclusive_and_their_filters_parsed() {
    let expected = "The parameters _queryId and _queryFilter are mutually exclusive";
    assert_eq!(message(operation("GET", &[], "_queryFilter=true&_queryId=query-all-ids")), (400, expected.into()));
    for text in ["", "x", "userName+eq", "userName+eq+%22x", "(userName+eq+%22x%22", "userName+%3D+%22x%22", "userName+eq+null"] {
        let (code, message) = message(operation("GET", &[], &format!("_queryFilter={text}")));
        assert!(
            code == 400 && message.ends_with("' for parameter '_queryFilter' could not be parsed as a valid query filter"),
            "{message}"
        );
    }
    let (_, unknown) = message(operation("GET", &[], "_queryId=nosuch"));
    assert!(unknown.starts_with("The passed identifier nosuch does not match any configured queries"));
}

#[test]
fn pages_begin_at_a_cookie_or_an_offset() {
    let query = |text: &str| match operation("GET", &[], &format!("_queryFilter=true&{text}")).unwrap() {
        Operation::Query(request) => *request,
        other => panic!("{other:?}"),
    };
    assert_eq!(query("_pageSize=2&_pagedResultsOffset=3").query.paging, Paging::Offset(3));
    assert_eq!(query("_pagedResultsCookie=abc&_pagedResultsOffset=0").query.paging, Paging::Cookie("abc".into()));
    assert!(!query("_pagedResultsOffset=0").by_expression);
    assert_eq!(query("_totalPagedResultsPolicy=exact").totals, TotalPolicy::Exact);
    assert_eq!(message(operation("GET", &[], "_queryFilter=true&_pagedResultsOffset=1&_pagedResultsCookie=x")).0, 400);
    assert_eq!(
        message(operation("GET", &[], "_queryFilter=true&_pageSize=x")).1,
        "The value 'x' for parameter '_pageSize' could not be parsed as a valid integer"
    );
}

#[test]
fn a_bare_plus_before_a_sort_key_is_refused() {
    let (code, text) = message(operation("GET", &[], "_queryFilter=true&_sortKeys=+userName"));
    assert_eq!(
        (code, text.as_str()),
        (400, "The value ' userName' for parameter '_sortKeys' could not be parsed as a comma separated list of sort keys")
    );
    assert!(operation("GET", &[], "_queryFilter=true&_sortKeys=%2BuserName,-sn").is_ok());
}

#[test]
fn a_mime_type_needs_exactly_one_field() {
    assert_eq!(presentation("_fields=userName&_mimeType=text/plain").unwrap().mime.as_deref(), Some("text/plain"));
    for query in [
        "_mimeType=text/plain",
        "_fields=a&_fields=b&_mimeType=text/plain",
        "_fields=a&_mimeType=nonsense",
        "_fields=a&_mimeType=a/b&_mimeType=a/b",
        "_fields=a&_mimeType=a/b%0d%0ax:y",
    ] {
        assert_eq!(presentation(query).unwrap_err().code, 400, "{query}");
    }
}

#[test]
fn pretty_print_is_true_or_not() {
    assert!(presentation("_prettyPrint=True").unwrap().pretty);
    assert!(!presentation("_prettyPrint=nonsense").unwrap().pretty);
    assert!(presentation("").unwrap().is_plain());
}
