//! A bucket: pictures that outlive the dyno, and static files beside them.

use crate::until::{PATIENCE, until};

use super::site::{PICTURE_WIDTH, address, upload_ones_picture};
use super::{APP, Guide, data::PERSON, has, home_stretch};

pub(super) fn pictures(guide: &mut Guide<'_>) {
    guide.page.chapter("A bucket for pictures");
    guide.run("heroku addons:create bucketeer:hobbyist");
    until("there is a bucket", PATIENCE, || guide.server.config_var(APP, "AWS_STORAGE_BUCKET_NAME"));
    guide.run("heroku ps:wait");
    guide.run("heroku addons");
    upload_ones_picture(guide);
    guide.browser_is_content("the upload to the bucket");
    guide.run("heroku restart");
    guide.run("heroku ps:wait");
    let seen = from_the_bucket(guide);
    guide.holds(
        "bucket",
        "pictures",
        "a picture's address and width in the browser, after `heroku restart`",
        seen,
    );
}

/// The picture on the person's page comes from the bucket.
fn from_the_bucket(guide: &mut Guide<'_>) -> Result<(), String> {
    let to = address(guide, &format!("/people/{PERSON}/"));
    guide.browser.open(&to);
    let pictures = guide.browser.pictures();
    guide.browser_is_content("a page with a picture from the bucket");
    let uploaded = pictures.iter().find(|(_, width)| *width == PICTURE_WIDTH);
    let (picture, _) = uploaded.ok_or_else(|| format!("no picture: {pictures:?}"))?;
    has(picture, &["https://s3.localhost:", "/people/", "X-Amz-Signature="])
}

/// Static files go to the bucket when the app's settings say so, and the next push puts them there.
pub(super) fn static_files(guide: &mut Guide<'_>) {
    guide.page.say("Static files can live there as well, when the app's settings know how:");
    guide.run("heroku config:set STATIC_ON_S3=1");
    home_stretch::next_edition(guide, "third edition");
    let seen = from_the_bucket(guide);
    guide.holds("bucket", "static_files", "the same picture, after `git push`", seen);
    let sheets = "[...document.styleSheets].map(sheet => sheet.href).join('\\n')";
    let sheets = guide.browser.evaluate(sheets).as_str().unwrap_or_default().to_owned();
    let seen = has(&sheets, &["https://s3.localhost:", "/public/static/events/site."]);
    guide.holds("bucket", "static_files", "the addresses of the page's style sheets in the browser", seen);
}
