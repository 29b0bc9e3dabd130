//! The status by poll(2).

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::PipeStatus;

/// The status of a descriptor.
pub(crate) fn status(fd: BorrowedFd<'_>) -> PipeStatus {
    let mut fds = [PollFd::new(&fd, PollFlags::OUT)];
    match poll(&mut fds, Some(&Timespec::default())) {
        Ok(0) | Err(_) => PipeStatus::Full,
        Ok(_) if fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::NVAL)) => PipeStatus::Closed,
        Ok(_) => PipeStatus::Writable,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Write as _};

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;
    use crate::of;

    #[test]
    fn a_pipe_is_writable_then_full_then_writable_again_then_closed() {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let (mut reader, mut writer) = (File::from(reader), File::from(writer));
        assert_eq!(of(&writer), PipeStatus::Writable);
        while writer.write(&[0; 4096]).is_ok() {}
        assert_eq!(of(&writer), PipeStatus::Full);
        reader.read_exact(&mut [0; 4096]).unwrap();
        assert_eq!(of(&writer), PipeStatus::Writable);
        drop(reader);
        assert_eq!(of(&writer), PipeStatus::Closed);
    }

    #[test]
    fn a_regular_file_is_always_writable() {
        assert_eq!(of(&File::open("/proc/self/exe").unwrap()), PipeStatus::Writable);
    }
}
