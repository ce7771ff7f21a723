//! The commands as a user runs them, on files in a folder of their own.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::Path;
use std::process::{Command, Output};

use tessera_core::geometry::Rect;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::Channels;
use tessera_operations::{Region, Samples};

fn tessera(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.args(arguments).current_dir(folder).env_remove("AWS_ACCESS_KEY_ID").output().unwrap()
}

fn job(folder: &Path, name: &str, output: &str) {
    let text = format!(
        "{{apiVersion: tessera.dev/v1alpha1, kind: ImageJob, metadata: {{name: edges}}, spec: {{source: {{uri: in.tif}}, \
         operations: [{{grayscale: {{}}}}, {{sobel: {{}}}}], output: {output}}}}}"
    );
    std::fs::write(folder.join(name), text).unwrap();
}

/// A folder with a picture `in.tif` and jobs for `out.tif`, `out.png` and `cog.tif`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (width, height) = (2500u32, 1700u32);
    let samples = (0..width * height * 3).map(|index| (index % 251 * (index / 7500 % 7)) as u8).collect();
    let rect = Rect::new(0, 0, width, height);
    let picture = Region { rect, channels: Channels::Rgb, samples: Samples::U8(samples) };
    let format = OutputFormat::Tiff { tile: 256, compression: TiffCompression::None };
    let file = tessera_imaging::write_whole(&picture, format, None).unwrap();
    std::fs::write(folder.path().join("in.tif"), file).unwrap();
    job(folder.path(), "tif.yaml", "{uri: out.tif}");
    job(folder.path(), "png.yaml", "{uri: ./out/out.png}");
    job(folder.path(), "cog.yaml", "{uri: cog.tif, cog: {tile: 256}}");
    folder
}

fn line(output: &Output, name: &str) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    value.unwrap_or_else(|| panic!("no {name} in {text} {}", String::from_utf8_lossy(&output.stderr)))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// SHA-256 of a file.
fn sha256(folder: &Path, file: &str) -> String {
    tessera_core::record::sha256(&std::fs::read(folder.join(file)).unwrap())
}

#[test]
fn shards_tiles_and_threads_change_no_byte_and_leave_nothing_behind() {
    let folder = folder();
    for (job, file) in [("tif.yaml", "out.tif"), ("png.yaml", "out/out.png"), ("cog.yaml", "cog.tif")] {
        let first = tessera(folder.path(), &["run", job]);
        let wanted = (sha256(folder.path(), file), line(&first, "digest"));
        for more in [
            &["--shards", "3"][..],
            &["--tile", "100"],
            &["--threads", "1", "--shards", "1", "--tile", "512"],
        ] {
            let again = tessera(folder.path(), &[&["run", job, "--force"], more].concat());
            assert_eq!((sha256(folder.path(), file), line(&again, "digest")), wanted, "{more:?}");
        }
        let found = tessera(folder.path(), &["digest", file]);
        assert_eq!((line(&found, "sha256"), line(&found, "digest")), wanted);
    }
    assert_eq!(
        names(folder.path()),
        ["cog.tif", "cog.yaml", "in.tif", "out", "out.tif", "png.yaml", "tif.yaml"]
    );
    assert_eq!(names(&folder.path().join("out")), ["out.png"]);
}

#[test]
fn any_number_of_columns_and_threads_gives_the_same_file() {
    let folder = folder();
    let chains = [
        "[{crop: {x: 900, \"y\": 700, width: 301, height: 203}}, {medianBlur: {radius: 3}}, {open: {radius: 9, shape: ellipse}}]",
        "[{resize: {width: 211}}, {gaussianBlur: {sigma: 40}}, {unsharpMask: {sigma: 2, amount: 3}}, {scharr: {}}]",
        "[{resize: {scale: 0.1, filter: area, linear: true}}, {rotate: {degrees: 270}}, {flip: {axis: vertical}}]",
    ];
    let outputs = [
        "{uri: a.tif, tiff: {tile: 256, compression: lzw}}",
        "{uri: a.png}",
        "{uri: a.tif, cog: {tile: 256}}",
    ];
    for ((chain, output), file) in chains.into_iter().zip(outputs).zip(["a.tif", "a.png", "a.tif"]) {
        let text = format!(
            "{{apiVersion: tessera.dev/v1alpha1, kind: ImageJob, metadata: {{name: a}}, spec: {{source: {{uri: in.tif}}, \
             operations: {chain}, output: {output}}}}}"
        );
        std::fs::write(folder.path().join("a.yaml"), text).unwrap();
        tessera(folder.path(), &["run", "a.yaml", "--force"]);
        let first = sha256(folder.path(), file);
        for (tile, threads) in [("1", "3"), ("2", "1"), ("7", "8"), ("100", "2"), ("5000", "1")] {
            let again = ["run", "a.yaml", "--force", "--tile", tile, "--threads", threads];
            tessera(folder.path(), &again);
            assert_eq!(sha256(folder.path(), file), first, "{chain} --tile {tile}");
            tessera(folder.path(), &[&again[..], &["--shards", "2"]].concat());
            assert_eq!(sha256(folder.path(), file), first, "{chain} --tile {tile} --shards 2");
        }
    }
}

#[test]
fn an_output_that_exists_is_kept_unless_forced() {
    let folder = folder();
    std::fs::write(folder.path().join("out.tif"), "mine").unwrap();
    for shards in [&[][..], &["--shards", "2"]] {
        let refused = tessera(folder.path(), &[&["run", "tif.yaml"], shards].concat());
        assert_eq!(refused.status.code(), Some(16), "{refused:?}");
        assert_eq!(std::fs::read(folder.path().join("out.tif")).unwrap(), b"mine");
    }
    assert_eq!(names(folder.path()), ["cog.yaml", "in.tif", "out.tif", "png.yaml", "tif.yaml"]);
    assert!(tessera(folder.path(), &["run", "tif.yaml", "-f"]).status.success());
}

#[test]
fn what_is_wrong_is_said_in_one_line_each_with_an_exit_code() {
    let folder = folder();
    job(folder.path(), "wrong.yaml", "{uri: out.bmp, png: 3}");
    job(folder.path(), "s3.yaml", "{uri: \"s3://results/out.tif\"}");
    std::fs::write(folder.path().join("text.tif"), "this is no picture at all").unwrap();
    let code = |arguments: &[&str]| {
        let output = tessera(folder.path(), arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() || text.lines().all(|line| line.starts_with("error: ")), "{text}");
        output.status.code().unwrap()
    };
    assert_eq!(code(&["validate", "tif.yaml"]), 0);
    assert_eq!(code(&["validate", "wrong.yaml"]), 1);
    assert_eq!(code(&["run", "nothing.yaml"]), 1);
    assert_eq!(code(&["run", "s3.yaml"]), 13);
    std::fs::copy(folder.path().join("text.tif"), folder.path().join("in.tif")).unwrap();
    assert_eq!(code(&["run", "tif.yaml"]), 10);
    std::fs::remove_file(folder.path().join("in.tif")).unwrap();
    assert_eq!(code(&["plan", "tif.yaml"]), 10);
}

#[test]
fn a_plan_is_shown_and_can_be_printed_as_workers_read_it() {
    let folder = folder();
    let text = tessera(folder.path(), &["plan", "tif.yaml", "--shards", "2"]);
    assert_eq!(line(&text, "halo").split(' ').next(), Some("1"));
    assert!(line(&text, "stage 2").starts_with("assemble 1 x"));
    let json = tessera(folder.path(), &["plan", "tif.yaml", "-o", "json"]);
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(plan["halo"], 1);
}
