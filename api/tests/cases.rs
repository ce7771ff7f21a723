//! The tables of specs in `tests/cases`, checked without a server. The end-to-end tests check the same tables with one.

use serde::Deserialize;
use tessera_api::uri::Locations;
use tessera_api::{Problem, ValidJob, parse_job, validate};

#[derive(Deserialize)]
struct Refused {
    name: String,
    spec: String,
    validate: String,
}

#[derive(Deserialize)]
struct Accepted {
    name: String,
    spec: String,
}

/// The ImageJob with the spec of this text.
fn job(spec: &str) -> String {
    let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!("apiVersion: tessera.dev/v1alpha1\nkind: ImageJob\nmetadata: {{name: case}}\nspec:\n{indented}")
}

fn check(spec: &str) -> Result<ValidJob, Vec<Problem>> {
    validate(&parse_job(&job(spec))?.spec, Locations::Cluster)
}

#[test]
fn wrong_specs_are_refused_with_words_that_help() {
    let cases: Vec<Refused> = serde_norway::from_str(include_str!("cases/refused.yaml")).unwrap();
    for case in cases {
        let problems = check(&case.spec).expect_err(&case.name);
        let said: Vec<String> = problems.iter().map(Problem::to_string).collect();
        println!("{}\n    {}", case.name, said.join("\n    "));
        assert!(said.iter().any(|text| text.contains(&case.validate)), "{}: {said:#?}", case.name);
    }
}

#[test]
fn right_specs_are_accepted() {
    let cases: Vec<Accepted> = serde_norway::from_str(include_str!("cases/accepted.yaml")).unwrap();
    for case in cases {
        check(&case.spec).unwrap_or_else(|problems| panic!("{}: {problems:#?}", case.name));
    }
}

/// What `parse_job` says of a whole file.
fn refused(file: &str) -> String {
    parse_job(file).expect_err("the file is wrong").iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn files_that_are_no_image_job_are_refused() {
    let spec = "spec: {source: {uri: s3://images/a.tif}, output: {uri: s3://results/a.tif}}";
    let file = |header: &str| refused(&format!("{header}\n{spec}\n"));
    assert_eq!(refused(""), "the file: is empty\n");
    assert!(refused("a: [").starts_with("line 2: is not YAML"), "{}", refused("a: ["));
    assert!(refused("hello").contains("begins with \"apiVersion: tessera.dev/v1alpha1\""));
    assert_eq!(
        file("apiVersion: tessera.dev/v1\nkind: ImageJob\nmetadata: {name: a}"),
        "apiVersion: must be tessera.dev/v1alpha1, not \"tessera.dev/v1\"\n"
    );
    let header = "apiVersion: tessera.dev/v1alpha1\nkind: ImageJob";
    assert!(file(header).starts_with("metadata.name: missing"));
    assert!(file(&format!("{header}\nmetadata: {{name: A_b}}")).starts_with("metadata.name: \"A_b\""));
    assert!(file(&format!("{header}\nmetadata: {{name: a}}\n---\na: 1")).contains("2 documents"));
    assert!(
        refused(&format!("{header}\nmetadata: {{name: a}}\nspec: {{retries: 1, retries: 2}}"))
            .contains("duplicate")
    );
    assert!(refused(&format!("{header}\nmetadata: {{name: a}}")).starts_with("spec: missing"));
}
