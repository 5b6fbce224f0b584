//! The server by TLS: HTTP/2 and HTTP/1.1, certificates that change, and what is no TLS.

use crate::support::app::client;
use crate::support::messages::account;
use crate::support::pass::pass;
use crate::support::raw::exchange;
use crate::support::{App, Authority};
use reqwest::Version;
use rstest::rstest;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long something that is looked for again and again may take to come about, also on a busy machine.
const SOON: Duration = Duration::from_secs(60);

async fn until(mut is_so: impl AsyncFnMut() -> bool, what: &str) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < SOON, "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// OURS-EDGE-01.
#[tokio::test]
async fn http_2_and_http_1_1_are_spoken_by_tls_and_browsers_are_told_to_stay() {
    let authority = Authority::new();
    let app = App::start_tls("crm", &authority, &[]).await;
    let url = app.kind("accounts");
    assert!(url.starts_with("https://"));
    for (client, version) in [
        (client(Some(&authority)), Version::HTTP_2),
        (client(Some(&authority)).http1_only(), Version::HTTP_11),
        (client(Some(&authority)).tls_version_max(reqwest::tls::Version::TLS_1_2), Version::HTTP_2),
    ] {
        let answer = client.build().unwrap().get(&url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000");
        assert!(answer.text().await.unwrap().contains(&format!("<id>{url}</id>")));
    }
    // A body, and an answer that is streamed.
    app.create("accounts", &account("A1", "one")).await;
    assert_eq!(app.resources("accounts").await.len(), 1);
    // Whoever does not know the authority does not go on.
    assert!(client(None).build().unwrap().get(&url).send().await.is_err());
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_one_that_cannot_be_used_is_not() {
    let authority = Authority::new();
    let app = App::start_tls("crm", &authority, &[]).await;
    let shown = async || {
        let stream = authority.connect(app.address(), "http/1.1").await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let first = shown().await;
    let second = authority.renew();
    assert_ne!(first, second);
    until(async || shown().await == second, "the new certificate is not shown").await;
    let [certificate, _] = authority.files();
    std::fs::write(&certificate, "rubbish").unwrap();
    until(async || app.log().contains("the old one is shown on"), "nothing is said of a broken certificate").await;
    assert!(app.log().contains(&format!("{}: holds no certificate", certificate.display())), "{}", app.log());
    assert_eq!(shown().await, second);
    let third = authority.renew();
    until(async || shown().await == third, "the certificate that was mended is not shown").await;
    assert_eq!(app.log().matches("the old one is shown on").count(), 1, "it is said once\n{}", app.log());
}

/// The old versions of TLS, and none at all.
#[rstest]
#[case::clear(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")]
#[case::rubbish(&[0xff; 300])]
#[case::tls_1_1(&[
    0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 0, 0, 2, 0, 47, 1, 0,
])]
#[tokio::test]
async fn what_is_no_tls_that_can_be_had_ends(#[case] hello: &[u8]) {
    let app = App::start_tls("crm", &Authority::new(), &[]).await;
    let answer = exchange(app.address(), hello, false).await;
    assert_eq!(answer.status, None, "nothing is said in clear");
    assert_eq!(app.get(&format!("{}/healthz", app.base())).await.status, 200);
}

/// A client that never goes on with its handshake is not waited for.
#[tokio::test]
async fn a_handshake_that_does_not_go_on_ends() {
    let app = App::start_tls("crm", &Authority::new(), &[("limits.head_seconds", "1")]).await;
    assert_eq!(exchange(app.address(), &[0x16, 3, 1], false).await.status, None);
    assert_eq!(exchange(app.address(), b"", false).await.status, None);
}

fn serve(settings: &[(&str, String)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    serve.arg("serve").current_dir(folder.path());
    for (key, value) in settings {
        serve.arg("--set").arg(format!("{key}={value}"));
    }
    let output = serve.output().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
    output
}

#[test]
fn a_key_of_another_certificate_is_refused_at_the_start() {
    let (one, other) = (Authority::new(), Authority::new());
    let certificate = one.files()[0].display().to_string();
    let key = other.files()[1].display().to_string();
    let output = serve(&[("server.tls.certificate", certificate.clone()), ("server.tls.key", key.clone())]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains(&format!("{key}: is not the private key of the certificate in {certificate}")),
        "{message}"
    );
}

/// `pass` believes an authority that it is told of.
#[tokio::test]
async fn a_pass_goes_between_providers_of_a_private_authority() {
    let authority = Authority::new();
    let crm = App::start_tls("crm", &authority, &[]).await;
    let erp = App::start_tls("erp", &authority, &[]).await;
    crm.create("accounts", &account("A1", "one")).await;
    let file = authority.file().display().to_string();
    let (code, said) = pass(&crm, &erp, &["--ca-file", &file]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(erp.resources("accounts").await.len(), 1);
    let nothing = authority.files()[1].display().to_string();
    let (code, said) = pass(&crm, &erp, &["--ca-file", &nothing]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("--ca-file {nothing}")), "a key is no certificate: {said}");
}
