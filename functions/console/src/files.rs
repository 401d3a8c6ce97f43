//! The files of the page, as `build.rs` has made them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Media type of pages.
pub const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

macro_rules! built {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/page/", $name))
    };
}

/// What pages refer to by an address.
const ASSETS: [(&str, HeaderValue, &str); 9] = [
    ("style.css", CSS, built!("style.css")),
    ("app.js", JAVASCRIPT, built!("app.js")),
    ("app.js.map", JSON, built!("app.js.map")),
    ("views.js", JAVASCRIPT, built!("views.js")),
    ("views.js.map", JSON, built!("views.js.map")),
    ("activate.js", JAVASCRIPT, built!("activate.js")),
    ("activate.js.map", JSON, built!("activate.js.map")),
    ("mail-frame.js", JAVASCRIPT, built!("mail-frame.js")),
    ("mail-frame.js.map", JSON, built!("mail-frame.js.map")),
];

/// The style sheet that stands in the page of an invitation.
const ACTIVATION_STYLE: &str = built!("activate.css");

/// A file that a page refers to.
#[derive(Debug)]
pub struct Asset {
    pub content_type: HeaderValue,
    pub text: &'static str,
}

/// All files. The assets refer to each other by relative addresses, so they share one folder, named by the hash of all.
#[derive(Debug)]
pub struct Files {
    hash: String,
    assets: BTreeMap<&'static str, Asset>,
    console: String,
    activation: String,
    mail_frame: String,
}

static FILES: LazyLock<Files> = LazyLock::new(Files::new);

impl Files {
    /// The files of this build.
    pub fn get() -> &'static Self {
        &FILES
    }

    fn new() -> Self {
        let mut digest = Sha256::new();
        for (name, _, text) in &ASSETS {
            for part in [name, text] {
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        let hash: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        // Its own address would be one more call for everybody.
        let icon = format!("data:image/svg+xml;base64,{}", STANDARD.encode(built!("icon.svg")));
        let page = |text: &str| text.replace("{{hash}}", &hash).replace("{{icon}}", &icon);
        Self {
            console: page(built!("index.html")),
            activation: page(built!("activate.html")).replace("{{style}}", ACTIVATION_STYLE),
            mail_frame: page(built!("mail-frame.html")),
            hash,
            assets: ASSETS.into_iter().map(|(name, content_type, text)| (name, Asset { content_type, text })).collect(),
        }
    }

    /// Changes with every change of any asset.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The operator's page with its settings, which are JSON.
    pub fn console(&self, settings: &str) -> String {
        let escaped = settings.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        self.console.replace("{{settings}}", &escaped)
    }

    /// The page of an invitation.
    pub fn activation(&self) -> &str {
        &self.activation
    }

    /// The frame that shows an e-mail.
    pub fn mail_frame(&self) -> &str {
        &self.mail_frame
    }

    /// A file that is not a page.
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }
}

/// What names the style sheet in the page of an invitation for a policy that allows no other (CSP Level 3, 2.3.1).
pub fn activation_style_source() -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(ACTIVATION_STYLE)))
}
