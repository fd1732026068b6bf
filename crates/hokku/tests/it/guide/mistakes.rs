//! What the guide warns of, and how the platform points it out.

use crate::server::HOKKU;

use super::{Guide, has};

/// The sample's settings have none of these mistakes; here somebody makes them all. The key is made up.
fn settings_of_a_hurry() -> String {
    let key = ["AKIA", "QWERTYUIOPASDFGH"].concat();
    format!(
        "\nSECRET_KEY = \"django-insecure-typed-into-the-source-by-somebody-in-a-hurry\"\nDEBUG = True\nAWS_ACCESS_KEY_ID = \"{key}\"\n"
    )
}

pub(super) fn pointed_out(guide: &mut Guide<'_>) {
    guide.page.chapter("Mistakes, pointed out");
    guide.page.say("The sample app has none:");
    let command = format!("{HOKKU} doctor");
    guide.run(&command);
    guide.page.say("With a secret key, an AWS key and `DEBUG = True` typed into `settings.py`:");
    let settings = guide.developer.work().join("eventsite/settings.py");
    let healthy = std::fs::read_to_string(&settings).expect("the app has settings");
    guide.developer.write("eventsite/settings.py", &format!("{healthy}{}", settings_of_a_hurry()));
    let shown = guide.run_refused(&command, &[]);
    guide.developer.write("eventsite/settings.py", &healthy);
    let seen = has(&shown, &["SECRET_KEY", "DEBUG", "AWS"]);
    let hidden = if shown.contains("QWERTYUIOPASDFGH") { Err(shown) } else { Ok(()) };
    guide.holds("mistakes", "pointed_out", "`hokku doctor` on settings with all three", seen.and(hidden));
}
