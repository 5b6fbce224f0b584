//! A way to a database server that can be shut, and opened again.

use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

/// A port of this machine that leads to a database server.
pub struct Way {
    address: SocketAddr,
    leads_to: String,
    /// The database, as it is reached this way.
    url: String,
    task: JoinHandle<()>,
}

impl Way {
    /// A way to the database at `url`.
    pub async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).unwrap();
        let leads_to = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let (address, task) = open("127.0.0.1:0", leads_to.clone()).await;
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(address.port())).unwrap();
        Self { address, leads_to, url: url.into(), task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends all connections, and lets none come about.
    pub async fn shut(&mut self) {
        self.task.abort();
        let ended = (&mut self.task).await;
        assert!(ended.unwrap_err().is_cancelled());
    }

    pub async fn open_again(&mut self) {
        (_, self.task) = open(&self.address.to_string(), self.leads_to.clone()).await;
    }
}

async fn open(address: &str, leads_to: String) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        // With the set its connections end.
        let mut connections = JoinSet::new();
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let mut to = TcpStream::connect(&leads_to).await.unwrap();
            connections.spawn(async move { copy_bidirectional(&mut from, &mut to).await.map(|_| ()) });
        }
    });
    (address, task)
}
