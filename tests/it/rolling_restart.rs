//! Two processes behind a balancer are restarted one after the other, over and over: no pass fails, no change is lost.

use crate::support::app::{child, finished, free_port};
use crate::support::messages::{account_of, entry};
use crate::support::pass::engine;
use crate::support::{App, Backend, Kind};
use rstest::rstest;
use sdata_sync::wire::Element;
use sdata_sync::wire::names::SDATA;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// Times each process is restarted: at least, and as often as it takes until the passes are over.
const ROUNDS: usize = 3;

/// Passes, both ways, that run meanwhile, at least.
const PASSES: usize = 4;

/// Gives each connection to the next process that takes it.
async fn balance(listener: TcpListener, backends: [u16; 2]) {
    let next = AtomicUsize::new(0);
    while let Ok((mut client, _)) = listener.accept().await {
        let first = next.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            for port in (0..2).map(|number| backends[(first + number) % 2]) {
                if let Ok(mut process) = TcpStream::connect(("127.0.0.1", port)).await {
                    // Either side may end it.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut process).await;
                    return;
                }
            }
        });
    }
}

/// Creates accounts until it is told to stop, again and again where it is not answered; says which are there.
async fn write(app: Arc<App>, (name, kind): (char, String), stop: Arc<AtomicBool>) -> BTreeMap<String, String> {
    let mut written = BTreeMap::new();
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let (uuid, code) = (Uuid::new_v4(), format!("{name}{number}"));
        let body = entry(&account_of(uuid, &code, &code));
        loop {
            let request = app.request("POST", &kind).header("Content-Type", "application/atom+xml");
            match request.body(body.clone()).send().await {
                Ok(answer) if answer.status() == 201 => break,
                Ok(answer) => assert_eq!(answer.status(), 503),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        written.insert(uuid.to_string(), code);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    written
}

async fn contents(app: &App) -> BTreeMap<String, String> {
    let row = |account: &Element| {
        (account.attribute(SDATA, "uuid").unwrap_or("not linked").to_lowercase(), child(account, "code"))
    };
    app.resources("accounts").await.iter().map(row).collect()
}

/// One pass in each direction by the real engine.
async fn pass(source: &str, target: &str) {
    let mut engine = engine(source, target);
    engine.arg("--both");
    let output = finished(engine).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "a pass failed: {said}");
}

/// OURS-PROC-01, SYNC-5.2-01, SYNC-5.3-10, CORE-11.5-06.
#[rstest]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_pass_fails_while_processes_are_restarted_one_after_the_other(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let ports = [free_port(), free_port()];
    let settings = [("server.base_url", &*base), ("paging.default_count", "20")];
    let backend = Backend::Server(storage.url().to_owned());
    let mut processes = Vec::new();
    for port in ports {
        processes.push(App::start_at("crm", port, &backend, &settings).await);
    }
    let balancer = tokio::spawn(balance(listener, ports));
    let other = Arc::new(App::start("erp").await);
    let here = format!("{base}/sdata/crm/sample/-");
    let stop = Arc::new(AtomicBool::new(false));
    let writers = [('C', format!("{here}/accounts")), ('E', other.kind("accounts"))]
        .map(|kind| tokio::spawn(write(Arc::clone(&other), kind, Arc::clone(&stop))));
    let passes = {
        let (here, there, stop) = (here.clone(), other.dataset(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut passes = 0;
            while passes < PASSES || !stop.load(Ordering::SeqCst) {
                pass(&here, &there).await;
                passes += 1;
            }
        })
    };
    let mut rounds = 0;
    while rounds < ROUNDS {
        for process in &mut processes {
            let ended = tokio::task::block_in_place(|| process.terminate());
            assert!(ended.success(), "{ended:?}");
            process.restart().await;
        }
        rounds += 1;
    }
    stop.store(true, Ordering::SeqCst);
    let mut written = BTreeMap::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    passes.await.unwrap();
    for (app, writer) in [(&processes[0], 'E'), (&*other, 'C')] {
        let found = contents(app).await;
        assert!(found.values().any(|code| code.starts_with(writer)), "nothing of {writer} travelled meanwhile");
    }
    // Whatever was written last.
    pass(&here, &other.dataset()).await;
    let found = [contents(&processes[0]).await, contents(&other).await];
    assert_eq!(found[0], found[1]);
    assert!(written.iter().all(|(uuid, code)| found[0].get(uuid) == Some(code)), "something written is lost");
    balancer.abort();
}
