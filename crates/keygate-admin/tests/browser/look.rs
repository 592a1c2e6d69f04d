//! Checks of a page's appearance: narrow and wide, light and dark.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::axe::target;
use crate::browser::Browser;

const WIDTHS: [u32; 2] = [1_400, 360];
const SCHEMES: [&str; 2] = ["light", "dark"];

impl Browser {
    /// Checks the page in both widths and colour schemes: takes screenshots, runs `axe-core`, and fails if the page is
    /// wider than the window or the browser logged a problem.
    ///
    /// If scripts are disabled, it checks the page only once, since the style is the same.
    pub(crate) async fn look(&self, name: &str) {
        if !self.has_script {
            let what = format!("{name}-no-script");
            self.screenshot(&what).await;
            // `axe-core` waits by the timers of the page. Its own script does not run any more once it is loaded.
            self.disable_script(false).await;
            self.is_accessible(&what).await;
            self.disable_script(true).await;
            return self.complains_of_nothing().await;
        }
        for width in WIDTHS {
            self.resize(width).await;
            for scheme in SCHEMES {
                // Wait until colour transitions have ended.
                let features = json!([
                    { "name": "prefers-color-scheme", "value": scheme },
                    { "name": "prefers-reduced-motion", "value": "reduce" },
                ]);
                self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
                let what = format!("{name}-{width}-{scheme}");
                self.screenshot(&what).await;
                self.is_accessible(&what).await;
            }
            let wide = self.run("return document.documentElement.scrollWidth").await;
            assert!(wide.as_u64().unwrap() <= width.into(), "{name} is {wide} wide in {width}");
        }
        self.resize(WIDTHS[0]).await;
        self.complains_of_nothing().await;
    }

    async fn screenshot(&self, name: &str) {
        let whole = json!({ "captureBeyondViewport": true });
        let shot = self.devtools("Page.captureScreenshot", whole).await;
        let image = BASE64.decode(shot["data"].as_str().unwrap()).unwrap();
        let folder = target().join("screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), image).unwrap();
    }
}
