use super::*;
use rstest::rstest;
use std::fs;
use tempfile::TempDir;

fn sources(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Sources { file: None, environment: owned(environment), flags: owned(flags) }
}

fn in_file(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> (TempDir, Sources) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("sdata-sync.toml");
    fs::write(&file, text).unwrap();
    (folder, Sources { file: Some(file), ..sources(environment, flags) })
}

/// What is wrong with `text`, without the folder in front of the file's name.
fn mistakes(text: &str) -> Vec<String> {
    let (folder, sources) = in_file(text, &[], &[]);
    let folder = format!("{}/", folder.path().display());
    let error = Settings::read(&sources).unwrap_err();
    error.mistakes.iter().map(|mistake| mistake.to_string().replace(&folder, "")).collect()
}

#[test]
fn without_any_source_the_sample_contract_is_served_on_loopback() {
    let settings = Settings::read(&Sources::default()).unwrap();
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:5493");
    assert_eq!(settings.server.base_url, "http://127.0.0.1:5493");
    assert_eq!(settings.database.url.expose(), "sqlite://sdata-sync.db");
    assert_eq!((settings.application.name.as_str(), settings.application.title.as_str()), ("crm", "crm"));
    let [contract] = settings.contracts.as_slice() else { panic!("one contract") };
    assert_eq!((contract.name.as_str(), &contract.schema), ("sample", &None));
    assert_eq!(contract.datasets, ["-"]);
    assert_eq!((settings.paging.default_count, settings.paging.max_count), (100, 1000));
    assert_eq!(settings.tracking.retention, Duration::from_secs(86_400));
    assert_eq!(settings.retention, Retention::default());
    assert_eq!(settings.limits.max_body_bytes, 67_108_864);
    assert_eq!(settings.security.authentication, Authentication::None);
}

#[test]
fn every_key_of_a_file_is_read_and_paths_are_relative_to_the_file() {
    let text = r#"
        [server]
        listen = "0.0.0.0:8080"
        base_url = "https://ERP.example.com/"
        [database]
        url = "sqlite://data/erp.db?mode=rwc"
        max_connections = 20
        [application]
        name = "erp"
        title = "The ERP"
        [[contracts]]
        name = "trade"
        schema = "contracts/trade.xsd"
        datasets = ["-", "north"]
        [contracts.kinds.salesOrders]
        sync_source = false
        sync_target = true
        conflict_priority = 2
        [[contracts]]
        name = "more"
        schema = "/schemas/more.xsd"
        [paging]
        default_count = 50
        max_count = 500
        [tracking]
        workers = 4
        polling_millis = 250
        retention_hours = 2
        [limits]
        max_body_bytes = 1000000
        [security]
        authentication = "basic"
    "#;
    let (folder, sources) = in_file(text, &[], &[]);
    let settings = Settings::read(&sources).unwrap();
    assert_eq!(settings.server.base_url, "https://erp.example.com");
    let database = format!("sqlite://{}?mode=rwc", folder.path().join("data/erp.db").display());
    assert_eq!(settings.database.url.expose(), database);
    let [trade, more] = settings.contracts.as_slice() else { panic!("two contracts") };
    assert_eq!(trade.schema, Some(folder.path().join("contracts/trade.xsd")));
    assert_eq!(trade.datasets, ["-", "north"]);
    let orders = trade.kind("SALESORDERS").unwrap();
    assert_eq!((orders.sync_source, orders.sync_target), (Some(false), Some(true)));
    assert_eq!(orders.conflict_priority, Priority::new(2));
    assert_eq!(more.schema, Some(PathBuf::from("/schemas/more.xsd")));
    assert_eq!(settings.paging, PageLimits { default_count: 50, max_count: 500 });
    assert_eq!((settings.tracking.workers, settings.tracking.polling_millis), (4, 250));
    assert_eq!(settings.security.authentication, Authentication::Basic);
}

#[test]
fn tls_proxies_and_limits_are_read_and_paths_are_relative_to_the_file() {
    let text = r#"
        [server]
        trusted_proxies = ["10.0.0.0/8", "::1"]
        shutdown_seconds = 5
        [server.tls]
        certificate = "tls/cert.pem"
        key = "/keys/key.pem"
        [limits]
        depth = 32
        entries = 1000
        body_seconds = 60
        jobs_per_client = 3
    "#;
    let (folder, sources) = in_file(text, &[], &[]);
    let settings = Settings::read(&sources).unwrap();
    let tls = TlsSettings { certificate: folder.path().join("tls/cert.pem"), key: PathBuf::from("/keys/key.pem") };
    assert_eq!(settings.server.tls, Some(tls));
    assert_eq!(settings.server.base_url, "https://127.0.0.1:5493");
    let proxies: Vec<_> = settings.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(settings.server.shutdown, Duration::from_secs(5));
    let limits = settings.limits;
    assert_eq!((limits.depth, limits.entries, limits.jobs_per_client), (32, 1_000, 3));
    assert_eq!((limits.body_time, limits.head_time), (Duration::from_secs(60), Duration::from_secs(30)));
}

/// Limits of a client give way when there are fewer for all.
#[test]
fn a_smaller_limit_of_all_needs_no_other_word() {
    let settings = Settings::read(&sources(&[], &[("limits.requests", "10")])).unwrap();
    assert_eq!(settings.limits.requests, 10);
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let text = "[paging]\nmax_count = 10\ndefault_count = 1\n[application]\nname = \"erp\"\n";
    let environment =
        [("SDATA_SYNC__PAGING__MAX_COUNT", "20"), ("SDATA_SYNC__APPLICATION__NAME", "crm"), ("HOME", "/")];
    let (_folder, sources) = in_file(text, &environment, &[("paging.max_count", "30")]);
    let settings = Settings::read(&sources).unwrap();
    assert_eq!((settings.paging.default_count, settings.paging.max_count), (1, 30));
    assert_eq!(settings.application.name, "crm");
}

#[test]
fn one_key_of_a_contract_in_the_file_is_set_by_the_environment() {
    let text = r#"
        [[contracts]]
        name = "trade"
        schema = "trade.xsd"
        [contracts.kinds.salesOrders]
        conflict_priority = 2
    "#;
    let environment = [("SDATA_SYNC__CONTRACTS__0__KINDS__SALESORDERS__SYNC_SOURCE", "false")];
    let (_folder, sources) = in_file(text, &environment, &[]);
    let settings = Settings::read(&sources).unwrap();
    let [orders] = settings.contracts[0].kinds.as_slice() else { panic!("one kind") };
    assert_eq!((orders.name.as_str(), orders.sync_source), ("salesOrders", Some(false)));
    assert_eq!(orders.conflict_priority, Priority::new(2));
}

#[test]
fn kinds_of_the_sample_contract_are_set_without_a_file() {
    let environment = [("SDATA_SYNC__CONTRACTS__0__KINDS__ACCOUNTS__CONFLICT_PRIORITY", "3")];
    let settings = Settings::read(&sources(&environment, &[])).unwrap();
    let contract = &settings.contracts[0];
    assert_eq!((contract.name.as_str(), &contract.schema), ("sample", &None));
    assert_eq!(contract.kind("accounts").unwrap().conflict_priority, Priority::new(3));
}

#[rstest]
#[case::unknown_key(
    "[paging]\n\nmax_cuont = 5\n",
    "sdata-sync.toml:3: paging.max_cuont is not known; known here: default_count, max_count"
)]
#[case::unknown_section(
    "[pages]\nx = 1\n",
    "sdata-sync.toml:1: pages is not known; known here: application, contracts, database, limits, paging, retention, security, server, telemetry, tracking"
)]
#[case::wrong_type(
    "[tracking]\nworkers = \"many\"\n",
    "sdata-sync.toml:2: tracking.workers is \"many\"; it must be a whole number from 1 to 64"
)]
#[case::out_of_range(
    "[tracking]\npolling_millis = 20\n",
    "sdata-sync.toml:2: tracking.polling_millis is 20; it must be a whole number from 100 to 10000"
)]
#[case::fraction(
    "[paging]\nmax_count = 1.5\n",
    "sdata-sync.toml:2: paging.max_count is 1.5; it must be a whole number from 1 to 100000"
)]
#[case::default_above_the_most(
    "[paging]\nmax_count = 5\ndefault_count = 6\n",
    "sdata-sync.toml:3: paging.default_count is 6; it must not be above paging.max_count, which is 5"
)]
#[case::listen_without_port(
    "[server]\nlisten = \"localhost\"\n",
    "sdata-sync.toml:2: server.listen is \"localhost\"; it must be an IP address and a port, such as \"127.0.0.1:5493\""
)]
#[case::base_url_with_query(
    "[server]\nbase_url = \"http://a/?b\"\n",
    "sdata-sync.toml:2: server.base_url is \"http://a/?***\"; it must be an http or https URL without query, such as \"https://erp.example.com\""
)]
#[case::no_section("paging = 5\n", "sdata-sync.toml:1: paging must be a section with keys, not a value")]
#[case::no_schema(
    "[[contracts]]\nname = \"trade\"\n",
    "sdata-sync.toml:1: contracts.0.schema is missing; it must be the path of an XSD file"
)]
#[case::audit_name(
    "[[contracts]]\nname = \"syncAudit\"\nschema = \"a.xsd\"\n",
    "sdata-sync.toml:2: contracts.0.name is the name of the audit; it must be another"
)]
#[case::name_twice(
    "[[contracts]]\nname = \"a\"\nschema = \"a.xsd\"\n[[contracts]]\nname = \"a\"\nschema = \"b.xsd\"\n",
    "sdata-sync.toml:5: contracts.1.name is \"a\", which another contract has; it must be unique"
)]
#[case::priority(
    "[[contracts]]\n[contracts.kinds.accounts]\nconflict_priority = 0\n",
    "sdata-sync.toml:3: contracts.0.kinds.accounts.conflict_priority is 0; it must be a whole number from 1 to 9"
)]
#[case::unknown_key_of_a_kind(
    "[[contracts]]\n[contracts.kinds.accounts]\nsource = true\n",
    "sdata-sync.toml:3: contracts.0.kinds.accounts.source is not known; known here: conflict_priority, indexed, sync_source, sync_target"
)]
#[case::datasets_twice(
    "[[contracts]]\ndatasets = [\"a\", \"a\"]\n",
    "sdata-sync.toml:2: contracts.0.datasets is a list that does not fit; it must be a list of different names for URLs, such as [\"-\"] for the unnamed dataset alone"
)]
#[case::tls_without_key(
    "[server.tls]\ncertificate = \"cert.pem\"\n",
    "sdata-sync.toml:1: server.tls.key is missing; with server.tls.certificate it must be the path of a PEM file"
)]
#[case::tls_without_certificate(
    "[server.tls]\nkey = \"key.pem\"\n",
    "sdata-sync.toml:1: server.tls.certificate is missing; with server.tls.key it must be the path of a PEM file"
)]
#[case::tls_at_a_url_in_clear(
    "[server]\nbase_url = \"http://a\"\n[server.tls]\ncertificate = \"c\"\nkey = \"k\"\n",
    "sdata-sync.toml:2: server.base_url is \"http://a\"; with server.tls it must begin with https://"
)]
#[case::base_url_with_a_password(
    "[server]\nbase_url = \"http://joe:secret@a\"\n",
    "sdata-sync.toml:2: server.base_url is \"http://***@a\"; it must be an http or https URL without query, such as \"https://erp.example.com\""
)]
#[case::base_url_with_a_password_that_looks_like_a_query(
    "[server]\nbase_url = \"http:/joe:se?cret@a\"\n",
    "sdata-sync.toml:2: server.base_url is \"***@a\"; it must be an http or https URL without query, such as \"https://erp.example.com\""
)]
#[case::proxy_by_name(
    "[server]\ntrusted_proxies = [\"proxy.example.com\"]\n",
    "sdata-sync.toml:2: server.trusted_proxies is a list that does not fit; it must be a list of addresses or networks, such as [\"10.0.0.0/8\", \"::1\"]"
)]
#[case::no_time_to_stop(
    "[server]\nshutdown_seconds = 0\n",
    "sdata-sync.toml:2: server.shutdown_seconds is 0; it must be a whole number from 1 to 600"
)]
#[case::more_of_one_than_of_all(
    "[limits]\nrequests = 10\nrequests_per_client = 11\n",
    "sdata-sync.toml:3: limits.requests_per_client is 11; it must not be above limits.requests, which is 10"
)]
#[case::no_toml("[server]\nlisten 5\n", "sdata-sync.toml:2: is no TOML: expected `.`, `=`")]
fn a_mistake_is_answered_with_file_line_key_and_what_would_be_right(#[case] text: &str, #[case] answer: &str) {
    assert_eq!(mistakes(text), [answer]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let found = mistakes("[paging]\nmax_count = 0\n[server]\nport = 1\n[security]\nauthentication = \"ldap\"\n");
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn a_mistake_in_the_environment_names_the_variable_and_one_in_a_flag_the_flag() {
    let sources = sources(&[("SDATA_SYNC__PAGING__MAX_COUNT", "no")], &[("tracking.workers", "0"), ("x.y", "1")]);
    let error = Settings::read(&sources).unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(
        lines[0],
        "environment variable SDATA_SYNC__PAGING__MAX_COUNT: paging.max_count is \"no\"; it must be a whole number from 1 to 100000"
    );
    assert_eq!(lines[1], "flag --set tracking.workers: tracking.workers is 0; it must be a whole number from 1 to 64");
    assert!(lines[2].starts_with("flag --set x: x is not known"), "{}", lines[2]);
}

#[rstest]
#[case::everybody("[server]\nlisten = \"0.0.0.0:80\"\nbase_url = \"http://a\"\n", "security.authentication")]
#[case::no_name_for_peers(
    "[server]\nlisten = \"0.0.0.0:80\"\n[security]\nauthentication = \"basic\"\n",
    "server.base_url"
)]
fn an_address_that_is_not_loopback_needs_authentication_and_a_base_url(#[case] text: &str, #[case] key: &str) {
    let (_folder, sources) = in_file(text, &[], &[]);
    let error = Settings::read(&sources).unwrap_err();
    assert_eq!(error.mistakes.iter().map(|mistake| mistake.key.as_str()).collect::<Vec<_>>(), [key]);
}

#[test]
fn what_is_missing_is_blamed_on_nobody_who_wrote_something_else() {
    let environment = [("SDATA_SYNC__CONTRACTS__0__NAME", "trade")];
    let error = Settings::read(&sources(&environment, &[])).unwrap_err().to_string();
    assert_eq!(error, "configuration: contracts.0.schema is missing; it must be the path of an XSD file");
}

#[test]
fn a_missing_file_is_named() {
    let sources = Sources { file: Some(PathBuf::from("/nowhere/sdata-sync.toml")), ..Sources::default() };
    let error = Settings::read(&sources).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/sdata-sync.toml: cannot be read: "), "{error}");
}

#[rstest]
#[case::typing_error("postgrs://joe:secret@db/erp")]
#[case::no_database("postgres://joe:secret@db")]
#[case::no_file("sqlite://")]
fn a_database_url_at_fault_is_refused_without_being_repeated(#[case] url: &str) {
    let (_folder, sources) = in_file(&format!("[database]\nurl = \"{url}\"\n"), &[], &[]);
    let error = Settings::read(&sources).unwrap_err().to_string();
    assert!(error.contains("toml:2: database.url must be sqlite://FILE"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

/// OURS-GROWTH-03: nothing goes that nobody said could go.
#[test]
fn retention_is_in_days_and_zero_is_for_ever() {
    let days = |days: u64| Some(Duration::from_hours(24 * days));
    let text = "[retention]\naudit_days = 400\ntombstone_days = 0\ntombstone_max_days = 90\n";
    let (_folder, sources) = in_file(text, &[], &[]);
    let retention = Settings::read(&sources).unwrap().retention;
    assert_eq!(retention, Retention { audit: days(400), tombstones: None, tombstones_at_most: days(90) });
    let told = mistakes("[retention]\naudit_days = -1\ntombstone_days = 30\ntombstone_max_days = 20\n").join("\n");
    assert!(told.contains("retention.audit_days") && told.contains("from 0 to 36525"), "{told}");
    assert!(told.contains("must not be below retention.tombstone_days"), "{told}");
}
