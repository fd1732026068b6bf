use super::{Source, from_lines, from_stanzas, taken_over};

fn wanted(sources: Vec<Source>) -> String {
    sources.iter().filter(|source| source.is_of("bookworm")).map(Source::line).collect()
}

#[test]
fn debians_own_sources_are_found_in_stanzas() {
    let text = "Types: deb deb-src\n# a remark\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates bookworm-backports\n\
        Components: main contrib\nSigned-By: /usr/share/keyrings/debian.gpg\n\n\
        Types: deb\nURIs: http://mirror/security\nSuites: bookworm-security\nComponents: main\n\n\
        Enabled: no\nTypes: deb\nURIs: http://off/debian\nSuites: bookworm\nComponents: main\n\n\
        Types: deb\nURIs: https://vendor/linux\nSuites: bookworm\nComponents: stable\n";
    insta::assert_snapshot!(wanted(from_stanzas(text)), @r"
    deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror/debian bookworm main
    deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror/debian bookworm-updates main
    deb http://mirror/security bookworm-security main
    ");
}

#[test]
fn debians_own_sources_are_found_in_lines() {
    let text = "deb http://mirror/debian bookworm main contrib # ours\n#deb http://off/debian bookworm main\n\
        deb [arch=amd64 signed-by=/key.gpg] http://mirror/security bookworm-security main\n\
        deb-src http://mirror/debian bookworm main\ndeb https://vendor bookworm stable\n\ndeb broken\n\
        deb http://mirror/debian trixie main\n";
    insta::assert_snapshot!(wanted(from_lines(text)), @r"
    deb http://mirror/debian bookworm main
    deb [signed-by=/key.gpg] http://mirror/security bookworm-security main
    ");
}

#[test]
fn only_download_settings_are_taken_over() {
    let dump = "APT \"\";\nAcquire::http::Proxy \"http://proxy:3128\";\nDPkg::Post-Invoke:: \"rm -rf /\";\n\
        Acquire::Check-Date \"false\";\nAcquire::IndexTargets::deb::X \"y\";\n";
    assert_eq!(
        taken_over(dump),
        "Acquire::http::Proxy \"http://proxy:3128\";\nAcquire::Check-Date \"false\";\n"
    );
}
