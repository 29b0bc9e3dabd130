//! Metrics of a child from `/proc` (proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Process;

impl Process {
    /// Resident memory in bytes, shared pages included.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn rss_bytes(&self) -> Result<u64> {
        self.smaps("Rss:")
    }

    /// Private dirty memory in bytes: the cost of one more such process.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn private_dirty_bytes(&self) -> Result<u64> {
        self.smaps("Private_Dirty:")
    }

    /// User and kernel CPU time of its running threads, in nanoseconds from schedstat; where the kernel has none, in
    /// ticks and with the threads that have ended.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).context("the process has ended")?;
        let nanoseconds = |thread: fs::DirEntry| -> Option<u64> {
            fs::read_to_string(thread.path().join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
        };
        match threads.flatten().filter_map(nanoseconds).sum() {
            0 => self.cpu_user_and_kernel().map(|(user, kernel)| user + kernel),
            sum => Ok(Duration::from_nanos(sum)),
        }
    }

    /// User and kernel CPU time of all its threads, ended ones included, in the kernel's ticks of 10 ms.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn cpu_user_and_kernel(&self) -> Result<(Duration, Duration)> {
        let stat = self.proc_file("stat")?;
        // The name in field 2 may hold anything; the fields after its last parenthesis begin with field 3.
        let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has no name")?;
        let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        let mut next = || -> Result<Duration> {
            let ticks = ticks.next().context("/proc/PID/stat is short")??;
            Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
        };
        Ok((next()?, next()?))
    }

    /// The number of open file descriptors.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn open_fds(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()))?.count())
    }

    /// Whether this process, and not another one, listens on TCP `port`.
    #[must_use]
    pub fn listens_on(&self, port: u16) -> bool {
        listening_sockets(port).iter().any(|inode| self.holds_socket(inode))
    }

    /// The number of open sockets. Other descriptors, such as timers, come and go with the runtime.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn open_sockets(&self) -> Result<usize> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid()))?;
        let is_socket = |entry: &fs::DirEntry| {
            fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
        };
        Ok(entries.flatten().filter(is_socket).count())
    }

    /// The number of its connections to TCP `port` of another process.
    #[must_use]
    pub fn connections_to(&self, port: u16) -> usize {
        sockets(|_, remote, _| remote == port).iter().filter(|inode| self.holds_socket(inode)).count()
    }

    fn holds_socket(&self, inode: &str) -> bool {
        let wanted = format!("socket:[{inode}]");
        let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", self.pid())) else {
            return false;
        };
        entries.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str()))
    }

    fn smaps(&self, name: &str) -> Result<u64> {
        let rollup = self.proc_file("smaps_rollup")?;
        let line =
            rollup.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name} in smaps_rollup"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1).context("no figure in smaps_rollup")?.parse()?;
        Ok(kilobytes * 1024)
    }

    fn proc_file(&self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/{name}", self.pid());
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    }
}

/// The inodes of the sockets that listen on `port`.
fn listening_sockets(port: u16) -> Vec<String> {
    sockets(|local, _, state| local == port && state == "0A")
}

/// The inodes of the sockets whose local port, remote port and state (0A is LISTEN) are `wanted`, from the kernel's
/// tables for IPv4 and IPv6.
fn sockets(wanted: impl Fn(u16, u16, &str) -> bool) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    rows.filter_map(|row| {
        let mut fields = row.split_whitespace().skip(1);
        let (local, remote, state, inode) = (fields.next()?, fields.next()?, fields.next()?, fields.nth(5)?);
        wanted(port(local)?, port(remote)?, state).then(|| inode.to_owned())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sources_of_cpu_time_agree() -> Result<()> {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "while :; do :; done"]);
        let child = Process::start_with(&command, std::process::Stdio::null(), std::process::Stdio::null())?;
        crate::try_wait_for("300 ms of CPU time", Duration::from_secs(30), || {
            Ok((child.cpu_time()? >= Duration::from_millis(300)).then_some(()))
        })?;
        let (fine, (user, kernel)) = (child.cpu_time()?, child.cpu_user_and_kernel()?);
        let coarse = user + kernel;
        assert!(fine.abs_diff(coarse) < Duration::from_millis(100), "{fine:?} and {coarse:?}");
        Ok(())
    }

    #[test]
    fn a_connection_is_found_by_its_remote_port() -> Result<()> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let connection = std::net::TcpStream::connect(("127.0.0.1", port))?;
        assert_eq!(sockets(|_, remote, _| remote == port).len(), 1);
        drop(connection);
        Ok(())
    }

    #[test]
    fn a_listening_socket_is_found_by_its_port() -> Result<()> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        assert_eq!(listening_sockets(listener.local_addr()?.port()).len(), 1);
        Ok(())
    }
}
