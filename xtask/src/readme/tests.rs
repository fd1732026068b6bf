use super::{Step, matches, missing, steps};

#[test]
fn only_console_blocks_are_run() {
    let text = "\
```sh
$ rm -r everything
```
```console
$ heroku create shop
Creating shop... done
$ cat > Procfile <<end
> web: run
> end
```
$ not this either
";
    let step = |line, command: &str, shown: &[&str]| Step {
        line,
        command: command.to_owned(),
        shown: shown.iter().map(|line| (*line).to_owned()).collect(),
    };
    let want = [
        step(5, "heroku create shop", &["Creating shop... done"]),
        step(7, "cat > Procfile <<end\nweb: run\nend", &[]),
    ];
    assert_eq!(steps(text), want);
}

#[test]
fn what_is_shown_must_come_in_order() {
    let shown: Vec<String> = ["one", "three …"].map(str::to_owned).into();
    assert_eq!(missing(&shown, "zero\none\ntwo\nthree 3\n"), None);
    assert_eq!(missing(&shown, "three 3\none\n"), Some(&shown[1]));
    assert_eq!(missing(&shown, "two\n"), Some(&shown[0]));
}

#[test]
fn dots_stand_for_anything() {
    for (pattern, line, good) in [
        ("Released v…", "Released v6", true),
        ("…Released…", "remote:     Released v6", true),
        ("up … ago", "up 1s", false),
        ("up … ago", "up 1s ago, or 2s ago", true),
        ("v6", "v61", false),
        ("a…b…c", "a1c2b3c", true),
        ("a…b…c", "a1c2c3b", false),
        ("a…", "ba", false),
    ] {
        assert_eq!(matches(pattern, line), good, "{pattern} against {line}");
    }
}
