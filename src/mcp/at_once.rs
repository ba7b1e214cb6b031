//! Standard streams without threads between them and the loop, where the kernel can read and write without waiting
//! (`preadv2`, `pwritev2` with `RWF_NOWAIT`). `O_NONBLOCK` would do the same to every other process that has the stream.
//!
//! Linux can, for pipes and sockets, which is what hosts connect; for files and terminals, on older kernels and elsewhere
//! the threads do it.

#[cfg(target_os = "linux")]
pub(super) use linux::{Input, Output};
#[cfg(not(target_os = "linux"))]
pub(super) use nowhere::{Input, Output};

/// One end of a stream, as the operating system knows it.
#[cfg(target_os = "linux")]
pub type Handle = std::os::fd::OwnedFd;
/// One end of a stream, as the operating system knows it; there is none here.
#[cfg(not(target_os = "linux"))]
pub type Handle = std::convert::Infallible;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, IoSlice, IoSliceMut, Write};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Poll, ready};

    use rustix::io::{ReadWriteFlags, preadv2, pwritev2};
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::Handle;

    /// Where a stream stands, for calls that take a place.
    const HERE: u64 = u64::MAX;

    /// A stream that is read.
    pub(in crate::mcp) struct Input(AsyncFd<Handle>);

    impl Input {
        /// `None` if nobody tells when there is something to read.
        #[expect(
            deprecated,
            reason = "its successor is `unsafe`: it wants a descriptor that stays, as an `OwnedFd` does"
        )]
        pub(in crate::mcp) fn new(handle: Handle) -> Option<Self> {
            AsyncFd::with_interest(handle, Interest::READABLE).map(Self).ok()
        }

        /// Reads what is there. A stream that cannot be read so says it at the first attempt.
        pub(in crate::mcp) fn poll(&mut self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
            loop {
                let mut ready = ready!(self.0.poll_read_ready(context))?;
                match preadv2(self.0.get_ref(), &mut [IoSliceMut::new(into)], HERE, ReadWriteFlags::NOWAIT) {
                    Ok(size) => {
                        // Less than there was room for is all there was.
                        if size > 0 && size < into.len() {
                            ready.clear_ready();
                        }
                        return Poll::Ready(Ok(size));
                    }
                    Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
        }
    }

    /// A stream that is written.
    pub(in crate::mcp) struct Output {
        stream: Handle,
        /// Whether it was tried to enlarge it.
        is_tried: AtomicBool,
    }

    impl Output {
        pub(in crate::mcp) fn new(stream: Handle) -> Option<Self> {
            Some(Self { stream, is_tried: AtomicBool::new(false) })
        }

        /// Lets a pipe hold so much, from now on and for all who have it: 64 KiB are less than a long list of tools. Tried once.
        /// It stays as it is where it holds more already, where it is none, and where the person has no more pages for pipes
        /// (pipe(7): 16,384 at once unless the administrator says otherwise).
        pub(in crate::mcp) fn enlarge(&self, size: usize) {
            if self.is_tried.swap(true, Ordering::Relaxed) {
                return;
            }
            if fcntl_getpipe_size(&self.stream).is_ok_and(|now| now < size) {
                let _ = fcntl_setpipe_size(&self.stream, size);
            }
        }

        /// The same stream for a thread that waits; what is written is not searched for the ends of lines, as by
        /// `io::stdout`.
        pub(in crate::mcp) fn blocking(&self) -> Option<Box<dyn Write + Send>> {
            Some(Box::new(File::from(self.stream.try_clone().ok()?)))
        }

        /// Writes the pieces, as much of them as there is room for.
        pub(in crate::mcp) fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            Ok(pwritev2(&self.stream, pieces, HERE, ReadWriteFlags::NOWAIT)?)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::io::{self, IoSlice, Write};
    use std::task::{Context, Poll};

    use super::Handle;

    pub(in crate::mcp) struct Input(Handle);

    impl Input {
        pub(in crate::mcp) fn new(handle: Handle) -> Option<Self> {
            Some(Self(handle))
        }

        pub(in crate::mcp) fn poll(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            match self.0 {}
        }
    }

    pub(in crate::mcp) struct Output(Handle);

    impl Output {
        pub(in crate::mcp) fn new(handle: Handle) -> Option<Self> {
            Some(Self(handle))
        }

        pub(in crate::mcp) fn blocking(&self) -> Option<Box<dyn Write + Send>> {
            match self.0 {}
        }

        pub(in crate::mcp) fn enlarge(&self, _: usize) {
            match self.0 {}
        }

        pub(in crate::mcp) fn write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
            match self.0 {}
        }
    }
}
