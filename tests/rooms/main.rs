//! The rooms of the house and the arrows between them (docs/architecture.md): reads the sources and fails on an arrow that
//! is not drawn there.

#[path = "../rust_sources/mod.rs"]
mod rust_sources;

mod paths;

use paths::{Reached, is_test_file, reached};
use rust_sources::{SourceFile, read_folder};
use std::io;

/// What each room may use of the others. `lib.rs` only names the rooms.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("wire", &["protocol"]),
    ("contract", &["protocol", "wire"]),
    ("query", &["protocol", "contract"]),
    ("store", &["protocol", "query"]),
    ("provider", &["protocol", "wire", "contract", "query", "store"]),
    ("jobs", &["protocol", "wire", "contract", "query", "store", "provider"]),
    ("engine", &["protocol", "wire", "contract", "telemetry"]),
    ("http", &["protocol", "wire", "contract", "query", "store", "provider", "jobs", "telemetry"]),
    ("settings", &["protocol", "store"]),
    ("telemetry", &[]),
    ("cli", EVERYTHING),
    ("main", EVERYTHING),
    ("lib", &[]),
];

const EVERYTHING: &[&str] = &[
    "protocol",
    "wire",
    "contract",
    "query",
    "store",
    "provider",
    "jobs",
    "engine",
    "http",
    "settings",
    "telemetry",
    "cli",
];

/// Who may name a crate, or a module of one.
enum Allowed {
    /// These rooms alone.
    Only(&'static [&'static str]),
    /// All but these.
    NotIn(&'static [&'static str]),
}

/// The rooms without input and output of their own.
const WITHOUT_IO: Allowed = Allowed::NotIn(&["protocol", "wire", "provider"]);

const CRATES: &[(&str, Option<&str>, Allowed)] = &[
    ("sea_orm", None, Allowed::Only(&["store"])),
    ("entities", None, Allowed::Only(&["store"])),
    ("migration", None, Allowed::Only(&["store", "cli", "main"])),
    ("quick_xml", None, Allowed::Only(&["wire"])),
    ("actix_web", None, Allowed::Only(&["http", "cli", "main"])),
    ("actix_http", None, Allowed::Only(&["http"])),
    ("actix_server", None, Allowed::Only(&["http"])),
    ("actix_service", None, Allowed::Only(&["http"])),
    ("reqwest", None, WITHOUT_IO),
    ("std", Some("fs"), WITHOUT_IO),
    ("tokio", Some("fs"), WITHOUT_IO),
];

#[test]
fn rooms_use_only_the_rooms_they_may() -> io::Result<()> {
    let files = read_folder("src")?;
    assert!(!files.is_empty(), "no sources were found");
    assert_none(&forbidden(&files));
    Ok(())
}

/// A migration is frozen history; the entities follow the present.
#[test]
fn the_migration_never_names_the_entities() -> io::Result<()> {
    let is_entity = |reached: &Reached| reached.from == "entities";
    let mut found = Vec::new();
    for file in read_folder("migration")? {
        let named = reached(file.tokens.clone(), &[]).into_iter().filter(is_entity);
        found.extend(named.map(|reached| arrow(&file, &reached, "migration", "entities")));
    }
    assert_none(&found);
    Ok(())
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "arrows that docs/architecture.md does not draw:\n{}", found.join("\n"));
}

/// Every forbidden arrow in `files`, as file, line and arrow. Tests may use what they like.
fn forbidden(files: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !is_test_file(&file.path)) {
        let module = module_of(&file.path);
        let room = module.first().map_or("lib", String::as_str);
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == room) else {
            found.push(format!("{}: the room '{room}' is not in the table of tests/rooms", file.path));
            continue;
        };
        for reached in reached(file.tokens.clone(), &module) {
            if reached.from == "crate" {
                if reached.name != room && !allowed.contains(&reached.name.as_str()) {
                    found.push(arrow(file, &reached, room, &reached.name));
                }
            } else if let Some(name) = forbidden_crate(room, &reached) {
                found.push(arrow(file, &reached, room, &name));
            }
        }
    }
    found
}

/// The crate that `reached` names, if `room` may not.
fn forbidden_crate(room: &str, reached: &Reached) -> Option<String> {
    let named = |(name, module, _): &&(&str, Option<&str>, Allowed)| {
        *name == reached.from && module.is_none_or(|module| module == reached.name)
    };
    let (name, module, allowed) = CRATES.iter().find(named)?;
    let is_allowed = match allowed {
        Allowed::Only(rooms) => rooms.contains(&room),
        Allowed::NotIn(rooms) => !rooms.contains(&room),
    };
    (!is_allowed).then(|| module.map_or_else(|| (*name).to_owned(), |module| format!("{name}::{module}")))
}

fn arrow(file: &SourceFile, reached: &Reached, from: &str, to: &str) -> String {
    format!("{}:{}: {from} -> {to}", file.path, reached.line)
}

/// The module a file is: `src/http/source.rs` is `http::source`, `src/http/mod.rs` is `http`; the crate's root is none.
fn module_of(path: &str) -> Vec<String> {
    let within = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Vec<_> = within.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(path: &str, text: &str) -> Vec<String> {
        forbidden(&[SourceFile { path: path.to_owned(), tokens: text.parse().unwrap() }])
    }

    #[test]
    fn a_forbidden_arrow_is_told_with_file_line_and_arrow() {
        let text = "use crate::protocol::Tick;\nuse crate::store::{Store, Txn};\n";
        assert_eq!(arrows("src/wire/feed.rs", text), ["src/wire/feed.rs:2: wire -> store"]);
    }

    #[test]
    fn use_trees_and_plain_paths_are_followed() {
        let text = "use crate::{\n wire::Entry,\n jobs,\n};\nfn f() { let _ = crate::http::serve; }";
        let expected = [
            "src/store/ids.rs:2: store -> wire",
            "src/store/ids.rs:3: store -> jobs",
            "src/store/ids.rs:5: store -> http",
        ];
        assert_eq!(arrows("src/store/ids.rs", text), expected);
    }

    #[test]
    fn super_is_followed_out_of_the_room() {
        let text = "use super::super::store;\nuse super::{plan, super::provider::Error};\nuse super::super::wire;";
        let expected = ["src/contract/model.rs:1: contract -> store", "src/contract/model.rs:2: contract -> provider"];
        assert_eq!(arrows("src/contract/model.rs", text), expected);
        assert_eq!(arrows("src/contract/mod.rs", "use super::store;"), ["src/contract/mod.rs:1: contract -> store"]);
        assert!(arrows("src/provider/target/plan.rs", "use super::super::wire; use super::store;").is_empty());
    }

    #[test]
    fn an_inner_module_counts_as_a_level() {
        let text = "mod inner { use super::super::store; use super::super::super::store; }";
        assert_eq!(arrows("src/wire/feed.rs", text), ["src/wire/feed.rs:1: wire -> store"]);
    }

    #[test]
    fn crates_stay_in_their_rooms() {
        let text = "use std::{io, fs::File};\nfn f(_: &sea_orm::DbErr) {}\nuse actix_web::web;\nuse quick_xml::Reader;";
        let told = |path, named: [(usize, &str); 4]| {
            assert_eq!(arrows(path, text), named.map(|(line, arrow)| format!("{path}:{line}: {arrow}")));
        };
        told(
            "src/provider/source.rs",
            [
                (1, "provider -> std::fs"),
                (2, "provider -> sea_orm"),
                (3, "provider -> actix_web"),
                (4, "provider -> quick_xml"),
            ],
        );
        assert_eq!(arrows("src/main.rs", "use actix_web::web; use std::fs;"), [""; 0]);
    }

    #[test]
    fn what_tests_use_is_their_affair() {
        let text =
            "#[cfg(test)]\nmod tests { use crate::store::Store; }\n#[cfg(test)] mod more;\nuse crate::jobs::Jobs;";
        assert_eq!(arrows("src/wire/feed.rs", text), ["src/wire/feed.rs:4: wire -> jobs"]);
        assert!(arrows("src/engine/tests/foreign.rs", "use actix_web::web;").is_empty());
    }

    #[test]
    fn a_room_that_is_not_in_the_table_is_told() {
        assert_eq!(arrows("src/utils.rs", ""), ["src/utils.rs: the room 'utils' is not in the table of tests/rooms"]);
    }
}
