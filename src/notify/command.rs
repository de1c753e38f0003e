use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use crate::job::JobStatus;
use crate::secrets::Secret;

use super::error::NoticeError;
use super::notice::RunNotice;

/// Runs `command` in the system's shell, with the summary on stdin, its main fields in environment variables, and
/// without the run's secrets. Its output goes to stderr, because stdout is reserved for the final summary. When
/// `timeout` completes, the command is killed together with every process that it has started.
///
/// # Errors
///
/// The command cannot be started, exits with a code other than 0, or takes too long.
pub(crate) async fn run_command(
    command: &str,
    notice: &RunNotice,
    timeout: impl Future<Output = String>,
) -> Result<(), NoticeError> {
    let failed = |cause: String| NoticeError { what: format!("run `{command}`"), cause };
    let mut shell = shell(command);
    for name in Secret::variables() {
        shell.env_remove(name);
    }
    let mut child = shell
        .envs(variables(notice))
        .stdin(Stdio::piped())
        .stdout(io::stderr())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let group = Group::of(&child);
    let (stdin, summary) = (child.stdin.take(), format!("{}\n", notice.summary));
    let ended = tokio::task::spawn_blocking(move || {
        if let Some(mut stdin) = stdin {
            // A command may exit without reading its stdin.
            let _ = stdin.write_all(summary.as_bytes());
        }
        child.wait()
    });
    tokio::select! {
        ended = ended => match ended.map_err(io::Error::other).flatten() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(status.to_string())),
            Err(error) => Err(failed(error.to_string())),
        },
        why = timeout => {
            group.end();
            Err(failed(format!("{why}, and it was ended")))
        }
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    // A separate process group, so that the command can be killed together with every process that it has started.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell
}

/// The process group of a command: the command and every process that it has started.
#[cfg(unix)]
struct Group(rustix::process::Pid);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Group {
        Group(rustix::process::Pid::from_child(child))
    }

    fn end(self) {
        // A group that has just ended by itself is not an error.
        let _ = rustix::process::kill_process_group(self.0, rustix::process::Signal::KILL);
    }
}

/// On other systems, a command that takes too long is not killed.
#[cfg(not(unix))]
struct Group;

#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Group {
        Group
    }

    fn end(self) {}
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/C", command]);
    shell
}

fn variables(notice: &RunNotice) -> Vec<(String, String)> {
    let mut variables = vec![
        ("DYEHOUSE_EXIT_CODE".to_owned(), notice.exit.code().to_string()),
        ("DYEHOUSE_MANIFEST".to_owned(), notice.manifest.clone()),
    ];
    if let Some(folder) = &notice.folder {
        variables.push(("DYEHOUSE_FOLDER".to_owned(), folder.display().to_string()));
        let page = folder.join("report").join("index.html");
        variables.push(("DYEHOUSE_REPORT".to_owned(), page.display().to_string()));
    }
    if let Some(stop) = notice.stop {
        variables.push(("DYEHOUSE_STOP".to_owned(), stop.to_string()));
    }
    if let Some(figures) = &notice.figures {
        variables.push(("DYEHOUSE_JOBS_TOTAL".to_owned(), figures.jobs.total.to_string()));
        for status in JobStatus::ALL {
            let name = format!("DYEHOUSE_JOBS_{}", status.as_str().to_uppercase());
            variables.push((name, figures.jobs.of(status).to_string()));
        }
        variables.push(("DYEHOUSE_SPENT_CENTS".to_owned(), figures.costs.spent.0.to_string()));
    }
    variables
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exit::Exit;
    use crate::notify::Breakdown;

    fn notice() -> RunNotice {
        RunNotice::broken(Exit::CannotGoOn, "m.csv".into(), "find an API key".into(), &Breakdown::default())
    }

    async fn run(command: &str, limit: Duration) -> Result<(), String> {
        let timeout = async {
            tokio::time::sleep(limit).await;
            "it took too long".to_owned()
        };
        run_command(command, &notice(), timeout).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_command_gets_the_summary_and_no_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("said");
        let command = format!("(cat; env) > {}", path.display());
        run(&command, Duration::from_secs(60)).await.unwrap();
        let printed = std::fs::read_to_string(path).unwrap();
        assert!(printed.starts_with(&format!("{}\n", notice().summary)), "{printed}");
        assert!(printed.contains("DYEHOUSE_EXIT_CODE=1\n") && !printed.contains("VIBEDREAM_API_KEY="), "{printed}");
    }

    #[tokio::test]
    async fn a_failing_command_is_reported_and_a_slow_one_is_killed() {
        let long = Duration::from_secs(60);
        assert_eq!(run("exit 3", long).await.unwrap_err(), "run `exit 3`: exit status: 3");
        assert!(run("exec <&-; true", long).await.is_ok(), "whoever does not read the summary need not");
        let printed = run("(sleep 600 & sleep 600)", Duration::from_millis(1)).await.unwrap_err();
        assert!(printed.contains("was ended"), "{printed}");
    }
}
