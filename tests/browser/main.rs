//! The pages in a real browser: Chromium, driven through chromedriver, at a desk, on a phone and in the dark.
//!
//! A binary of its own: the driver's crate teaches `String` new sums. `scripts/browser` sees to it that there is one. `BROWSER_SCREENSHOTS` names a folder to keep what the browser showed in.

#![allow(missing_docs, reason = "tests are named after what they show")]
#![allow(unreachable_pub, reason = "one binary: its modules are its own")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what the provider's other tests need besides")]
mod support;

use rstest::rstest;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::App;
use support::app::{Backend, free_port};
use support::messages::{N1, SAMPLE, SyncFeed, account, account_of, entry};
use tempfile::TempDir;
use thirtyfour::{By, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, WebElement};
use uuid::Uuid;

/// How long the driver may take to be there, also on a busy machine.
const READY: Duration = Duration::from_secs(60);
/// How long a page may take to come, also on a busy machine.
const LOADED: Duration = Duration::from_secs(20);

/// A browser window and the driver behind it.
struct Browser {
    web: WebDriver,
    name: &'static str,
    width: u32,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens a window of this width, in CSS pixels.
    async fn open(name: &'static str, width: u32, is_dark: bool) -> Self {
        let port = free_port();
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let driver =
            command.spawn().unwrap_or_else(|error| panic!("chromedriver: {error}; scripts/browser installs it"));
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--window-size=1280,900",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            capabilities.add_arg(argument).unwrap();
        }
        if is_dark {
            capabilities.add_arg("--blink-settings=preferredColorScheme=0").unwrap();
        }
        if width < 500 {
            // No window is that narrow: the screen of a phone is.
            let screen = serde_json::json!({ "deviceMetrics": { "width": width, "height": 800, "pixelRatio": 1.0 } });
            capabilities.add_experimental_option("mobileEmulation", screen).unwrap();
        }
        let began = Instant::now();
        let web = loop {
            match WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities.clone()).await {
                Ok(web) => break web,
                Err(error) => assert!(began.elapsed() < READY, "no browser: {error}; scripts/browser installs one"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        Self { web, name, width, driver, _profile: profile }
    }

    /// What an expression is worth in the page.
    async fn value(&self, expression: &str) -> serde_json::Value {
        self.web.execute(format!("return {expression};"), Vec::<serde_json::Value>::new()).await.unwrap().json().clone()
    }

    /// Waits until an expression is worth what it should be: a click returns before its page is there.
    async fn assert_comes_to(&self, expression: &str, expected: impl Into<serde_json::Value>) {
        let expected = expected.into();
        let began = Instant::now();
        loop {
            let found = self.value(expression).await;
            if found == expected {
                return;
            }
            assert!(began.elapsed() < LOADED, "{expression} is {found}, not {expected}, at {}", self.url().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Checks the first cells of the first rows.
    async fn assert_rows(&self, expected: &[&str]) {
        let rows = format!(
            "[...document.querySelectorAll('tbody th')].map(cell => cell.textContent).slice(0, {})",
            expected.len()
        );
        self.assert_comes_to(&rows, expected.to_vec()).await;
    }

    /// Checks which part of the whole is shown.
    async fn assert_extent(&self, expected: &str) {
        self.assert_comes_to("document.querySelector('.pager p')?.textContent ?? ''", expected).await;
    }

    /// Checks what every page must be: one heading, nothing that runs, nothing beyond the edge, and a name for every field.
    async fn assert_is_page(&self, title: &str) {
        let heading = "(document.querySelector('h1')?.innerText ?? '').split('\\n').pop().trim()";
        self.assert_comes_to(heading, title).await;
        let at = format!("{} at {}", self.name, self.url().await);
        assert_eq!(self.value("document.querySelectorAll('h1').length").await, 1, "{at}");
        assert_eq!(self.value("document.querySelectorAll('script, [style], iframe').length").await, 0, "{at}");
        assert_eq!(self.value("document.documentElement.lang").await, "en", "{at}");
        // A phone shows a page that is wider than it in a wider window.
        assert_eq!(self.value("window.innerWidth").await, self.width, "{at}: wider than its window");
        let edge = "document.scrollingElement.scrollWidth <= window.innerWidth";
        assert_eq!(self.value(edge).await, true, "{at}: wider than its window");
        let unnamed =
            "[...document.querySelectorAll('input:not([type=hidden])')].filter(input => !input.labels.length).length";
        assert_eq!(self.value(unnamed).await, 0, "{at}: a field without a label");
        let headings = "document.querySelectorAll('th:not([scope])').length";
        assert_eq!(self.value(headings).await, 0, "{at}: a heading of nothing");
        let is_styled = "getComputedStyle(document.body).marginTop === '0px'";
        assert_eq!(self.value(is_styled).await, true, "{at}: without its style");
        self.keep(title).await;
    }

    /// Keeps a picture of the page where somebody wants to look at it.
    async fn keep(&self, title: &str) {
        let Some(folder) = std::env::var_os("BROWSER_SCREENSHOTS") else { return };
        let title: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = PathBuf::from(folder).join(format!("{}-{title}.png", self.name));
        self.web.screenshot(&path).await.unwrap();
    }

    async fn url(&self) -> String {
        self.web.current_url().await.unwrap().to_string()
    }

    async fn find(&self, selector: &str) -> WebElement {
        let found = self.web.find(By::Css(selector)).await;
        match found {
            Ok(found) => found,
            Err(error) => panic!("{selector} at {}: {error}", self.url().await),
        }
    }

    async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    /// The texts of all elements that a selector finds.
    async fn texts(&self, selector: &str) -> Vec<String> {
        let texts = format!("[...document.querySelectorAll({selector:?})].map(element => element.textContent.trim())");
        serde_json::from_value(self.value(&texts).await).unwrap()
    }

    /// Follows the link with this text within what a selector finds.
    async fn follow(&self, within: &str, text: &str) {
        let link = self.find(within).await.find(By::LinkText(text)).await;
        let link = match link {
            Ok(link) => link,
            Err(error) => panic!("{text} in {within} at {}: {error}", self.url().await),
        };
        self.leave_by(&link).await;
    }

    /// Clicks on what leads to another page, and waits until that is there.
    async fn leave_by(&self, element: &WebElement) {
        self.value("window.left = true").await;
        element.click().await.unwrap();
        self.assert_comes_to("window.left === undefined && document.readyState === 'complete'", true).await;
    }

    async fn close(mut self) {
        self.web.clone().quit().await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After `close` there is nothing left to end. Else the session must not be asked to end when its driver has.
        let _ = self.web.clone().leak();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// 25 accounts, an order with lines, and an account over which two applications were in conflict.
async fn fill(app: &App) {
    let uuid = Uuid::new_v4();
    let disputed = |tick: u64, stamp: &str, name: &str| {
        SyncFeed::new(N1, &[(N1, tick + 1, 9)]).stamped((N1, tick, stamp), &account_of(uuid, "A-00", name))
    };
    app.apply("accounts", &disputed(1, "2026-01-01T00:00:00Z", "Disputed account")).await;
    let url = app.resources("accounts").await[0].attribute(sdata_sync::wire::names::SDATA, "url").unwrap().to_owned();
    app.put(&url, entry(&account("A-00", "Disputed account, as changed here"))).await;
    app.apply("accounts", &disputed(2, "2026-01-02T00:00:00Z", "Disputed account, as changed there")).await;
    for number in 1..=25 {
        let address = "<postalAddress><street>Long Street 1</street><city>City</city></postalAddress>";
        let resource = account(&format!("A-{number:02}"), &format!("Account {number}"));
        app.create("accounts", &resource.replace("</account>", &format!("{address}</account>"))).await;
    }
    let product = r#"<product sdata:key="P-1"><sku>P-1</sku><name>Product 1</name></product>"#;
    app.create("products", &product.replacen("<product", &format!("<product xmlns={SAMPLE:?}"), 1)).await;
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>SO-1</orderNumber><account sdata:url="{url}"/><orderLines>
           <salesOrderLine><lineNumber>1</lineNumber><product sdata:key="P-1"/><quantity>3</quantity></salesOrderLine>
           </orderLines></salesOrder>"#
    );
    app.create("salesOrders", &order).await;
}

#[rstest]
#[case::at_a_desk("desk", 1280, false)]
#[case::on_a_phone("phone", 360, false)]
#[case::in_the_dark("dark", 1280, true)]
#[tokio::test]
async fn people_find_their_way_from_the_front_page_to_a_resource_and_its_history(
    #[case] name: &'static str,
    #[case] width: u32,
    #[case] is_dark: bool,
) {
    let app = App::start_with("crm", &Backend::Sqlite, &[("paging.default_count", "10")]).await;
    fill(&app).await;
    let browser = Browser::open(name, width, is_dark).await;
    walk_down(&browser, &app).await;
    let ground = browser.value("getComputedStyle(document.body).backgroundColor").await;
    assert_eq!(ground == "rgb(255, 255, 255)", !is_dark, "{ground}");
    sort_filter_and_turn_pages(&browser).await;
    look_at_resources(&browser, &app).await;
    look_at_the_audit(&browser, &app).await;
    browser.web.goto(format!("{}/nothing", app.dataset())).await.unwrap();
    browser.assert_is_page("Not Found").await;
    browser.close().await;
}

async fn walk_down(browser: &Browser, app: &App) {
    browser.web.goto(format!("{}/sdata", app.base())).await.unwrap();
    browser.assert_is_page("Applications").await;
    let application = browser.text(".items h2 a").await;
    browser.follow(".items", &application).await;
    browser.assert_is_page(&application).await;
    for level in ["sample", "Default dataset", "Account"] {
        browser.follow(".items", level).await;
        browser.assert_is_page(level).await;
    }
}

async fn sort_filter_and_turn_pages(browser: &Browser) {
    let sorted = "document.querySelector('[aria-sort]')?.getAttribute('aria-sort') ?? ''";
    assert_eq!(browser.texts("tbody th").await.len(), 10);
    browser.follow("thead", "Code").await;
    browser.assert_rows(&["A-00", "A-01"]).await;
    browser.assert_comes_to(sorted, "ascending").await;
    browser.follow("thead", "Code").await;
    browser.assert_rows(&["A-25", "A-24"]).await;
    browser.assert_comes_to(sorted, "descending").await;
    browser.assert_extent("1 to 10 of 26").await;
    browser.follow(".pager", "Next").await;
    browser.assert_extent("11 to 20 of 26").await;
    browser.assert_rows(&["A-15", "A-14"]).await;
    browser.follow(".pager", "Last").await;
    browser.assert_extent("21 to 26 of 26").await;
    browser.follow(".pager", "First").await;
    browser.assert_rows(&["A-25"]).await;

    browser.find("#where").await.send_keys("code like 'A-0%' and name ne 'Account 3'").await.unwrap();
    browser.leave_by(&browser.find(".filter button").await).await;
    browser.assert_extent("1 to 9 of 9").await;
    browser.assert_rows(&["A-09", "A-08", "A-07", "A-06", "A-05", "A-04", "A-02", "A-01", "A-00"]).await;
    browser.assert_is_page("Account").await;
    let field = browser.find("#where").await;
    field.clear().await.unwrap();
    field.send_keys("code lik").await.unwrap();
    browser.leave_by(&browser.find(".filter button").await).await;
    browser.assert_is_page("Bad Request").await;
    assert!(browser.text(".problem").await.contains("BadWhereSyntax"));
    browser.find("summary").await.click().await.unwrap();
    browser.follow(".help", "code like 'A%'").await;
    browser.assert_extent("1 to 10 of 26").await;
    browser.follow(".filter", "Show everything").await;
    browser.assert_is_page("Account").await;
}

async fn look_at_resources(browser: &Browser, app: &App) {
    browser.web.goto(format!("{}?where=code eq 'A-00'", app.kind("accounts"))).await.unwrap();
    browser.follow("tbody", "A-00").await;
    browser.assert_is_page("A-00 Disputed account, as changed here").await;
    assert_eq!(browser.texts(".history .badge").await, ["conflict lost", "created"]);
    assert!(!browser.find(".history pre").await.is_displayed().await.unwrap());
    browser.find(".history summary").await.click().await.unwrap();
    assert!(browser.text(".history pre").await.contains("name: Disputed account, as changed there"));
    browser.assert_is_page("A-00 Disputed account, as changed here").await;

    browser.web.goto(app.kind("salesOrders")).await.unwrap();
    browser.follow("tbody", "SO-1").await;
    browser.assert_is_page("SO-1").await;
    assert_eq!(browser.texts("tbody tr *:is(th, td)").await, ["1", "P-1 Product 1", "3"]);
    browser.follow("tbody", "P-1 Product 1").await;
    browser.assert_is_page("P-1 Product 1").await;
    browser.follow(".crumbs", "Default dataset").await;
    browser.follow(".items", "Digest").await;
    browser.assert_is_page("Digest").await;
    assert_eq!(browser.texts("tbody th").await[0], format!("{} (here)", app.kind("accounts")));
}

async fn look_at_the_audit(browser: &Browser, app: &App) {
    browser.web.goto(format!("{}/sdata/crm", app.base())).await.unwrap();
    browser.follow(".items", "Audit").await;
    browser.follow(".items", "Default dataset").await;
    browser.follow(".items", "Events").await;
    browser.assert_is_page("Events").await;
    browser.follow(".heading", "Runs").await;
    browser.assert_is_page("Runs").await;
    browser.follow("tbody", "test").await;
    browser.assert_is_page("Changes").await;
    assert_eq!(browser.texts("tbody .badge").await, ["conflict lost", "created"]);
    browser.follow("tbody td:nth-of-type(2)", &browser.texts("tbody td:nth-of-type(2)").await[0]).await;
    browser.assert_is_page("A-00 Disputed account, as changed here").await;
}
