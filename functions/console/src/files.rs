//! The files of the page, as they were when the function was built.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::HeaderValue;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// Media type of pages.
pub const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Where a page's text names the folder of the other files.
const HASH_PLACE: &str = "{{hash}}";

#[derive(RustEmbed)]
#[folder = "page/"]
struct Embedded;

/// A file that a page refers to.
#[derive(Debug)]
pub struct Asset {
    pub content_type: HeaderValue,
    pub text: String,
}

/// All of them. They refer to each other by relative addresses, and so share one folder, named by the hash of all.
#[derive(Debug)]
pub struct Files {
    hash: String,
    pages: BTreeMap<String, String>,
    assets: BTreeMap<String, Asset>,
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let files = Embedded::iter().filter_map(|name| {
        let file = Embedded::get(&name)?;
        Some((name.into_owned(), String::from_utf8_lossy(&file.data).into_owned()))
    });
    Files::new(files.collect())
});

impl Files {
    /// The files of this build.
    pub fn get() -> &'static Self {
        &FILES
    }

    fn new(files: BTreeMap<String, String>) -> Self {
        let mut digest = Sha256::new();
        for (name, text) in &files {
            for part in [name, text] {
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        let hash: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let (mut pages, mut assets) = (BTreeMap::new(), BTreeMap::new());
        for (name, text) in files {
            match content_type(&name) {
                None => drop(pages.insert(name, text.replace(HASH_PLACE, &hash))),
                Some(content_type) => drop(assets.insert(name, Asset { content_type, text })),
            }
        }
        Self { hash, pages, assets }
    }

    /// Changes with every change of any file.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// A page's text.
    pub fn page(&self, name: &str) -> Option<&str> {
        self.pages.get(name).map(String::as_str)
    }

    /// A file that is not a page.
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }
}

/// The media type of a file that is not a page.
fn content_type(name: &str) -> Option<HeaderValue> {
    let media_type = match name.rsplit_once('.')?.1 {
        "html" => return None,
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    Some(HeaderValue::from_static(media_type))
}
