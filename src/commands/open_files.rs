/// Raises the limit of open files as far as the system allows it. Each connection and each picture that is saved needs one,
/// and the usual limits of 256 and 1024 are only there for programs that use `select`. If it cannot be raised, it stays.
#[cfg(unix)]
pub(super) fn raise_limit_of_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if let Err(error) = raised {
        tracing::debug!("the limit of open files stays: {error}");
    }
}

#[cfg(not(unix))]
pub(super) fn raise_limit_of_open_files() {}
