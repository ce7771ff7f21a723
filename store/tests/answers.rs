//! The S3 store against a server that answers as good servers do not: every answer is written out here.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tessera_store::{
    Credentials, ErrorKind, Location, Metadata, Part, PutOptions, S3Store, Store, StoreConfig, StoreError,
    Timeouts, Upload,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Log = Arc<Mutex<Vec<String>>>;

/// A store whose server gives these answers, one a connection, the last one for ever; and the request lines it saw.
async fn serve(answers: &[&str]) -> (S3Store, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let log = Log::default();
    let seen = log.clone();
    tokio::spawn(async move {
        for index in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            let answer = answers[index.min(answers.len() - 1)].clone();
            tokio::spawn(answer_one(socket, answer, seen.clone()));
        }
    });
    (store(endpoint, 2), log)
}

fn store(endpoint: String, attempts: u32) -> S3Store {
    let credentials = Credentials {
        access_key_id: "id".to_owned(),
        secret_access_key: "hush".to_owned(),
        session_token: None,
    };
    let short = Duration::from_millis(700);
    let timeouts =
        Timeouts { connect: short, read: short, attempt: short, operation: Duration::from_secs(5) };
    let config = StoreConfig { attempts, timeouts, ..StoreConfig::new(Some(endpoint), credentials) };
    S3Store::new(&config).unwrap()
}

async fn answer_one(mut socket: TcpStream, answer: String, log: Log) {
    let request = read_request(&mut socket).await;
    log.lock().unwrap().push(request.lines().next().unwrap_or_default().to_owned());
    socket.write_all(answer.as_bytes()).await.unwrap();
    if answer.contains("X-Hang") {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}

/// A request's head; its body is read as well, so that the client is not cut off.
async fn read_request(socket: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = socket.read(&mut buffer).await.unwrap();
        text.extend_from_slice(&buffer[..count]);
        let head = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let Some(end) = head.find("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if count == 0 || text.len() >= end + 4 + length {
            return String::from_utf8_lossy(&text).into_owned();
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

fn at() -> Location {
    "s3://images/a.tif".parse().unwrap()
}

async fn range_of(answers: &[&str]) -> (Result<Bytes, StoreError>, usize) {
    let (store, log) = serve(answers).await;
    let result = store.get_range(&at(), 2..6, Some("tag")).await;
    let requests = log.lock().unwrap().len();
    (result, requests)
}

fn kind<T: std::fmt::Debug>(result: Result<T, StoreError>) -> ErrorKind {
    result.unwrap_err().kind()
}

const TAG: &str = "ETag: \"tag\"\r\nContent-Range: bytes 2-5/10\r\n";

#[tokio::test]
async fn a_range_that_was_ignored_is_an_error() {
    let whole = answer("200 OK", "ETag: \"tag\"\r\n", "0123456789");
    let (result, requests) = range_of(&[&whole]).await;
    assert_eq!((kind(result), requests), (ErrorKind::WrongBytes, 3));
}

#[tokio::test]
async fn another_range_than_asked_for_is_an_error() {
    let other = answer("206 Partial Content", "ETag: \"tag\"\r\nContent-Range: bytes 3-6/10\r\n", "3456");
    assert_eq!(kind(range_of(&[&other]).await.0), ErrorKind::WrongBytes);
    let cut = answer("206 Partial Content", "ETag: \"tag\"\r\nContent-Range: bytes 2-4/5\r\n", "234");
    assert_eq!(kind(range_of(&[&cut]).await.0), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_again() {
    let short = format!("HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n{TAG}\r\n23");
    let right = answer("206 Partial Content", TAG, "2345");
    let (result, requests) = range_of(&[&short, &right]).await;
    assert_eq!((result.unwrap(), requests), (Bytes::from_static(b"2345"), 2));
    assert_eq!(kind(range_of(&[&short]).await.0), ErrorKind::WrongBytes);
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_in_time() {
    let slow = format!("HTTP/1.1 206 Partial Content\r\nX-Hang: yes\r\nContent-Length: 4\r\n{TAG}\r\n2");
    assert_eq!(kind(range_of(&[&slow]).await.0), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_server_that_does_not_know_the_condition_is_found_out_by_the_tag() {
    let other = answer("206 Partial Content", "ETag: \"new\"\r\nContent-Range: bytes 2-5/10\r\n", "2345");
    assert_eq!(kind(range_of(&[&other]).await.0), ErrorKind::Changed);
    let refused = answer("412 Precondition Failed", "", "<Error><Code>PreconditionFailed</Code></Error>");
    assert_eq!(range_of(&[&refused]).await.1, 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = answer("301 Moved Permanently", "Location: http://127.0.0.1:1/images/a.tif\r\n", "");
    let (store, log) = serve(&[&elsewhere]).await;
    assert_eq!(kind(store.head(&at()).await), ErrorKind::Elsewhere);
    assert_eq!(kind(store.get(&at()).await), ErrorKind::Elsewhere);
    assert!(log.lock().unwrap().len() <= 2);
}

#[tokio::test]
async fn a_failing_server_is_asked_again_and_its_words_are_not_repeated() {
    let body = "<Error><Code>SlowDown</Code><Message>secret of the server</Message></Error>";
    let (store, log) = serve(&[&answer("503 Slow Down", "", body)]).await;
    let error = store.get(&at()).await.unwrap_err();
    assert!(error.retry() && error.to_string().contains("(SlowDown)"), "{error}");
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
    assert!(!shown.contains("secret of the server"), "{shown}");
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_with_its_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = store(endpoint, 1).head(&at()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
}

/// Completes an upload of 6 bytes by the job `uid`.
async fn complete(answers: &[&str]) -> (Result<String, StoreError>, Vec<String>) {
    let (store, log) = serve(answers).await;
    let upload = Upload { at: at(), id: "up".to_owned() };
    let parts = [Part { number: 1, etag: "p".to_owned(), size: 6 }];
    let metadata = Metadata::from([("job".to_owned(), "uid".to_owned())]);
    let options = PutOptions { metadata, ..PutOptions::default() };
    let result = store.complete_upload(&upload, &parts, &options).await;
    let methods = log.lock().unwrap().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    (result, methods)
}

const DONE: &str = "<CompleteMultipartUploadResult><ETag>\"new-1\"</ETag></CompleteMultipartUploadResult>";

/// The head of an object of 6 bytes, as HEAD gives it.
fn head_of(job: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\nETag: \"new-1\"\r\nx-amz-meta-job: {job}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_success_with_an_error_in_its_body_is_no_success() {
    let error = answer("200 OK", "", "<Error><Code>InternalError</Code></Error>");
    let missing = answer("404 Not Found", "", "");
    let bucket = answer("200 OK", "", "");
    let done = answer("200 OK", "", DONE);
    let (result, methods) = complete(&[&error, &missing, &bucket, &done, &head_of("uid")]).await;
    assert_eq!(result.unwrap(), "new-1");
    assert_eq!(
        methods,
        ["POST", "HEAD", "HEAD", "POST", "HEAD"],
        "asked whether it is there before doing it again"
    );
}

#[tokio::test]
async fn a_success_that_comes_before_the_object_is_waited_for() {
    let error = answer("200 OK", "", "<Error><Code>InternalError</Code></Error>");
    let (missing, bucket) = (answer("404 Not Found", "", ""), answer("200 OK", "", ""));
    let done = answer("200 OK", "", DONE);
    let gone = answer("404 Not Found", "", "<Error><Code>NoSuchUpload</Code></Error>");
    let joining = [&error, &missing, &bucket, &done, &missing, &bucket, &gone];
    let mut answers: Vec<&str> = joining.map(String::as_str).to_vec();
    let head = head_of("uid");
    answers.push(&head);
    let (result, methods) = complete(&answers).await;
    assert_eq!(result.unwrap(), "new-1");
    assert_eq!(methods, ["POST", "HEAD", "HEAD", "POST", "HEAD", "HEAD", "POST", "HEAD"]);
}

#[tokio::test]
async fn a_completion_without_an_answer_is_found_by_looking() {
    let hang = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500\r\n\r\n";
    let (result, methods) = complete(&[hang, &head_of("uid")]).await;
    assert_eq!(result.unwrap(), "new-1");
    assert_eq!(methods.last().unwrap(), "HEAD");
}

#[tokio::test]
async fn an_upload_that_is_gone_is_a_success_only_with_our_object_there() {
    let gone = answer("404 Not Found", "", "<Error><Code>NoSuchUpload</Code></Error>");
    assert_eq!(complete(&[&gone, &head_of("uid")]).await.0.unwrap(), "new-1");
    assert_eq!(kind(complete(&[&gone, &head_of("another")]).await.0), ErrorKind::NoSuchUpload);
}
