"""Reads Atom feeds with feedparser and answers what it understood.

    read_feeds.py FEED…

Answers a JSON list, one object a feed, in the shape that tests/it/feed_readers.rs compares.
"""

import json
import sys

import feedparser


def links(of):
    return [{name: link.get(name, "") for name in ("rel", "href", "type", "title")} for link in of.get("links", [])]


def categories(of):
    return [{name: tag.get(name) or "" for name in ("term", "scheme", "label")} for tag in of.get("tags", [])]


def head(of):
    return {
        "id": of.get("id", ""),
        "title": of.get("title", ""),
        "updated": of.get("updated", ""),
        "author": of.get("author", ""),
        "links": links(of),
        "categories": categories(of),
    }


def understood(path):
    with open(path, "rb") as file:
        read = feedparser.parse(
            file.read(),
            response_headers={"content-type": "application/atom+xml; type=feed"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    if read.bozo:
        raise SystemExit(f"{path}: {read.bozo_exception}")
    entries = [
        {**head(entry), "content": [content.value for content in entry.get("content", [])]} for entry in read.entries
    ]
    return {"version": read.version, **head(read.feed), "entries": entries}


json.dump([understood(path) for path in sys.argv[1:]], sys.stdout)
