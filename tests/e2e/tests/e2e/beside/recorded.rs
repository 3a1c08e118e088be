//! The session in docs/releases.md, run as it stands there: its files are written, its commands run in their order, and what they say is
//! compared. RECORD=1 writes down what they say now.

use std::path::Path;
use std::time::Duration;

use e2e::shell::{must, root};
use e2e::{Cluster, Environment};

/// The page's namespace, and the one in which the test plays it.
const NAMESPACES: [&str; 2] = ["chatbot-stage", "e2e-stage"];

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_session_of_a_release_is_what_happens() {
    let page = root().join("docs/releases.md");
    let before = std::fs::read_to_string(&page).expect("the page is there");
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "stage").await;
    let folder = std::env::temp_dir().join(format!("e2e-recorded-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");

    let [of_the_page, own] = NAMESPACES;
    let after = replay(&before.replace(of_the_page, own), &folder).await.replace(own, of_the_page);
    if std::env::var_os("RECORD").is_some() {
        std::fs::write(&page, &after).expect("the page can be written");
    }
    let (said, recorded) = (masked(&after), masked(&std::fs::read_to_string(&page).expect("the page is there")));
    let differences: Vec<_> = said.lines().zip(recorded.lines()).filter(|(said, recorded)| said != recorded).collect();
    assert!(said == recorded, "not as recorded (RECORD=1 writes it anew): {differences:#?}");
    std::fs::remove_dir_all(folder).expect("the temporary folder");
    environment.remove().await;
}

/// The page with what its commands say now.
async fn replay(page: &str, folder: &Path) -> String {
    let (mut out, mut lines) = (String::new(), page.lines());
    while let Some(line) = lines.next() {
        out += &format!("{line}\n");
        let block = match line {
            "```yaml" | "```console" => lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>(),
            _ => continue,
        };
        out += &if line == "```yaml" { file(&block, folder) } else { session(&block, folder).await };
        out += "```\n";
    }
    out
}

/// Writes the file that the first line names.
fn file(block: &[&str], folder: &Path) -> String {
    let name = block.first().and_then(|line| line.strip_prefix("# ")).expect("a file's name stands first");
    let text: String = block.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.join(name), &text).expect("a file in the temporary folder");
    text
}

async fn session(block: &[&str], folder: &Path) -> String {
    let mut out = String::new();
    for command in block.iter().filter(|line| line.starts_with("$ ")) {
        let script = format!("cd {} && {}", folder.display(), command.trim_start_matches("$ "));
        let said = must("bash", &["-c", &script], "").await;
        out += &format!("{command}\n{said}");
        // The operator looks a moment after a write; a person types more slowly than a test.
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    out
}

/// Without what differs from run to run: times and sizes; ids of releases are numbered as they appear.
fn masked(page: &str) -> String {
    let mut releases = Vec::new();
    let mut line = |line: &str| line.split_whitespace().map(|it| word(it, &mut releases)).collect::<Vec<_>>().join(" ");
    page.lines().map(&mut line).collect::<Vec<_>>().join("\n")
}

fn word(word: &str, releases: &mut Vec<String>) -> String {
    let is_time =
        |word: &str| word.ends_with(['s', 'm', 'h']) && word.chars().all(|c| c.is_ascii_digit() || "smh".contains(c));
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).rsplit('=').next().unwrap_or_default();
    let is_id = bare.len() == 10 && bare.chars().all(|c| c.is_ascii_hexdigit());
    if is_id && !releases.iter().any(|known| known == bare) {
        releases.push(bare.to_owned());
    }
    let masked = match releases.iter().position(|known| known == bare) {
        Some(index) => format!("RELEASE-{index}"),
        // As much of a backup's name as is shown.
        None if bare.len() == 8 && bare.chars().all(|c| c.is_ascii_hexdigit()) => "BACKUP".to_owned(),
        None if is_time(bare) || bare.parse::<jiff::Timestamp>().is_ok() => "TIME".to_owned(),
        None if bare.contains('.') && bare.parse::<f64>().is_ok() => "SIZE".to_owned(),
        None => bare.to_owned(),
    };
    if bare.is_empty() { word.to_owned() } else { word.replace(bare, &masked) }
}
